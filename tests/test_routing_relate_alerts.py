"""One alert is known by its key, whatever system wrote it; its recovery has the same key, another host's has not."""

from datetime import UTC, datetime, timedelta

import pytest

from routing import alerts, facts
from routing.alert_states import state_of
from routing.masking import plain
from routing.pool import Stream
from routing.relate import Related

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


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Mail = str | tuple[str, str]  # a subject that is the text too, or both


def told(*mails: Mail) -> list[Related]:
    """What becomes of events of one customer, half an hour apart."""
    stream, done = Stream(), []
    for n, mail in enumerate(mails):
        subject, text = (mail, mail) if isinstance(mail, str) else mail
        at = NOON + timedelta(minutes=30 * n)
        done.append(stream.take(facts.trace(f"r{n}", at, "event", "K", "monitor@acme.example", subject, text))[0])
    return done


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("PING 192.168.1.10 CRITICAL", "PING 192.168.1.20 CRITICAL"),
        ("CRITICAL: PDU #1 overload in sala CED", "CRITICAL: PDU #2 overload in sala CED"),
        ("iLO alarm hp1: 12V rail failed", "iLO alarm hp1: 5V rail failed"),
        ("CRITICAL: disk 2 failed on hp-1", "CRITICAL: disk 3 failed on hp-1"),
        ("CRITICAL: Drive 1.3 failed on hp-1", "CRITICAL: Drive 1.4 failed on hp-1"),
        ("ALARM: temperature 1 high on rack-1", "ALARM: temperature 2 high on rack-1"),
        ("ALARM: trunk 0510000001 lost on pbx-1", "ALARM: trunk 0510000002 lost on pbx-1"),
        ("CRITICAL: VM 101 on pve1 is down", "CRITICAL: VM 102 on pve1 is down"),
        ("[Failed] Export 06:00 on erp-1", "[Failed] Export 18:00 on erp-1"),
        ("ALARM: freezer-1 humidity high", "ALARM: freezer-1 humidity low"),
        ("ALERT: sw-1 Gi0/1 down", "ALERT: sw-1 Gi0/1 error"),
        (("Alert: Disk full", "Computer: SRV1\nDrive: C:\nStatus: critical"), ("Alert: Disk full", "Computer: SRV1\nDrive: D:\nStatus: critical")),
        (("Alert: Job failed", "Server: SQL1\nDatabase: ERP\nStatus: failed"), ("Alert: Job failed", "Server: SQL1\nDatabase: CRM\nStatus: failed")),
        (("Alert: Service", "Server Name: alfa\nStatus: critical"), ("Alert: Service", "Server Name: beta\nStatus: critical")),
        (("[PROBLEM] Ping", "Host: Switch Piano 1\nService: Ping\nState: DOWN"), ("[PROBLEM] Ping", "Host: Switch Piano 2\nService: Ping\nState: DOWN")),
        (("[Critical] Stopped on dc-1", "The service 'DNS Server' is not running."), ("[Critical] Stopped on dc-1", "The service 'DHCP Server' is not running.")),
        (("SNMP trap: alarm on sw-1", "Host: sw-1\nTrap: linkDown ifIndex 3"), ("SNMP trap: alarm on sw-1", "Host: sw-1\nTrap: linkDown ifIndex 9")),
        (("[FIRING:1] DiskFull", "- alertname = DiskFull\n- device = /dev/sda1\n- instance = web-3"), ("[FIRING:1] DiskFull", "- alertname = DiskFull\n- device = /dev/sda1\n- instance = web-4")),
    ],
)  # fmt: skip
def test_another_thing_under_the_same_words_is_only_shown_and_each_goes_on_by_itself(one: Mail, other: Mail) -> None:
    done = told(one, other, one, other)
    assert done[1].decision != "same"
    assert [(again.decision, again.of) for again in done[2:]] == [("same", "r0"), ("same", "r1")]


