"""What `presa sla --json` answers, beside deadlines that were worked out by hand and beside a walk minute by minute.

The hand's table and the walk know the reference's tables, the calendars and Easter by themselves; the walk asks of every
single minute whether somebody is there and counts the seconds of it that nobody was waited for. It is slow, it has no
formula to be wrong in, and it is held to the hand's table too.
"""

import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from gateway.cli import asking
from gateway.cli.commands import app as commands
from gateway.cli.common import desk_of

DESKS = Path(__file__).parents[1] / "desks"
ROME = ZoneInfo("Europe/Rome")

# What is asked, and what a hand with a calendar found. Rome's time where no offset stands. -------------------------------
A, C = "aruba-enterprise", "imagicle-care"
HAND: list[tuple[str, dict[str, str | None]]] = [
    # Maundy Thursday, a quarter to six; Good Friday is a day like others.
    (f"{A} enterprise incident P2 2026-04-02T17:45",
     {"take_charge": "2026-04-03T09:05", "triage": "2026-04-03T10:15", "technical_contact": "2026-04-03T11:45", "resolution": "2026-04-03T16:45"}),
    # 25 April on a Saturday changes nothing; on a Friday (2025) it makes a long weekend.
    (f"{A} premium incident P3 2026-04-24T16:00", {"take_charge": "2026-04-24T17:00", "resolution": "2026-04-28T10:00"}),
    (f"{A} enterprise incident P3 2025-04-24T12:00", {"take_charge": "2025-04-24T13:00", "resolution": "2025-04-29T10:00"}),
    # 2 June on a Tuesday.
    (f"{A} small-enterprise incident P1 2026-06-01T17:30", {"take_charge": "2026-06-03T10:30", "resolution": "BE"}),
    # 15 August on a Friday; thirty seconds are left on Thursday.
    (f"{A} enterprise incident P2 2025-08-14T17:59:30",
     {"take_charge": "2025-08-18T09:19:30", "triage": "2025-08-18T10:29:30", "technical_contact": "2025-08-18T11:59:30", "resolution": "2025-08-18T16:59:30"}),
    # 4 October: a holiday of the law from 2026. Monday in 2027, Sunday in 2026, a Saturday of no meaning in 2025.
    (f"{A} premium information normal 2027-10-04T10:00", {"take_charge": "2027-10-05T10:00", "execution": "2027-10-06T18:00"}),
    (f"{A} enterprise change normal 2026-10-04T12:00", {"analysis": "2026-10-06T18:00"}),
    (f"{A} enterprise change normal 2025-10-03T17:59:59", {"analysis": "2025-10-06T18:00"}),
    # Six in the evening is closing time, and Monday 1 November 2027 a holiday.
    (f"{A} premium incident P2 2027-10-29T18:00:00",
     {"take_charge": "2027-11-02T09:20", "triage": "2027-11-02T10:00", "technical_contact": "2027-11-02T11:00", "resolution": "2027-11-02T15:00"}),
    (f"{A} premium change normal 2027-10-29T18:00:00", {"analysis": "2027-11-03T18:00"}),
    # The second of opening, the last second, and midnight.
    (f"{A} enterprise incident P4 2026-05-14T09:00:00", {"take_charge": "2026-05-14T10:00", "resolution": "BE"}),
    (f"{A} enterprise-plus incident P2 2026-05-14T17:59:59",
     {"take_charge": "2026-05-15T09:19:59", "triage": "2026-05-15T09:59:59", "technical_contact": "2026-05-15T10:59:59", "resolution": "2026-05-15T14:59:59"}),
    (f"{A} cloud-top-enterprise access urgent 2026-05-15T00:00:00", {"take_charge": "2026-05-15T09:10", "execution": "2026-05-15T11:00"}),
    # Over Premium the wall clock's four hours may be sooner than the office's two, and may be later.
    (f"{A} cloud-top-enterprise/premium access urgent 2026-05-15T00:00:00", {"take_charge": "2026-05-15T09:10", "execution": "2026-05-15T04:00"}),
    (f"{A} cloud-top-enterprise/premium access urgent 2026-05-15T17:30", {"take_charge": "2026-05-15T17:40", "execution": "2026-05-15T21:30"}),
    (f"{A} cloud-top-enterprise/premium access urgent 2026-05-15T12:00", {"take_charge": "2026-05-15T12:10", "execution": "2026-05-15T14:00"}),
    (f"{A} cloud-top-enterprise/small-enterprise fulfilment normal 2026-05-15T16:00", {"take_charge": "2026-05-15T17:00", "execution": "2026-05-18T11:00"}),
    # The night on which two o'clock is three, and a receipt written with the offset of the hour that does not exist.
    (f"{A} premium incident P1 2026-03-29T01:30+01:00",
     {"take_charge": "2026-03-29T01:40+01:00", "triage": "2026-03-29T03:00+02:00", "technical_contact": "2026-03-29T03:00+02:00", "resolution": "2026-03-29T04:30+02:00"}),
    (f"{A} premium incident P1 2026-03-29T02:30+01:00",
     {"take_charge": "2026-03-29T03:40+02:00", "triage": "2026-03-29T04:00+02:00", "technical_contact": "2026-03-29T04:00+02:00", "resolution": "2026-03-29T05:30+02:00"}),
    # The night on which ten to three comes twice.
    (f"{A} enterprise incident P1 2026-10-25T02:50+02:00",
     {"take_charge": "2026-10-25T02:00+01:00", "triage": "2026-10-25T02:20+01:00", "technical_contact": "2026-10-25T03:50+01:00", "resolution": "2026-10-25T05:50+01:00"}),
    (f"{A} enterprise incident P1 2026-10-25T02:50+01:00",
     {"take_charge": "2026-10-25T03:00+01:00", "triage": "2026-10-25T03:20+01:00", "technical_contact": "2026-10-25T04:50+01:00", "resolution": "2026-10-25T06:50+01:00"}),
    # New Year's Eve in New York is New Year's Day in Rome; nine o'clock of Kiritimati is the evening before, a holiday.
    (f"{A} enterprise incident P2 2026-12-31T20:00-05:00",
     {"take_charge": "2027-01-04T09:20", "triage": "2027-01-04T10:30", "technical_contact": "2027-01-04T12:00", "resolution": "2027-01-04T17:00"}),
    (f"{A} enterprise incident P4 2026-06-03T09:00+14:00", {"take_charge": "2026-06-03T10:00", "resolution": "BE"}),
    # Three pauses, one over the other and over the night: 16:00 to 11:00 on the next day.
    (f"{A} enterprise incident P2 2026-05-14T10:00 -2026-05-14T16:00/2026-05-14T20:00 -2026-05-14T18:30/2026-05-15T10:00 -2026-05-15T09:30/2026-05-15T11:00",
     {"take_charge": "2026-05-14T10:20", "triage": "2026-05-14T11:30", "technical_contact": "2026-05-14T13:00", "resolution": "2026-05-15T13:00"}),
    # A pause from before the receipt to half an hour after opening; one that lies in the night; one that never ends.
    (f"{A} enterprise incident P4 2026-05-14T08:00 -2026-05-14T07:00/2026-05-14T09:30", {"take_charge": "2026-05-14T10:30", "resolution": "BE"}),
    (f"{A} premium incident P2 2026-05-14T16:00 -2026-05-14T18:00/2026-05-15T09:00",
     {"take_charge": "2026-05-14T16:20", "triage": "2026-05-14T17:00", "technical_contact": "2026-05-14T18:00", "resolution": "2026-05-15T13:00"}),
    (f"{A} premium incident P2 2026-05-14T16:00 -2026-05-14T17:30/",
     {"take_charge": "2026-05-14T16:20", "triage": "2026-05-14T17:00", "technical_contact": None, "resolution": None}),
    # Solar: a pause of one hour on the wall clock's same minute, half past two to half past two.
    (f"{A} premium incident P1 2026-10-25T01:00+02:00 -2026-10-25T02:30+02:00/2026-10-25T02:30+01:00",
     {"take_charge": "2026-10-25T01:10+02:00", "triage": "2026-10-25T01:30+02:00", "technical_contact": "2026-10-25T01:30+02:00", "resolution": "2026-10-25T03:00+01:00"}),
    # Two hours of a business day waited: it ends two hours into the next.
    (f"{A} premium change normal 2026-05-14T10:00 -2026-05-15T10:00/2026-05-15T12:00", {"analysis": "2026-05-18T11:00"}),
    # ImagicleCare. 15 August on a Saturday: Basic begins on Monday, Gold is there.
    (f"{C} basic incident P1 2026-08-15T11:00",
     {"notify": "2026-08-17T13:00", "take_charge": "2026-08-18T18:00",
      ">Team Leader": "2026-08-19T18:00", ">Support Manager": "2026-08-24T18:00", ">Co-CEO and CTO": "2026-08-31T18:00"}),
    (f"{C} gold incident P4 2027-08-15T13:00",
     {"take_charge": "2027-08-16T12:00", ">Support Team": "2027-08-15T15:00", ">Team Leader": "2027-08-19T17:00"}),
    # Easter Sunday is closed for Gold, Easter Monday open; for Basic both are closed.
    (f"{C} gold incident P1 2027-03-28T10:00",
     {"notify": "2027-03-29T09:30", "take_charge": "2027-03-29T10:00",
      ">Team Leader": "2027-03-29T11:00", ">Support Manager": "2027-03-29T17:00", ">Co-CEO and CTO": "2027-03-30T16:00"}),
    (f"{C} basic incident P2 2027-03-28T10:00",
     {"take_charge": "2027-04-01T18:00", ">Support Team": "2027-04-01T18:00", ">Team Leader": "2027-04-02T18:00",
      ">Support Manager": "2027-04-13T18:00", ">Co-CEO and CTO": "2027-04-27T18:00"}),
    # 4 October is none of the contract's eleven days, in no year and for no plan.
    (f"{C} gold incident P2 2027-10-04T10:00",
     {"take_charge": "2027-10-04T12:00", ">Support Team": "2027-10-04T12:00", ">Team Leader": "2027-10-04T14:00",
      ">Support Manager": "2027-10-05T17:00", ">Co-CEO and CTO": "2027-10-08T14:00"}),
    (f"{C} basic incident P1 2027-10-04T10:00",
     {"notify": "2027-10-04T14:00", "take_charge": "2027-10-05T18:00",
      ">Team Leader": "2027-10-06T18:00", ">Support Manager": "2027-10-11T18:00", ">Co-CEO and CTO": "2027-10-18T18:00"}),
    # Platinum: a Sunday evening by mail and through on-call; a P1 over the change of clocks, its matrix in Gold's hours.
    (f"{C} platinum incident P3 2026-05-10T22:00", {"take_charge": "2026-05-11T13:00", ">Support Team": "2026-05-11T11:00",
                                                    ">Team Leader": "2026-05-12T16:00", ">Support Manager": "2026-05-15T13:00"}),
    (f"{C} platinum incident P3 2026-05-10T22:00 on-call", {"take_charge": "2026-05-11T02:00", ">Support Team": "2026-05-11T11:00",
                                                            ">Team Leader": "2026-05-12T16:00", ">Support Manager": "2026-05-15T13:00"}),
    (f"{C} platinum incident P1 2026-03-29T01:30+01:00",
     {"notify": "2026-03-29T03:00+02:00", "take_charge": "2026-03-29T03:30+02:00",
      ">Team Leader": "2026-03-30T11:00", ">Support Manager": "2026-03-30T17:00", ">Co-CEO and CTO": "2026-03-31T16:00"}),
    # A leap day is a business day: received at Monday's closing, it begins on the 29th.
    (f"{C} basic incident P2 2028-02-28T18:00",
     {"take_charge": "2028-03-02T18:00", ">Support Team": "2028-03-02T18:00", ">Team Leader": "2028-03-03T18:00",
      ">Support Manager": "2028-03-14T18:00", ">Co-CEO and CTO": "2028-03-28T18:00"}),
    (f"{C} basic incident P1 2026-12-24T17:00",
     {"notify": "2026-12-28T12:00", "take_charge": "2026-12-28T18:00",
      ">Team Leader": "2026-12-29T18:00", ">Support Manager": "2027-01-04T18:00", ">Co-CEO and CTO": "2027-01-12T18:00"}),
    # MailUp's alarms: an hour of the wall clock outside the office's, by second; best effort inside.
    ("mailup standard event P1 2026-10-25T02:30+02:00", {"take_charge": "2026-10-25T02:30+01:00"}),
    ("mailup standard event P2 2026-05-14T18:00:00", {"take_charge": "2026-05-14T19:00"}),
    ("mailup standard event P2 2026-05-14T08:59:59", {"take_charge": "2026-05-14T09:59:59"}),
    ("mailup standard event P2 2026-05-14T09:00:00", {"take_charge": "BE"}),
    ("mailup standard event P1 2027-10-04T12:00", {"take_charge": "2027-10-04T13:00"}),
    ("mailup standard information P1 2026-05-14T22:00", {"take_charge": "BE"}),
    # Nothing is promised by the clock.
    ("ivanti success-squad incident P1 2026-05-14T22:00", {"take_charge": "BE"}),
    ("aruba-interventions standard intervention normal 2026-05-14T22:00", {"analysis": "BE", "execution": "BE"}),
]  # fmt: skip

