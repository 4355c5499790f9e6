"""After every flow of the telephone: no PIN, no full number, no word of a customer in the log, an address, an event or a reply."""

import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from outside_presa import ACCOUNT, ACME_NUMBER, ROOT, TOKEN, Call, Carrier, Leg, Presa, post, until

PIN, WRONG = "58392017", "74930158"
AGENT_NUMBER, STRANGER, TARGET = "+390211223344", "+390298761234", "0267891234"
SAID = "Il gatto ha mangiato il cavo di rete"
NUMBERS = (ACME_NUMBER, AGENT_NUMBER, STRANGER, "+39" + TARGET)
MENU = (
    "  menu: {1: report, 2: add, 3: escalate, 4: status, 5: information}\n"
    "  greets: true\n"
    f"  agents: {{ida: {{name: Ida Neri, number: '{AGENT_NUMBER}'}}}}\n"
)


@pytest.fixture(scope="module")
def carrier() -> Iterator[Carrier]:
    stand_in = Carrier()
    yield stand_in
    stand_in.close()


@pytest.fixture(scope="module")
def presa(tmp_path_factory: pytest.TempPathFactory, carrier: Carrier) -> Iterator[Presa]:
    """The test desk with a menu and an agent, open day and night; what PINs prove is tickets."""
    folder: Path = tmp_path_factory.mktemp("secrets")
    config = folder / "config"
    shutil.copytree(ROOT / "desks" / "test", config)
    desk = (config / "desk.yaml").read_text(encoding="utf-8")
    desk = desk.replace("  hours: never\n", "  hours: 24x7\n" + MENU, 1)
    (config / "desk.yaml").write_text(desk, encoding="utf-8")
    people = (config / "directory.yaml").read_text(encoding="utf-8").replace('"471108"', f'"{PIN}"')
    (config / "directory.yaml").write_text(people, encoding="utf-8")
    with Presa(folder, carrier, config=str(config)) as running:
        yield running