def test_the_earlier_ticket_of_another_thing_is_shown_with_what_differs() -> None:
    _, other = told(
        ("Alert: Disk full", "Computer: SRV1\nDrive: C:\nStatus: critical"),
        ("Alert: Disk full", "Computer: SRV1\nDrive: D:\nStatus: critical"),
    )
    assert (other.decision, other.candidates) == ("suggest", ("r0",))
    assert other.why[-1] == "veto other-mark: drive d, not c"


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("CRITICAL: CPU load 14.2 on app-9", "CRITICAL: CPU load 17.9 on app-9"),
        (("WARNING: disk C: on ts-2 at 91%", "8.1 GB free"), ("CRITICAL: disk C: on ts-2 at 97%", "2.9 GB free")),
        (("Alert: sw-4 errors", "Device: sw-4\nAlert ID: 9001\nTime: 10:00"), ("Alert: sw-4 errors", "Device: sw-4\nAlert ID: 9002\nTime: 10:30")),
        (("[Failed] Paghe (3 objects)", "Backup job: Paghe\nFailed\nDuration 0:12:44"), ("[Warning] Paghe (2 objects)", "Backup job: Paghe\nWarning\nDuration 0:10:04")),
        (("ALERT: ap-7 down", "Since 2026-02-09 10:00:03, http://x.example/ack?id=1"), ("ALERT: ap-7 down", "Since 2026-02-09 10:30:03, http://x.example/ack?id=2")),
    ],
)  # fmt: skip
def test_a_repetition_with_other_values_is_joined(first: Mail, again: Mail) -> None:
    assert told(first, again)[-1].of == "r0"


@pytest.mark.parametrize(
    ("problem", "end"),
    [
        ("CRITICAL: srv1 DNS not resolved", "OK: srv1 DNS resolved"),
        ("ALARM: srv1 disk full", "ALARM ENDED: srv1 disk full"),
        ("ALLARME: cella-1 temperatura", "FINE ALLARME: cella-1 temperatura"),
        ("srv1 is down", "srv1 is no longer down"),
        ("srv1 CPU: OK → WARNING → CRITICAL", "srv1 CPU: CRITICAL → WARNING → OK"),
        (("Problem: Disk (used > 80%)", "Host: FS1\nProblem name: Disk\nDrive: C:"), ("Resolved in 6m 6s: Disk (used > 80%)", "Host: FS1\nProblem name: Disk")),
    ],
)  # fmt: skip
def test_an_end_is_joined_and_what_comes_after_it_is_not(problem: Mail, end: Mail) -> None:
    done = told(problem, end, problem)
    assert (done[1].of, done[2].decision) == ("r0", "suggest")


def test_an_end_that_may_be_of_two_problems_is_of_none() -> None:
    mains = ("ALLARME: continuita UPS1", "Nome: UPS1\nDescrizione: mancanza rete")
    battery = ("ALLARME: continuita UPS1", "Nome: UPS1\nDescrizione: batteria da sostituire")
    end = told(mains, battery, ("OK: continuita UPS1", "Nome: UPS1\nDescrizione: rete presente"))[-1]
    assert (end.decision, end.why[-1]) == ("suggest", "veto other-mark: it may end more than one")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("DNS name srv1 could not be resolved", "problem"),
        ("Problema non risolto su srv1: disco pieno", "problem"),
        ("cluster is not healthy", "problem"),
        ("CPU on srv1 is no longer critical", "recovery"),
        ("Backup completed with errors", "problem"),
        ("Backup report: 5 OK, 2 failed", "problem"),
        ("Job: completed, 0 errors, 0 warnings", "recovery"),
        ("Job: success, failed: 3", "problem"),
        ("OK -> WARNING -> CRITICAL", "problem"),
        ("status changed from Red to Green", "recovery"),
        ("definitions are not up to date", "problem"),
        ("Back up of srv1 failed", "problem"),
        ("Online backup failed on srv1", "problem"),
        ("Windows Update set up failed", "problem"),
        ("success rate below 95% - critical", "problem"),
        ("Link up/down trap: port 3 link down", "problem"),
        ("Valve closed unexpectedly: alarm", "problem"),
        ("RESET: High CPU load", "recovery"),
        ("CESSATO ALLARME: temperatura", "recovery"),
        ("ALERT: account unlocked on dc1", "recovery"),
        ("Agent alfa disconnected", "problem"),
        ("Agent alfa connected", "recovery"),
        ("Service spooler stopped", "problem"),
        ("Backup NON riuscito", "problem"),
        ("Backup riuscito", "recovery"),
        ("[DOWN] OK Market POS", "problem"),
        ("Resolved in 3m: agent is not available", "recovery"),
        ("systemd-resolved on srv-up-1", None),
    ],
)
def test_the_state_is_read_with_its_negation(said: str, state: str | None) -> None:
    assert state_of(plain(said)) == state