# The reference's tables, for the walk. ------------------------------------------------------------------------------------
COLUMNS = {
    A: ["small-enterprise", "enterprise", "enterprise-plus", "premium", "cloud-top-enterprise"],
    C: ["basic", "gold", "platinum"],
    "mailup": ["standard"],
}
PROMISES = """
aruba-enterprise incident P1 take_charge       | 2h  | 10m solar | 10m solar | 10m solar | 10m solar
aruba-enterprise incident P1 triage            | N/A | 30m solar | 30m solar | 30m solar | 30m solar
aruba-enterprise incident P1 technical_contact | N/A | 2h solar  | 30m solar | 30m solar | 30m solar
aruba-enterprise incident P1 resolution        | BE  | 4h solar  | 2h solar  | 2h solar  | 2h solar
aruba-enterprise incident P2 take_charge       | 4h  | 20m  | 20m | 20m | 20m
aruba-enterprise incident P2 triage            | N/A | 1.5h | 1h  | 1h  | 1h
aruba-enterprise incident P2 technical_contact | N/A | 3h   | 2h  | 2h  | 2h
aruba-enterprise incident P2 resolution        | BE  | 8h   | 6h  | 6h  | 6h
aruba-enterprise incident P3 take_charge       | 8h  | 1h   | 1h  | 1h  | 1h
aruba-enterprise incident P3 resolution        | BE  | 16h  | 12h | 12h | 12h
aruba-enterprise incident P4 take_charge       | 8h  | 1h   | 1h  | 1h  | 1h
aruba-enterprise incident P4 resolution        | BE  | BE   | BE  | BE  | BE
aruba-enterprise request urgent take_charge    | N/A | N/A  | N/A | N/A | 10m
aruba-enterprise request urgent execution      | N/A | 4h   | 4h solar | 4h solar | 2h
aruba-enterprise request normal take_charge    | 8h  | 1h   | 1h  | 1h  | 1h
aruba-enterprise request normal execution      | BE  | NBD  | NBD | NBD | 4h
aruba-enterprise change normal analysis        | N/A | NBD  | NBD | NBD | 4h
imagicle-care incident P1 notify      | 4h  | 30m | 30m solar
imagicle-care incident P1 take_charge | NBD | 60m | 60m solar
imagicle-care incident P2 take_charge | 2B  | 2h  | 2h
imagicle-care incident P3 take_charge | BE  | 4h  | 4h
imagicle-care incident P4 take_charge | BE  | 8h  | 8h
mailup event P1 take_charge | BE
mailup event P2 take_charge | BE
mailup information P1 take_charge | BE
"""
STEPS = {"basic": ["2B", "3B", "5B", "10B", "20B"], "gold": ["2h", "4h", "8h", "16h", "40h"]}
MATRIX = """
P1 | Team Leader | | Support Manager | Co-CEO and CTO |
P2 | Support Team | Team Leader | | Support Manager | Co-CEO and CTO
P3 | Support Team | | | Team Leader | Support Manager
P4 | Support Team | | | | Team Leader
"""
EASTER_MONDAYS = ["2024-04-01", "2025-04-21", "2026-04-06", "2027-03-29", "2028-04-17", "2029-04-02"]
ELEVEN = "01-01 01-06 04-25 05-01 06-02 08-15 11-01 12-08 12-25 12-26".split()  # noqa: SIM905 - and Easter Monday