class Ear:
    """Every address and every document that the carrier saw, of all calls."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.documents: list[str] = []

    def listen(self, leg: Leg) -> Leg:
        fetch = leg.fetch

        def heard(url: str, **fields: str) -> Leg:
            done = fetch(url, **fields)
            self.urls.append(leg.url)
            self.documents.append(leg.text)
            return done

        leg.fetch = heard  # type: ignore[method-assign]
        return leg


@pytest.fixture(scope="module")
def ear(presa: Presa, carrier: Carrier) -> Ear:
    """Every flow once: what went over the line is kept."""
    made = Ear()

    def call(*prompts: str, from_: str = ACME_NUMBER) -> Call:
        one = Call(presa.base, from_=from_)
        made.listen(one)
        return one.dial().pressing(*prompts)

    report = call("1", "1", "100001#", "2")  # a report of a known number, with its code
    report.record()
    number = re.sub(r"\D", "", next(iter(presa.tickets())))
    report.hang_up()
    call("1", "1", "#", "3").hang_up()  # the number on file is asked, not the code; hung up at the description
    for matter in "234":  # add, escalate, status: with a wrong PIN first, a slip, and the right number
        about = call("2", matter, "100001#", f"{WRONG}#", f"{PIN}#", f"{number[:-1]}{(int(number[-1]) + 1) % 10}#")
        about.keys(f"{number}#")
        if about.waits_for == "Record":
            about.record(SpeechResult=SAID)
        about.hang_up()
    call("2", "5", "100001#", from_=STRANGER).record().hang_up()  # type: ignore[attr-defined]
    locked = call("2", "4", "100001#", *[f"{WRONG}#"] * 3, from_=STRANGER)
    locked.hang_up()
    back = call("1", "1", "9#", f"{TARGET}#", from_=STRANGER)
    back.hang_up()
    call("1", "1", "9#", "00441632960961#", from_=STRANGER).hang_up()
    # a person: the agent's telephone, a key, and the two talk
    wants = call("1", "0", from_=STRANGER)
    dial = wants._verb("Dial")
    whisper = dial.find("Number").get("url", "")  # type: ignore[union-attr]
    agent = made.listen(Leg(presa.base, from_="+390200000000", to=AGENT_NUMBER, direction="outbound-dial"))
    agent.fetch(whisper)
    waits = call("1", "0")  # everybody talks: our own queue
    waits.silence()
    waits.keys("9").keys("#")
    waits.hang_up()
    agent.keys("1")
    wants.fetch(dial.get("action", ""), DialCallStatus="completed", DialCallDuration="60")
    wants.hang_up()
    # a call back rings, is answered, and the customer presses a key
    until(lambda: carrier.rung, 20, "a call back")
    rung = carrier.rung[0]
    made.listen(rung)
    rung.ring().answer()
    rung.keys("1")
    rung.end()
    # what goes wrong is logged, and says nothing either
    post(f"{presa.base}/phone/twilio/voice", {"CallSid": "CA1", "From": STRANGER, "Digits": PIN}, token="another")
    post(f"{presa.base}/phone/twilio/step/{wants.sid}/99", {**wants.common, "Digits": PIN})
    post(f"{presa.base}/phone/twilio/status?attempt=callback9-1&Digits={PIN}", {**wants.common, "CallStatus": "busy"})
    return made


def holds(text: str, *, numbers: bool = True) -> list[str]:
    """Which secrets stand in a text: PINs, the account's token, a customer's words, numbers however they are written."""
    found = [secret for secret in (PIN, WRONG, TOKEN, SAID) if secret in text]
    bare = re.sub(r"[\s.()/-]|%2[Bb]|%20", "", text)
    return found + [number for number in NUMBERS if numbers and (number in bare or number[3:] in bare)]


def test_every_flow_was_really_gone_through(presa: Presa, ear: Ear) -> None:
    events = {event for row in presa.calls().values() for event in row["events"]}
    assert events >= {
        "code_known", "pin_ok", "pin_wrong", "pin_locked", "ticket", "ticket_found", "ticket_slip", "escalated", "recording",
        "callback_taken", "callback_refused", "person_rung", "hung_up",
    }  # fmt: skip
    assert len(ear.urls) > 60


def test_the_log_and_the_web_servers_log_hold_no_pin_number_or_word(presa: Presa, ear: Ear) -> None:
    """CASES V7, phone 26. Everything that the process writes goes into this one file, an access log too."""
    log = presa.log.read_text()
    assert holds(log) == [], [line for line in log.splitlines() if holds(line)][:3]
    assert "Traceback" not in log
    # the account, ids and instants apart, there is no run of digits as long as a telephone number
    rest = re.sub(rf"{ACCOUNT}|CA[0-9a-f]{{32}}|RE[0-9a-f]{{32}}|\d{{4}}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{{64}}", "", log)
    assert not re.search(r"\+?\d{9,}", rest), rest


def test_no_address_that_the_carrier_was_given_holds_any(ear: Ear) -> None:
    """CASES phone 26: an address ends in the logs of everybody on the way."""
    given = [*ear.urls]
    for document in ear.documents:
        for element in ET.fromstring(document).iter():
            given += [
                value
                for name, value in element.attrib.items()
                if "url" in name.lower() or name == "action" or "allback" in name
            ]
            given += [element.text or ""] if element.tag in ("Redirect", "Play") else []
    assert len(given) > 150
    assert [url for url in given if holds(url)] == []


def test_nothing_that_was_keyed_is_said_back_and_no_whole_number_either(ear: Ear) -> None:
    for document in ear.documents:
        spoken = " ".join(say.text or "" for say in ET.fromstring(document).iter("Say"))
        assert holds(spoken) == [], spoken


def test_events_rows_and_every_byte_of_the_database_hold_no_pin(presa: Presa, ear: Ear) -> None:
    """Numbers are kept where they are needed, as rows of calls; digits of a PIN nowhere, right or wrong."""
    for row in presa.calls().values():
        assert holds(" ".join(row["events"])) == []
    kept = b"".join(path.read_bytes() for path in presa.log.parent.glob("presa.db*"))
    for secret in (PIN, WRONG):
        assert secret.encode() not in kept
    for number in sorted(presa.tickets())[:2]:
        assert PIN not in presa.run("explain", number).stdout
