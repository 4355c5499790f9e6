"""The on-call chain from outside: who is rung, when, and what ends it.

The waits are real. Where the next is to be rung at once the desk would wait for a minute; where the wait itself is looked at,
for two seconds instead of the test desk's six."""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from outside_presa import ACME_NUMBER, DESK_NUMBER, PIN, ROOT, Call, Carrier, Handset, Presa, mail, results, until

LONG, SHORT = 60, 2  # seconds until the next is rung in any case


@dataclass
class Duty:
    presa: Presa
    carrier: Carrier
    chain: list[str]

    def page(self, key: str = "1") -> tuple[Call, str]:
        """A customer's call of this severity up to the ticket; the caller's end and the ticket."""
        self.carrier.rung.clear()
        one = Call(self.presa.base, from_=ACME_NUMBER).dial().pressing("2", "100001#", f"{PIN}#", key)
        return one, one.said

    def ticket(self, one: Call) -> str:
        found: str = self.presa.calls()[one.sid]["ticket"]
        return found

    def numbers(self) -> list[str]:
        return [handset.number for handset in self.carrier.rung]


@pytest.fixture(scope="module")
def duty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Duty]:
    with on_duty(tmp_path_factory.mktemp("oncall"), LONG) as made:
        yield made


@contextmanager
def on_duty(folder: Path, wait: int) -> Iterator[Duty]:
    """Presa on a copy of the test desk that waits for so long."""
    desk = shutil.copytree(ROOT / "desks" / "test", folder / "desk") / "desk.yaml"
    assert "wait: 6s" in desk.read_text()
    desk.write_text(desk.read_text().replace("wait: 6s", f"wait: {wait}s"))
    carrier = Carrier()
    with Presa(folder, carrier, config=str(desk.parent)) as presa:
        (told,) = presa.rows("oncall", "--desk", "test")
        yield Duty(presa, carrier, [link["number"] for link in told["chain"]])
    carrier.close()


def test_the_chain_is_the_three_people_of_the_rota(duty: Duty) -> None:
    assert sorted(duty.chain) == ["+390200000031", "+390200000032", "+390200000033"]


def test_the_three_are_rung_in_order_and_the_next_at_once_when_a_call_ends(duty: Duty) -> None:
    one, _ = duty.page()
    one.record()
    began = time.monotonic()
    first = duty.carrier.wait_for(1)
    assert (first.common["From"], first.order["Timeout"]) == (DESK_NUMBER, ["25"])
    assert {"initiated", "ringing", "answered", "completed"} <= first.events
    first.ring().end("busy")
    duty.carrier.wait_for(2).ring().end("no-answer")
    third = duty.carrier.wait_for(3)
    assert time.monotonic() - began < LONG
    assert duty.numbers() == duty.chain
    third.ring().answer()
    number = re.sub(r"\D", "", duty.ticket(one))
    assert "ACME" in third.said
    assert "Platinum" in third.said
    third.keys("1")
    assert number in re.sub(r"\D", "", third.said)
    third.end()
    told = duty.presa.explain(duty.ticket(one))
    assert (told["state"], told["priority"]) == ("taken", "P1")
    assert told["assignee"]
    time.sleep(1)
    assert len(duty.carrier.rung) == 3


def test_voicemail_and_a_call_that_ends_without_a_key_do_not_stop_the_chain(duty: Duty) -> None:
    duty.page()
    first = duty.carrier.wait_for(1).ring().answer()
    first.silence()
    first.end("completed")
    second = duty.carrier.wait_for(2)
    second.ring().answer().keys("3")
    assert second.over
    second.end()
    third = duty.carrier.wait_for(3).ring().answer()
    third.keys("2")
    third.keys("1")
    third.end()
    assert duty.numbers() == duty.chain


def test_passing_on_rings_the_next_before_the_call_has_ended(duty: Duty) -> None:
    duty.page()
    began = time.monotonic()
    duty.carrier.wait_for(1).ring().answer().keys("3")
    duty.carrier.wait_for(2).ring().answer().keys("1")
    assert time.monotonic() - began < LONG