Spans = Sequence[tuple[int, int]]
EVER = 1 << 40


def listed(day: date) -> bool:
    return f"{day:%m-%d}" in ELEVEN or day.isoformat() in EASTER_MONDAYS


def there(desk: str, plan: str, day: date) -> bool:
    """Whether somebody works for this plan on this date, from nine to six."""
    if desk == C:
        return day.weekday() < 6 or listed(day) if plan != "basic" else day.weekday() < 5 and not listed(day)
    return day.weekday() < 5 and not listed(day) and not (day.year >= 2026 and f"{day:%m-%d}" == "10-04")


@cache
def minutes(desk: str, plan: str, day: date) -> tuple[int, ...]:
    """The minutes of a date in Rome at which somebody is there: each is asked."""
    if not there(desk, plan, day):
        return ()
    noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=ROME).timestamp())
    around = range(noon - 16 * 3600, noon + 16 * 3600, 60)
    rome = [(minute, datetime.fromtimestamp(minute, ROME)) for minute in around]
    return tuple(minute for minute, at in rome if at.date() == day and 9 <= at.hour < 18)


def open_minutes(desk: str, plan: str, since: int) -> Iterator[tuple[int, date]]:
    day = datetime.fromtimestamp(since, ROME).date()
    while True:
        yield from ((minute, day) for minute in minutes(desk, plan, day) if minute + 60 > since)
        day += timedelta(days=1)


