"""PINs under attack, from outside: what is counted, who is locked out, and who never is."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from outside_presa import ACME_NUMBER, PIN, Call, Carrier, Presa


@pytest.fixture(scope="module")
def carrier() -> Iterator[Carrier]:
    stand_in = Carrier()
    yield stand_in
    stand_in.close()


@pytest.fixture
def presa(tmp_path: Path, carrier: Carrier) -> Iterator[Presa]:
    with Presa(tmp_path, carrier) as running:
        yield running


def guessing(presa: Presa, from_: str, *pins: str) -> Call:
    """One call that tries PINs until it is let in, locked out or at the end of its list."""
    one = Call(presa.base, from_=from_).dial().pressing("2", "100001#")
    for pin in pins:
        if "PIN" not in one.said or one.waits_for != "Gather":
            break
        one.keys(f"{pin}#")
    return one


def pin_events(row: dict[str, Any]) -> list[str]:
    return [event for event in row["events"] if event.startswith("pin")]


def test_three_tries_a_call_ten_an_hour_a_number_and_the_right_one_does_not_help_then(presa: Presa) -> None:
    calls = [guessing(presa, ACME_NUMBER, "000000", "111111", "222222", PIN) for _ in range(3)]
    calls.append(guessing(presa, ACME_NUMBER, "333333", PIN))
    locked = guessing(presa, ACME_NUMBER, PIN)
    assert locked.waits_for == "Record", "a locked caller still leaves a message"
    locked.record()
    rows = presa.calls()
    for one in calls[:3]:
        assert pin_events(rows[one.sid]) == ["pin_wrong", "pin_wrong", "pin_wrong", "pin_locked"]
    assert pin_events(rows[calls[3].sid])[:1] == ["pin_wrong"]
    assert "pin_ok" not in pin_events(rows[calls[3].sid])
    assert pin_events(rows[locked.sid]) == ["pin_locked"]
    assert presa.tickets()[rows[locked.sid]["ticket"]]["customer"] == "ACME"
    assert sum(pin_events(row).count("pin_wrong") for row in rows.values()) == 10


def test_eight_calls_at_once_get_no_more_than_ten_tries_together(presa: Presa) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: guessing(presa, ACME_NUMBER, f"00000{n}", f"11111{n}", f"22222{n}"), range(8)))
    rows = presa.calls().values()
    assert len(rows) == 8
    assert sum(pin_events(row).count("pin_wrong") for row in rows) == 10
    assert all(row["ticket"] for row in rows if "pin_locked" in row["events"])


def test_unknown_numbers_share_thirty_an_hour_and_never_lock_a_number_on_file(presa: Presa, carrier: Carrier) -> None:
    calls = [guessing(presa, f"+3902777{n:05}", "000000", "111111", "222222", PIN) for n in range(6)]
    calls += [
        guessing(presa, shown, "000000", "111111", "222222", PIN)
        for shown in ("anonymous", "", "sip:x@y", "+1", "Restricted", "+266696687")
    ]
    fresh = guessing(presa, "+390288881111", PIN)
    on_file = guessing(presa, ACME_NUMBER, PIN)
    rows = presa.calls()
    assert sum(pin_events(row).count("pin_wrong") for row in rows.values()) == 30
    assert all("pin_locked" in pin_events(rows[one.sid]) for one in calls)
    assert pin_events(rows[fresh.sid]) == ["pin_locked"]
    assert pin_events(rows[on_file.sid]) == ["pin_ok"]
    fresh.record()
    assert presa.calls()[fresh.sid]["ticket"] in presa.tickets()
    log = presa.log.read_text()
    for secret in ("000000", "111111", "222222", PIN):
        assert secret not in log
    assert carrier.rung == []