def test_after_the_wait_the_next_rings_too_and_nobody_is_cut_off(tmp_path: Path) -> None:
    with on_duty(tmp_path, SHORT) as duty:
        after_the_wait(duty)


def after_the_wait(duty: Duty) -> None:
    one, _ = duty.page()
    first = duty.carrier.wait_for(1).ring()
    second = duty.carrier.wait_for(2)
    assert second.at - first.at >= SHORT / 2
    second.ring().answer()
    third = duty.carrier.wait_for(3)
    assert third.at - second.at >= SHORT / 2
    assert (first.status, second.status) == ("ringing", "in-progress")
    third.ring()
    first.answer().keys("1")
    accepted = first.said
    second.keys("1")
    third.answer()
    for late in (second, third):
        assert late.said != accepted
        assert late.over
    for handset in (first, second, third):
        handset.end()
    told = duty.presa.explain(duty.ticket(one))
    names = [entry for entry in told["story"] if entry["kind"] == "page"]
    assert told["assignee"]
    assert told["assignee"] in second.said
    assert len(names) >= 4


def test_news_out_of_order_twice_and_of_unknown_attempts_changes_nothing(duty: Duty) -> None:
    one, _ = duty.page()
    first = duty.carrier.wait_for(1)
    first.news("in-progress", "answered", count=2)
    first.fetch(first._answer_url)
    first.keys("1")
    first.news("ringing", count=1)
    first.news("initiated", count=0)
    first.news("completed", count=3)
    first.news("completed", count=3)
    status = first._status_url
    first._status_url = re.sub(r"attempt=[^&]+", "attempt=page9999-1", status)
    assert first.news("completed", count=4) in (200, 204)
    first._status_url = re.sub(r"attempt=[^&]+", "attempt=%27%3B--", status)
    assert first.news("completed", count=5) in (200, 204)
    time.sleep(1)
    assert len(duty.carrier.rung) == 1
    assert duty.presa.explain(duty.ticket(one))["state"] == "taken"


def test_a_number_that_the_carrier_refuses_does_not_hold_up_the_next(duty: Duty) -> None:
    duty.carrier.refuse[duty.chain[0]] = (400, {"code": 21211, "message": "invalid", "status": 400})
    began = time.monotonic()
    duty.page()
    second = duty.carrier.wait_for(1)
    assert second.number == duty.chain[1]
    assert time.monotonic() - began < LONG
    duty.carrier.refuse.clear()
    second.ring().answer().keys("1")


def test_only_severity_one_pages_and_a_repeated_webhook_pages_once(duty: Duty) -> None:
    for key in "234":
        duty.page(key)
    time.sleep(0.8)
    assert duty.numbers() == []
    one, _ = duty.page()
    first: Handset = duty.carrier.wait_for(1)
    first.ring().answer().keys("1")
    told = duty.presa.calls()[one.sid]
    assert [event for event in told["events"] if event.startswith("pin")] == ["pin_ok"]
    assert told["customer"] == "ACME"


def test_a_verified_mail_that_says_everything_is_down_pages_and_a_spoof_does_not(duty: Duty) -> None:
    duty.carrier.rung.clear()
    words = {"subject": "Siamo fermi", "body": "Il gestionale è down, siamo fermi.\r\n"}
    duty.presa.send(mail(top=[results("acme.example", "fail")], **words), mail(**words))  # type: ignore[arg-type]
    time.sleep(0.8)
    assert duty.numbers() == []
    duty.presa.send(mail(top=[results("acme.example")], **words))  # type: ignore[arg-type]
    duty.carrier.wait_for(1).ring().answer().keys("1")
    until(lambda: "taken" in {ticket["state"] for ticket in duty.presa.tickets().values()}, 5, "the ticket taken")


def test_the_engineers_numbers_are_in_no_log_and_every_call_of_a_customer_has_its_row(duty: Duty) -> None:
    log = duty.presa.log.read_text()
    for secret in ("39020000003", "0612345678", PIN, "Traceback"):
        assert secret not in log, [line for line in log.splitlines() if secret in line][:3]
    assert all(row["ticket"] for row in duty.presa.calls().values())