def spent(walk: Iterator[tuple[int, date]], seconds: int, since: int, pauses: Spans) -> int | None:
    """The end of the last of so many seconds, of those after ``since`` and outside the pauses."""
    ends = {since, *(end for pause in pauses for end in pause)}
    for minute, _ in walk:
        if any(begins <= minute and to == EVER for begins, to in pauses):
            return None
        if any(minute < end < minute + 60 for end in ends):
            whole = [s for s in range(minute, minute + 60) if s >= since and not any(b <= s < e for b, e in pauses)]
        else:
            whole = list(range(minute, minute + 60)) if not any(b <= minute < e for b, e in pauses) else []
        if len(whole) >= seconds:
            return whole[seconds - 1] + 1
        seconds -= len(whole)
    raise AssertionError


def every_minute(since: int) -> Iterator[tuple[int, date]]:
    minute = since - since % 60
    while True:
        yield minute, date.min
        minute += 60


def walked(cell: str, desk: str, plan: str, received: int, pauses: Spans) -> int | None:
    """Where an allowance ends; None while a pause that goes on keeps it from ending."""
    cell = cell.replace("NBD", "1B")
    amount, unit, solar = re.match(r"([\d.]+)([mhB])( solar)?", cell).groups()  # type: ignore[union-attr]
    seconds = int(float(amount) * {"m": 60, "h": 3600, "B": 0}[unit])
    if solar:
        return spent(every_minute(received), seconds, received, pauses)
    if unit == "B":
        first, days = None, set()
        for minute, day in open_minutes(desk, plan, received):
            first = first or day
            if day != first:
                days.add(day)
            if len(days) > int(amount):
                break
            seconds += min(60, minute + 60 - received)
    return spent(open_minutes(desk, plan, received), seconds, received, pauses)