@pytest.mark.parametrize(
    ("subject", "text", "host"),
    [
        ("Problem: Memory", "Host: Server Contabilità (10.0.0.5)\nTrigger: Memory", "server contabilita"),
        ("Alert: Disk", "Device: /dev/sda1\nInstance: web-3\nStatus: critical", "web-3"),
        ("Alert: Disk", "Machine ID: srvdc.root\nStatus: critical", "srvdc.root"),
        ("Fired:Sev2 cpu on vm-erp", "Rule fired", "vm-erp"),
    ],
)
def test_the_host_is_read_whole(subject: str, text: str, host: str) -> None:
    found = alerts.read("event", "monitor@acme.example", subject, text)
    assert found is not None
    assert found.host == host


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("ALERT: 2 problems", "Host: srv1\nState: DOWN\n\nHost: srv2\nState: DOWN"),
        ("Daily alert digest: 1 problem", "Host: srv1\nState: DOWN"),
        ("[Warning] Weekly backup report: 1 failed", "Job Notturno failed"),
    ],
)
def test_what_tells_of_more_than_one_is_no_alert(subject: str, text: str) -> None:
    assert alerts.read("event", "monitor@acme.example", subject, text) is None


def test_an_alert_that_was_kept_before_there_were_marks_still_reads_and_vetoes_nothing() -> None:
    new = facts.trace("r1", NOON, "event", "K", "monitor@acme.example", "CRITICAL: VM 101 on pve1 is down", "x")
    kept = facts.as_json(new) | {"alert": ["pve1|vm", "problem", "pve1"]}
    old = facts.from_json(kept, "r0", NOON, "K")
    assert old.alert == alerts.Alert("pve1|vm", "problem", "pve1")
    assert facts.from_json(facts.as_json(new), "r1", NOON, "K").alert == new.alert


def test_two_alerts_that_name_nothing_are_only_shown() -> None:
    again = told("Alert: Disk full", "Alert: Disk full")[-1]
    assert (again.decision, again.why[-1]) == ("suggest", "veto other-mark: neither names anything")


def test_an_alert_keeps_few_marks() -> None:
    found = alerts.read("event", "monitor@acme.example", "ALERT: srv1", " ".join(f"name{n}" for n in range(400)))
    assert found is not None
    assert len(found.marks) <= 40


@pytest.mark.parametrize(
    ("subject", "text", "key"),
    [
        ("", "Host: a1\nService: disk\nState: CRITICAL", "a1|disk"),
        ("Host", "Host: a1\nService: disk\nState: DOWN", "a1|disk"),
        ("Alert", "Alert: disk full\nHost: a1\nState: CRITICAL", "a1|disk full"),
        ("a1 is DOWN", "a1 is DOWN\nHost: a1\nService: ping", "a1|ping"),
    ],
)
def test_a_subject_takes_nothing_from_the_labels_of_the_text(subject: str, text: str, key: str) -> None:
    found = alerts.read("event", "monitor@acme.example", subject, text)
    assert found is not None
    assert found.key == key


@pytest.mark.parametrize("label", ["dev\u0131ce", "\u017fervice", "Ho\u017ft", "JOB", "\u212a: x\nhost"])
def test_a_label_in_letters_that_only_look_like_ours_ends_nothing(label: str) -> None:
    """Regular expressions without regard to case take a dotless i for an i."""
    found = alerts.read("event", "monitor@acme.example", "srv1 is DOWN", f"{label}: x\nState: DOWN")
    assert found is not None
    assert found.state == "problem"
