"""Real SIP telephones (Debian's baresip and sipp) against a whole Presa, on loopback: calls in, pages out, many at once.

Takes minutes, so it runs with PRESA_SIP=1 (as `make torture` does), where baresip, sipp and espeak-ng are installed.
"""

import contextlib
import importlib.util
import os
import shutil
import socket
import sqlite3
import subprocess
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from outside_presa import ACME_NUMBER, DESK_NUMBER, PIN, ROOT, UNO, Carrier, Presa, until

MISSING = [name for name in ("baresip", "sipp", "espeak-ng") if not shutil.which(name)]
MISSING += [name for name in ("aiosipua", "aiortp") if not importlib.util.find_spec(name)]
WANTED = os.environ.get("PRESA_SIP") == "1"
WHY = (
    f"not installed here: {', '.join(MISSING)} (apt install baresip sip-tester espeak-ng)"
    if MISSING
    else "set PRESA_SIP=1"
)
pytestmark = pytest.mark.skipif(bool(MISSING) or not WANTED, reason=f"not tried with real telephones: {WHY}")

if not MISSING:
    from baresip import Baresip

    from gateway.sip import speech

TOGETHER = 25
SCENARIO = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="reports a problem">
  <send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:%(number)s@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:%(number)s@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 8 96
a=rtpmap:8 PCMA/8000
a=rtpmap:96 telephone-event/8000
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rtd="true"/>
  <send><![CDATA[
ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:%(number)s@[local_ip]:[local_port]>;tag=[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
  <pause milliseconds="1500"/>
%(keys)s
  <send retrans="500"><![CDATA[
BYE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:%(number)s@[local_ip]:[local_port]>;tag=[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"/>
</scenario>
"""
KEYS = '  <nop><action><exec play_dtmf="{0}"/></action></nop>\n  <pause milliseconds="{1}"/>\n'


@dataclass
class House:
    presa: Presa
    folder: Path
    sip: int
    engineer: int


def free_udp(count: int = 1) -> int:
    """A port that nobody uses, and `count - 1` above it."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            made.bind(("127.0.0.1", 0))
            first = int(made.getsockname()[1])
        if first + count > 60_000:
            continue
        try:
            for port in range(first, first + count):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
                    made.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("sip")
    config, sip, engineer, sound = folder / "config", free_udp(), free_udp(), free_udp(80)
    shutil.copytree(ROOT / "desks" / "test", config)
    text = (config / "presa.yaml").read_text()
    line = (
        f"kind: sip\n  from: '{DESK_NUMBER}'\n  sip:\n    listen: 127.0.0.1:{sip}\n    peers: [127.0.0.1]\n"
        f"    ports: {sound}-{sound + 79}\n    calls: 30\n    recordings: {folder}/recordings\n"
        f"    phones: {{'{UNO}': 'sip:uno@127.0.0.1:{engineer}'}}\n"
    )
    (config / "presa.yaml").write_text(text.replace(f'kind: twilio\n  from: "{DESK_NUMBER}"', line))
    with Presa(folder, Carrier(), config=str(config)) as presa:
        yield House(presa, folder, sip, engineer)


def spoken(path: Path) -> Path:
    """Somebody who never stops talking."""
    said = speech.Speech(speech.Voices()).say(
        "Il centralino principale è fermo e nessuno riesce a telefonare.", "it-IT", 8
    )
    with wave.open(str(path), "wb") as write:
        write.setnchannels(1)
        write.setsampwidth(2)
        write.setframerate(8_000)
        write.writeframes(speech.decode(said, 8) * 15)
    return path


def test_a_caller_reports_in_a_real_telephone_and_the_engineer_takes_it_on_another(house: House) -> None:
    """Issue 7, "Real voice without a carrier": both ways, with keys, speech heard, and a recording."""
    engineer = Baresip(house.folder / "engineer", "uno", house.engineer, answers=True)
    caller = Baresip(
        house.folder / "caller", ACME_NUMBER, free_udp(), says=spoken(house.folder / "spoken.wav"), rtp=free_udp(20)
    )
    try:
        caller.calls(f"sip:{DESK_NUMBER}@127.0.0.1:{house.sip}")
        assert caller.waits_for("CALL_ESTABLISHED", "CALL_CLOSED") == "CALL_ESTABLISHED"
        time.sleep(1.0)
        for keys in ("1", "100001#", f"{PIN}#", "1"):
            caller.presses(keys)
            time.sleep(1.0)
        assert engineer.waits_for("CALL_ESTABLISHED", seconds=20) == "CALL_ESTABLISHED"
        time.sleep(2.0)
        engineer.presses("1")
        engineer.waits_for("CALL_CLOSED", seconds=30)
        (call,) = [row for row in house.presa.calls().values() if row["ticket"]]
        until(lambda: _recorded(house, caller), 60, "the description")
        caller.hangs_up()
        caller.waits_for("CALL_CLOSED")
    finally:
        caller.close()
        engineer.close()
    seconds, loud = caller.heard()
    assert seconds > 8
    assert loud > 0.3, "hardly anything was heard"
    assert engineer.heard()[1] > 0.3
    ticket = house.presa.tickets()[call["ticket"]]
    assert (ticket["customer"], ticket["priority"], ticket["assignee"]) == ("ACME", "P1", "Ugo Primo")
    assert call["events"][:2] == ["code_known", "pin_ok"]
    story = str(house.presa.explain(call["ticket"]))
    assert "accepted" in story
    sound = until(lambda: _kept(house), 30, "the recording in the database")
    assert len(speech.pcm_of(sound)) > 16_000, "less than a second was recorded"
    until(lambda: not list((house.folder / "recordings").iterdir()), 30, "the end of the line's own copy")
    assert PIN not in house.presa.log.read_text()
    assert ACME_NUMBER not in house.presa.log.read_text()


def _kept(house: House) -> bytes | None:
    """The recording, once it is in the database."""
    with contextlib.closing(sqlite3.connect(house.folder / "presa.db")) as stored:
        row = stored.execute("SELECT sound FROM recordings WHERE state = 'kept'").fetchone()
    return bytes(row[0]) if row else None


def _recorded(house: House, caller: "Baresip") -> bool:
    """Ends what is being recorded, and looks whether it is there."""
    caller.presses("#")
    time.sleep(0.5)
    return any("recording" in row["events"] for row in house.presa.calls().values())


def test_a_telephone_that_nobody_knows_is_refused(house: House) -> None:
    """Only peers: another address of the same machine is none."""
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind(("127.0.0.2", 0))
    stranger.settimeout(5)
    here = f"127.0.0.2:{stranger.getsockname()[1]}"
    lines = (
        f"INVITE sip:{DESK_NUMBER}@127.0.0.1:{house.sip} SIP/2.0", f"Via: SIP/2.0/UDP {here};branch=z9hG4bKstranger",
        f"From: <sip:x@{here}>;tag=1", f"To: <sip:{DESK_NUMBER}@127.0.0.1>", "Call-ID: stranger", "CSeq: 1 INVITE",
        f"Contact: <sip:x@{here}>", "Content-Length: 0",
    )  # fmt: skip
    stranger.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), ("127.0.0.1", house.sip))
    assert stranger.recv(4_096).startswith(b"SIP/2.0 403 ")
    stranger.close()


def test_twenty_five_calls_at_once_each_open_their_ticket(house: House) -> None:
    before = len(house.presa.tickets())
    keys = "".join(
        KEYS.format(text, pause) for text, pause in (("1", 1500), ("100001#", 3500), (f"{PIN}#", 6000), ("4", 3000))
    )
    scenario = house.folder / "reports.xml"
    scenario.write_text(SCENARIO % {"number": ACME_NUMBER, "keys": keys})
    done = subprocess.run(
        ["sipp", "-sf", str(scenario), "-s", DESK_NUMBER, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", str(free_udp()),
         "-m", str(TOGETHER), "-r", str(TOGETHER), "-l", str(TOGETHER), "-timeout", "60s", "-nostdin", f"127.0.0.1:{house.sip}"],
        cwd=house.folder, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-500:]
    until(lambda: len(house.presa.tickets()) >= before + TOGETHER, 20, f"{TOGETHER} tickets")
    assert len(house.presa.tickets()) == before + TOGETHER
    calls = list(house.presa.calls().values())
    assert sum("pin_ok" in call["events"] for call in calls) >= TOGETHER
    assert len({call["ticket"] for call in calls if call["ticket"]}) >= TOGETHER