def cells(desk: str, kind: str, priority: str, plan: str, on_call: bool, received: int) -> dict[str, str]:
    row = "request" if desk == A and kind in ("fulfilment", "information", "access") else kind
    if (plan, row, priority) == ("small-enterprise", "request", "urgent"):
        priority = "normal"  # not in the plan: treated as a normal one
    found = {}
    for line in PROMISES.strip().splitlines():
        names, *values = [part.strip() for part in line.split("|")]
        if names.split()[:3] == [desk, row, priority]:
            found[names.split()[3]] = values[COLUMNS[desk].index(plan)]
    if row == "event":
        at = datetime.fromtimestamp(received, ROME)
        if not (there(desk, plan, at.date()) and 9 <= at.hour < 18):
            found["take_charge"] = "1h solar"
    if on_call and plan == "platinum":
        found = {target: cell if cell.endswith("solar") else f"{cell} solar" for target, cell in found.items()}
    return {target: cell for target, cell in found.items() if cell != "N/A"}


def oracle(words: str) -> dict[str, str | None]:
    """What the walk says to one line of the table."""
    desk, plans, kind, priority, at, *rest = words.split()
    plan, _, base = plans.partition("/")
    received = second(at)
    pauses = [tuple(second(end) if end else EVER for end in one[1:].split("/")) for one in rest if one != "on-call"]
    spans = [(max(begins, received), ends) for begins, ends in pauses if ends > received]
    if desk not in COLUMNS:
        return dict.fromkeys(["analysis", "execution"] if desk == "aruba-interventions" else ["take_charge"], "BE")
    found: dict[str, str | None] = {}
    for one in [plan, base or "enterprise"] if plan == "cloud-top-enterprise" else [plan]:
        if (plan, one, priority) == ("cloud-top-enterprise", "small-enterprise", "urgent"):
            continue  # Cloud Top brings urgent requests by itself
        for target, cell in cells(desk, kind, priority, one, "on-call" in rest, received).items():
            said = "BE" if cell == "BE" else shown(walked(cell, desk, one, received, spans))
            found[target] = earlier(found.get(target, "BE"), said)
    if desk == C:
        row = next(line for line in MATRIX.splitlines() if line.startswith(priority)).split("|")[1:]
        for whom, after in zip(row, STEPS.get(plan, STEPS["gold"]), strict=True):
            if whom.strip():
                found[">" + whom.strip()] = shown(walked(after, desk, plan, received, spans))
    return found


