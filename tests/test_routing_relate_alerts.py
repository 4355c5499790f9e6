"""One alert is known by its key, whatever system wrote it; its recovery has the same key, another host's has not."""

import pytest

from routing import alerts

# tool, (subject, text) of a problem, of its repetition, of its recovery, of the same alert on another host
TOOLS = {
    "nagios": (
        ("** PROBLEM Service Alert: srv-mi-01/Disk C is CRITICAL **", "Notification Type: PROBLEM\nService: Disk C\nHost: srv-mi-01\nAddress: 10.0.0.5\nState: CRITICAL\n\nDate/Time: Mon Feb 9 10:01:02 CET 2026\n\nAdditional Info:\nDISK CRITICAL - free space: C: 512 MB (1%)"),
        ("** PROBLEM Service Alert: srv-mi-01/Disk C is WARNING **", "Notification Type: PROBLEM\nService: Disk C\nHost: srv-mi-01\nAddress: 10.0.0.5\nState: WARNING\n\nDate/Time: Mon Feb 9 11:01:02 CET 2026\n\nAdditional Info:\nDISK WARNING - free space: C: 812 MB (3%)"),
        ("** RECOVERY Service Alert: srv-mi-01/Disk C is OK **", "Notification Type: RECOVERY\nService: Disk C\nHost: srv-mi-01\nAddress: 10.0.0.5\nState: OK\n\nDate/Time: Mon Feb 9 12:01:02 CET 2026"),
        ("** PROBLEM Service Alert: srv-mi-02/Disk C is CRITICAL **", "Notification Type: PROBLEM\nService: Disk C\nHost: srv-mi-02\nAddress: 10.0.0.6\nState: CRITICAL"),
    ),
    "nagios host": (
        ("** PROBLEM Host Alert: srv-mi-01 is DOWN **", "Notification Type: PROBLEM\nHost: srv-mi-01\nState: DOWN\nInfo: PING CRITICAL - Packet loss = 100%"),
        ("** PROBLEM Host Alert: srv-mi-01 is DOWN **", "Notification Type: PROBLEM\nHost: srv-mi-01\nState: DOWN\nInfo: PING CRITICAL - Packet loss = 80%"),
        ("** RECOVERY Host Alert: srv-mi-01 is UP **", "Notification Type: RECOVERY\nHost: srv-mi-01\nState: UP"),
        ("** PROBLEM Host Alert: srv-mi-07 is DOWN **", "Notification Type: PROBLEM\nHost: srv-mi-07\nState: DOWN"),
    ),
    "icinga": (
        ("[PROBLEM] load on db1.acme.example is CRITICAL!", "***** Service Monitoring on icinga *****\n\nload on db1.acme.example is CRITICAL!\n\nInfo: CRITICAL - load average: 12.1\n\nWhen: 2026-02-09 10:00:00\nService: load\nHost: db1.acme.example"),
        ("[PROBLEM] load on db1.acme.example is CRITICAL!", "load on db1.acme.example is CRITICAL!\n\nInfo: CRITICAL - load average: 14.9\n\nWhen: 2026-02-09 10:30:00\nService: load\nHost: db1.acme.example"),
        ("[RECOVERY] load on db1.acme.example is OK!", "load on db1.acme.example is OK!\n\nWhen: 2026-02-09 11:30:00\nService: load\nHost: db1.acme.example"),
        ("[PROBLEM] load on db2.acme.example is CRITICAL!", "load on db2.acme.example is CRITICAL!\nService: load\nHost: db2.acme.example"),
    ),
    "zabbix": (
        ("Problem: High CPU utilization on web-01", "Problem started at 10:02:11 on 2026.02.09\nProblem name: High CPU utilization\nHost: web-01\nSeverity: Warning\nOperational data: Current utilization: 97.2 %\nOriginal problem ID: 88123"),
        ("Problem: High CPU utilization on web-01", "Problem started at 10:32:11 on 2026.02.09\nProblem name: High CPU utilization\nHost: web-01\nSeverity: Warning\nOperational data: Current utilization: 91.0 %\nOriginal problem ID: 88190"),
        ("Resolved in 35m 10s: High CPU utilization on web-01", "Problem has been resolved at 10:37:21 on 2026.02.09\nProblem name: High CPU utilization\nProblem duration: 35m 10s\nHost: web-01\nSeverity: Warning\nOriginal problem ID: 88123"),
        ("Problem: High CPU utilization on web-02", "Problem started at 10:02:11 on 2026.02.09\nProblem name: High CPU utilization\nHost: web-02\nSeverity: Warning"),
    ),
    "zabbix italiano": (
        ("PROBLEMA: Spazio disco esaurito su srv-bo-02", "Trigger: Spazio disco esaurito\nStato: PROBLEMA\nHost: srv-bo-02\nValore: 98 %"),
        ("PROBLEMA: Spazio disco esaurito su srv-bo-02", "Trigger: Spazio disco esaurito\nStato: PROBLEMA\nHost: srv-bo-02\nValore: 99 %"),
        ("RISOLTO: Spazio disco esaurito su srv-bo-02", "Trigger: Spazio disco esaurito\nStato: OK\nHost: srv-bo-02\nValore: 60 %"),
        ("PROBLEMA: Spazio disco esaurito su srv-bo-03", "Trigger: Spazio disco esaurito\nStato: PROBLEMA\nHost: srv-bo-03\nValore: 98 %"),
    ),
    "alertmanager": (
        ("[FIRING:1] NodeFilesystemAlmostFull (node-exporter prod web-03:9100 warning)", "Labels:\n - alertname = NodeFilesystemAlmostFull\n - instance = web-03:9100\n - job = node-exporter\n - severity = warning\nAnnotations:\n - description = Filesystem has only 3.92% left"),
        ("[FIRING:1] NodeFilesystemAlmostFull (node-exporter prod web-03:9100 warning)", "Labels:\n - alertname = NodeFilesystemAlmostFull\n - instance = web-03:9100\n - job = node-exporter\n - severity = warning\nAnnotations:\n - description = Filesystem has only 2.10% left"),
        ("[RESOLVED] NodeFilesystemAlmostFull (node-exporter prod web-03:9100 warning)", "Labels:\n - alertname = NodeFilesystemAlmostFull\n - instance = web-03:9100\n - job = node-exporter\n - severity = warning"),
        ("[FIRING:1] NodeFilesystemAlmostFull (node-exporter prod web-04:9100 warning)", "Labels:\n - alertname = NodeFilesystemAlmostFull\n - instance = web-04:9100\n - job = node-exporter"),
    ),
    "checkmk": (
        ("Check_MK: srv-to-01/Memory OK -> CRIT", "Host: srv-to-01\nService: Memory\nEvent: OK -> CRIT\nDate / Time: Mon Feb 09 10:11:12 CET 2026\nSummary: Total (RAM + Swap): 98.2%"),
        ("Check_MK: srv-to-01/Memory WARN -> CRIT", "Host: srv-to-01\nService: Memory\nEvent: WARN -> CRIT\nSummary: Total (RAM + Swap): 97.0%"),
        ("Check_MK: srv-to-01/Memory CRIT -> OK", "Host: srv-to-01\nService: Memory\nEvent: CRIT -> OK\nSummary: Total (RAM + Swap): 50.2%"),
        ("Check_MK: srv-to-02/Memory OK -> CRIT", "Host: srv-to-02\nService: Memory\nEvent: OK -> CRIT"),
    ),
    "prtg": (
        ("[PRTG Network Monitor] Ping (Ping) Down (No response (ICMP error # 11010)) on fw-01", "Sensor: Ping\nDevice: fw-01\nStatus: Down\nDate/Time: 09/02/2026 10:11:12\nLast Message: No response"),
        ("[PRTG Network Monitor] Ping (Ping) Down ESCALATION (No response (ICMP error # 11010)) on fw-01", "Sensor: Ping\nDevice: fw-01\nStatus: Down ESCALATION\nDate/Time: 09/02/2026 10:31:12"),
        ("[PRTG Network Monitor] Ping (Ping) Up (12 msec) on fw-01", "Sensor: Ping\nDevice: fw-01\nStatus: Up\nDate/Time: 09/02/2026 11:11:12"),
        ("[PRTG Network Monitor] Ping (Ping) Down (No response) on fw-02", "Sensor: Ping\nDevice: fw-02\nStatus: Down"),
    ),
    "datadog": (
        ("[Triggered] [Warn] Disk usage is high on {host:app-7}", "Disk usage is high\n\nMetric value: 0.931\n\nhost:app-7, env:prod\n\nThe monitor was last triggered at Mon Feb 09 2026 10:00:00 UTC."),
        ("[Re-Triggered] [Warn] Disk usage is high on {host:app-7}", "Disk usage is high\n\nMetric value: 0.955\n\nhost:app-7, env:prod\n\nThe monitor was last triggered at Mon Feb 09 2026 10:30:00 UTC."),
        ("[Recovered] [Warn] Disk usage is high on {host:app-7}", "Disk usage is high\n\nMetric value: 0.600\n\nhost:app-7, env:prod"),
        ("[Triggered] [Warn] Disk usage is high on {host:app-8}", "Disk usage is high\n\nMetric value: 0.931\n\nhost:app-8, env:prod"),
    ),
    "cloudwatch": (
        ('ALARM: "web-1-cpu-high" in EU (Milan)', "You are receiving this email because your Amazon CloudWatch Alarm \"web-1-cpu-high\" in the EU (Milan) region has entered the ALARM state.\n\nAlarm Details:\n- Name: web-1-cpu-high\n- State Change: OK -> ALARM\n- Timestamp: Monday 09 February, 2026 10:00:00 UTC"),
        ('ALARM: "web-1-cpu-high" in EU (Milan)', "Alarm Details:\n- Name: web-1-cpu-high\n- State Change: INSUFFICIENT_DATA -> ALARM\n- Timestamp: Monday 09 February, 2026 10:30:00 UTC"),
        ('OK: "web-1-cpu-high" in EU (Milan)', "Alarm Details:\n- Name: web-1-cpu-high\n- State Change: ALARM -> OK\n- Timestamp: Monday 09 February, 2026 11:00:00 UTC"),
        ('ALARM: "web-2-cpu-high" in EU (Milan)', "Alarm Details:\n- Name: web-2-cpu-high\n- State Change: OK -> ALARM"),
    ),
    "uptimerobot": (
        ("Monitor is DOWN: shop.acme.example", "Hi,\nThe monitor shop.acme.example (https://shop.acme.example) is currently DOWN (HTTP 502 - Bad Gateway).\nEvent timestamp: 2026-02-09 10:00:00"),
        ("Monitor is DOWN: shop.acme.example", "Hi,\nThe monitor shop.acme.example (https://shop.acme.example) is still DOWN (HTTP 503).\nEvent timestamp: 2026-02-09 10:30:00"),
        ("Monitor is UP: shop.acme.example", "Hi,\nThe monitor shop.acme.example (https://shop.acme.example) is back UP (HTTP 200). It was down for 42 minutes."),
        ("Monitor is DOWN: www.acme.example", "Hi,\nThe monitor www.acme.example is currently DOWN (HTTP 502)."),
    ),
    "veeam": (
        ("[Failed] Backup Job Daily-VM-01 (3 objects)", "Backup job: Daily-VM-01\nFailed\n3 of 3 VMs processed\nDuration 0:12:44"),
        ("[Failed] Backup Job Daily-VM-01 (3 objects)", "Backup job: Daily-VM-01\nFailed\n2 of 3 VMs processed\nDuration 0:10:04"),
        ("[Success] Backup Job Daily-VM-01 (3 objects)", "Backup job: Daily-VM-01\nSuccess\n3 of 3 VMs processed\nDuration 0:33:04"),
        ("[Failed] Backup Job Weekly-SQL (1 objects)", "Backup job: Weekly-SQL\nFailed\n1 of 1 VMs processed"),
    ),
    "plain": (
        ("ALERT: srv-bo-04 ping loss 44%", "srv-bo-04 ping loss 44% at 10:00"),
        ("ALERT: srv-bo-04 ping loss 61%", "srv-bo-04 ping loss 61% at 10:30"),
        ("OK: srv-bo-04 ping loss 2%", "srv-bo-04 ping loss back to normal at 11:00"),
        ("ALERT: srv-bo-05 ping loss 44%", "srv-bo-05 ping loss 44% at 10:00"),
    ),
    "allarme": (
        ("Allarme temperatura sala CED srv-rack-2: 41°C", "Sensore: temperatura\nDispositivo: srv-rack-2\nStato: ALLARME\nValore: 41°C"),
        ("Allarme temperatura sala CED srv-rack-2: 43°C", "Sensore: temperatura\nDispositivo: srv-rack-2\nStato: ALLARME\nValore: 43°C"),
        ("Rientrato: temperatura sala CED srv-rack-2: 22°C", "Sensore: temperatura\nDispositivo: srv-rack-2\nStato: RIENTRATO\nValore: 22°C"),
        ("Allarme temperatura sala CED srv-rack-3: 41°C", "Sensore: temperatura\nDispositivo: srv-rack-3\nStato: ALLARME\nValore: 41°C"),
    ),
    "ups": (
        ("UPS-Bologna: On battery power", "UPS-Bologna: The UPS is on battery. Status: ALARM\nDevice: UPS-Bologna\nRuntime 22 minutes"),
        ("UPS-Bologna: On battery power", "UPS-Bologna: The UPS is on battery. Status: ALARM\nDevice: UPS-Bologna\nRuntime 11 minutes"),
        ("UPS-Bologna: On battery power cleared", "UPS-Bologna: utility power restored. Status: OK\nDevice: UPS-Bologna"),
        ("UPS-Torino: On battery power", "UPS-Torino: The UPS is on battery. Status: ALARM\nDevice: UPS-Torino"),
    ),
    "grafana": (
        ("[FIRING:1] High response time api-2 (prod)", "**Firing**\n\nValue: A=812 ms\nLabels:\n - alertname = High response time\n - instance = api-2\n"),
        ("[FIRING:1] High response time api-2 (prod)", "**Firing**\n\nValue: A=934 ms\nLabels:\n - alertname = High response time\n - instance = api-2\n"),
        ("[RESOLVED] High response time api-2 (prod)", "**Resolved**\n\nValue: A=112 ms\nLabels:\n - alertname = High response time\n - instance = api-2\n"),
        ("[FIRING:1] High response time api-3 (prod)", "**Firing**\n\nValue: A=812 ms\nLabels:\n - alertname = High response time\n - instance = api-3\n"),
    ),
    "severity only": (
        ("CRITICAL - sw-core-1 - interface Gi0/1 errors 1200/s", "sw-core-1 interface Gi0/1 errors 1200/s"),
        ("CRITICAL - sw-core-1 - interface Gi0/1 errors 900/s", "sw-core-1 interface Gi0/1 errors 900/s"),
        ("OK - sw-core-1 - interface Gi0/1 errors 0/s", "sw-core-1 interface Gi0/1 errors 0/s"),
        ("CRITICAL - sw-core-2 - interface Gi0/1 errors 1200/s", "sw-core-2 interface Gi0/1 errors 1200/s"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS)
def test_repetition_and_recovery_have_the_key_of_their_alert_and_another_host_has_its_own(tool: str) -> None:
    problem, again, recovery, other = (alerts.read("event", "monitor@acme.example", *one) for one in TOOLS[tool])
    assert problem is not None
    assert again is not None
    assert recovery is not None
    assert other is not None
    assert (problem.state, again.state, recovery.state, other.state) == ("problem", "problem", "recovery", "problem")
    assert problem.key == again.key == recovery.key
    assert other.key != problem.key


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool not in ("allarme", "ups")])
def test_a_machine_is_known_by_its_subject_even_from_a_persons_address(tool: str) -> None:
    subject, text = TOOLS[tool][0]
    assert alerts.read("mail", "ced@acme.example", subject, text) is not None


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Server giù sede di Bologna", "Il server di Bologna non risponde, problema grave"),
        ("Problema accesso cartelle", "Non riesco ad aprire i file: errore di rete"),
        ("Website 502", "Our shop is down since this morning"),
        ("Everything OK now", "The printer is up again, thanks"),
        ("Problem with invoice 4669", "The amount is wrong. Status: unpaid"),
        ("Problem: printer", "It does not print"),
        ("Urgent: no internet", "We are offline"),
    ],
)
def test_a_person_is_not_taken_for_a_machine(subject: str, text: str) -> None:
    found = alerts.read("mail", "mario@acme.example", subject, text)
    assert found is None