def earlier(one: str | None, other: str | None) -> str | None:
    """Of two deadlines the one to be kept first: an instant, then one that a pause holds back, then best effort."""
    return min(one, other, key=lambda due: (due == "BE", due is None, due or ""))


def second(words: str) -> int:
    at = datetime.fromisoformat(words)
    return int((at if at.tzinfo else at.replace(tzinfo=ROME)).timestamp())


def shown(instant: int | None) -> str | None:
    return None if instant is None else datetime.fromtimestamp(instant, UTC).isoformat()


def utc(words: str | None) -> str | None:
    return words if words in (None, "BE") else shown(second(str(words)))


def command(words: str) -> list[str]:
    desk, plans, kind, priority, at, *rest = words.split()
    plan, _, base = plans.partition("/")
    asked = ["sla", "--desk", desk, "--plan", plan, "--kind", kind, "--priority", priority, "--received", offset(at)]
    asked += ["--base-plan", base] if base else []
    for one in rest:
        asked += (
            ["--via", one] if one == "on-call" else ["--pause", "/".join(offset(end) for end in one[1:].split("/"))]
        )
    return [*asked, "--json"]


def offset(words: str) -> str:
    """With Rome's offset where none stands."""
    at = datetime.fromisoformat(words) if words else None
    return words if at is None or at.tzinfo else at.replace(tzinfo=ROME).isoformat()


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "desk_of", cache(desk_of))


def answered(words: str) -> dict[str, str | None]:
    """What the command says to one line of the table: instants in UTC."""
    done = CliRunner().invoke(commands, command(words))
    assert done.exit_code == 0, (words, done.output)
    return read(json.loads(done.stdout))


def read(told: dict[str, Any]) -> dict[str, str | None]:
    found = {one["target"]: "BE" if one["best_effort"] else utc(one["due"]) for one in told["targets"]}
    return found | {">" + one["to"]: utc(one["due"]) for one in told["escalations"]}


@pytest.mark.parametrize(("words", "dues"), HAND, ids=[words for words, _ in HAND])
def test_the_command_and_the_walk_say_what_the_hand_found(words: str, dues: dict[str, str | None]) -> None:
    by_hand = {target: utc(due) for target, due in dues.items()}
    assert answered(words) == by_hand
    assert oracle(words) == by_hand


DAYS = [
    "2024-02-29", "2025-04-25", "2025-08-15", "2025-10-25", "2026-01-05", "2026-03-28", "2026-04-03", "2026-06-01", "2026-08-14",
    "2026-10-03", "2026-10-24", "2026-10-31", "2026-12-07", "2026-12-23", "2026-12-31", "2027-03-26", "2027-08-14", "2027-10-02",
    "2027-10-30", "2028-02-28", "2028-04-15",
]  # fmt: skip


def drawn(number: int, seed: int) -> Iterator[str]:
    """Receipts around all that makes clocks wrong, with pauses of every sort."""
    pick = random.Random(seed)
    rows = [line.split()[:3] for line in PROMISES.strip().splitlines()]
    for _ in range(number):
        desk, kind, priority = pick.choice(rows)
        plan = pick.choice(COLUMNS[desk])
        if plan == "cloud-top-enterprise" and pick.random() < 0.7:
            plan += "/" + pick.choice(COLUMNS[A][:4])
        hour = pick.choice([0, 1, 2, 3, 8, 9, 12, 17, 18, 23])
        at = int(datetime.fromisoformat(f"{pick.choice(DAYS)}T00:00").replace(tzinfo=ROME).timestamp()) + hour * 3600
        at += pick.choice([0, -1, 1, pick.randrange(3600), 86_400, 86_399])
        line = [
            desk,
            plan,
            pick.choice(["fulfilment", "access"]) if kind == "request" else kind,
            priority,
            zoned(at, pick),
        ]
        for _ in range(pick.choice([0, 0, 1, 2, 4])):
            begins = at + pick.choice([0, -600, pick.randrange(7200), pick.randrange(3 * 86_400)])
            ends = begins + pick.choice([1, 900, pick.randrange(1, 7200), pick.randrange(1, 4 * 86_400)])
            line.append(f"-{zoned(begins, pick)}/{zoned(ends, pick) if pick.random() < 0.9 else ''}")
        yield " ".join([*line, *(["on-call"] if "platinum" in plan and pick.random() < 0.4 else [])])


def zoned(instant: int, pick: random.Random) -> str:
    zone = pick.choice(
        [UTC, ROME, ZoneInfo("America/St_Johns"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")]
    )
    return datetime.fromtimestamp(instant, zone).isoformat()


@pytest.mark.parametrize("seed", range(4))
def test_the_command_says_what_the_walk_says_to_receipts_around_all_that_makes_clocks_wrong(seed: int) -> None:
    for words in drawn(40, seed):
        assert answered(words) == oracle(words), words


def test_the_command_as_a_program_says_the_same() -> None:
    words, dues = HAND[0]
    done = subprocess.run(
        [sys.executable, "-c", "from gateway.cli import main; main()", *command(words)],
        capture_output=True, text=True, check=True, timeout=60, cwd=DESKS.parent,
    )  # fmt: skip
    assert read(json.loads(done.stdout)) == {target: utc(due) for target, due in dues.items()}


@pytest.mark.parametrize(
    ("region", "received", "due"),
    [
        # Denver's clocks go forward on 8 March, London's on 29 March, Sydney's back on 5 April.
        ("americas", "2026-03-06T16:00-07:00", "2026-03-09T11:00-06:00"),
        ("emea", "2026-03-27T17:00+00:00", "2026-03-30T12:00+01:00"),
        ("apac", "2026-04-03T16:30+11:00", "2026-04-06T11:30+10:00"),
        # One instant: Monday half past nine in Sydney, Sunday evening in Denver, half past midnight in London.
        ("apac", "2026-05-10T23:30+00:00", "2026-05-11T13:30+10:00"),
        ("americas", "2026-05-10T23:30+00:00", "2026-05-11T13:00-06:00"),
        ("emea", "2026-05-10T23:30+00:00", "2026-05-11T13:00+01:00"),
    ],
)
def test_four_hours_are_counted_where_the_customer_is(region: str, received: str, due: str, tmp_path: Path) -> None:
    text = (DESKS / "ivanti" / "desk.yaml").read_text(encoding="utf-8")
    assert "take_charge: [BE,       BE," in text
    (tmp_path / "desk.yaml").write_text(text.replace("[BE,       BE,", "[BE,       4h,"), encoding="utf-8")
    words = f"{tmp_path}/desk.yaml premium incident P1 {received}"
    done = CliRunner().invoke(commands, [*command(words), "--region", region])
    assert done.exit_code == 0, done.output
    assert read(json.loads(done.stdout)) == {"take_charge": utc(due)}


@pytest.mark.parametrize(
    ("at", "states"),
    [
        ("2026-05-14T10:20:00", {"take_charge": "running", "triage": "running", "resolution": "running"}),  # at the deadline: met
        ("2026-05-14T10:20:01", {"take_charge": "missed", "triage": "running", "resolution": "running"}),
        ("2026-05-14T11:00:00", {"take_charge": "missed", "triage": "paused", "resolution": "paused"}),
        ("2026-05-14T12:00:00", {"take_charge": "missed", "triage": "running", "resolution": "running"}),
        ("2026-05-15T11:00:01", {"take_charge": "missed", "triage": "missed", "resolution": "missed"}),
    ],
)  # fmt: skip
def test_the_state_of_each_clock_at_an_instant(at: str, states: dict[str, str]) -> None:
    """Received at ten, the customer waited for from eleven to twelve: triage until half past twelve, eight hours until
    ten the next day."""
    words = f"{A} enterprise incident P2 2026-05-14T10:00 -2026-05-14T11:00/2026-05-14T12:00"
    done = CliRunner().invoke(commands, [*command(words), "--at", offset(at)])
    found = {one["target"]: one["state"] for one in json.loads(done.stdout)["targets"]}
    assert {target: found[target] for target in states} == states
