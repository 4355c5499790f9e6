"""Several hundred deadlines worked out with a calendar and a pencil from the documents, beside what `presa sla` says.

Nothing here is computed by the program or like it: below are the documents' tables once more, and for each of a dozen
difficult moments of receipt the instant at which each allowance is used up, written down by hand. The readings on which
the documents are silent are those that stand beside the values in `desks/*/desk.yaml`.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from gateway.cli.commands import app as commands
from gateway.settings.desk import load_desk
from routing import sla
from routing.desk import Desk

DESKS = Path(__file__).parents[1] / "desks"
ROME = ZoneInfo("Europe/Rome")
Cells = tuple[str, ...]

# "Orario Lavorativo 09:00-18:00 Lun-Ven, escluse festività nazionali": when each allowance is used up. ----------------
ALLOWED = "10m 20m 1h 1.5h 2h 3h 4h 6h 8h 12h 16h NBD".split()  # noqa: SIM905
OFFICE: dict[str, str] = {
    # Good Friday is no holiday; Easter Monday is: half an hour on Friday, then Tuesday 7 and Wednesday 8.
    "2026-04-03T17:30": "03 17:40|03 17:50|07 09:30|07 10:00|07 10:30|07 11:30|07 12:30|07 14:30|07 16:30|08 11:30|08 15:30|07 18:00",
    # 15 August, a Saturday: counts as received on Monday 17 at nine, and the next business day is Tuesday.
    "2026-08-15T11:00": "17 09:10|17 09:20|17 10:00|17 10:30|17 11:00|17 12:00|17 13:00|17 15:00|17 17:00|18 12:00|18 16:00|18 18:00",
    # "Festività nazionali" are the law's at the moment of the report: Monday 4 October 2027 is one (law 151/2025) ...
    "2027-10-01T16:00": "01 16:10|01 16:20|01 17:00|01 17:30|01 18:00|05 10:00|05 11:00|05 13:00|05 15:00|06 10:00|06 14:00|05 18:00",
    # ... Monday 4 October 2021 was none, and in 2026 it is a Sunday.
    "2021-10-01T17:00": "01 17:10|01 17:20|01 18:00|04 09:30|04 10:00|04 11:00|04 12:00|04 14:00|04 16:00|05 11:00|05 15:00|04 18:00",
    "2026-10-02T17:00": "02 17:10|02 17:20|02 18:00|05 09:30|05 10:00|05 11:00|05 12:00|05 14:00|05 16:00|06 11:00|06 15:00|05 18:00",
    # Over the nights on which the clocks change the office loses and wins nothing.
    "2026-10-23T17:00": "23 17:10|23 17:20|23 18:00|26 09:30|26 10:00|26 11:00|26 12:00|26 14:00|26 16:00|27 11:00|27 15:00|26 18:00",
    "2026-03-27T17:00": "27 17:10|27 17:20|27 18:00|30 09:30|30 10:00|30 11:00|30 12:00|30 14:00|30 16:00|31 11:00|31 15:00|30 18:00",
    # Christmas on a Friday, Santo Stefano on a Saturday: three hours on Thursday 24, then Monday 28.
    "2026-12-24T15:00": "24 15:10|24 15:20|24 16:00|24 16:30|24 17:00|24 18:00|28 10:00|28 12:00|28 14:00|28 18:00|29 13:00|28 18:00",
    # 18:00 is closing time: a Thursday's is received on Monday 4 January 2027, for the first is a Friday.
    "2026-12-31T18:00": "04 09:10|04 09:20|04 10:00|04 10:30|04 11:00|04 12:00|04 13:00|04 15:00|04 17:00|05 12:00|05 16:00|05 18:00",
    # Epiphany on a Wednesday.
    "2027-01-05T12:00": "05 12:10|05 12:20|05 13:00|05 13:30|05 14:00|05 15:00|05 16:00|05 18:00|07 11:00|07 15:00|08 10:00|07 18:00",
    # A second before opening; Friday 1 May is not touched.
    "2026-04-29T08:59:59": "29 09:10|29 09:20|29 10:00|29 10:30|29 11:00|29 12:00|29 13:00|29 15:00|29 17:00|30 12:00|30 16:00|30 18:00",
    # Tuesday 2 June.
    "2026-06-01T13:00": "01 13:10|01 13:20|01 14:00|01 14:30|01 15:00|01 16:00|01 17:00|03 10:00|03 12:00|03 16:00|04 11:00|03 18:00",
    # A leap day: a quarter of an hour on Monday 28 February 2028, then Tuesday 29 and Wednesday 1 March.
    "2028-02-28T17:45": "28 17:55|29 09:05|29 09:45|29 10:15|29 10:45|29 11:45|29 12:45|29 14:45|29 16:45|01 11:45|01 15:45|29 18:00",
}  # fmt: skip

# Wall-clock time ("solari"), at the same moments and on the two nights.
SOLAR: dict[str, dict[str, str]] = {
    "2026-04-03T17:30": {"10m": "03T17:40", "30m": "03T18:00", "2h": "03T19:30", "4h": "03T21:30"},
    "2026-08-15T11:00": {"10m": "15T11:10", "30m": "15T11:30", "2h": "15T13:00", "4h": "15T15:00"},
    "2027-10-01T16:00": {"10m": "01T16:10", "30m": "01T16:30", "2h": "01T18:00", "4h": "01T20:00"},
    "2021-10-01T17:00": {"10m": "01T17:10", "30m": "01T17:30", "2h": "01T19:00", "4h": "01T21:00"},
    "2026-10-02T17:00": {"10m": "02T17:10", "30m": "02T17:30", "2h": "02T19:00", "4h": "02T21:00"},
    "2026-10-23T17:00": {"10m": "23T17:10", "30m": "23T17:30", "2h": "23T19:00", "4h": "23T21:00"},
    "2026-03-27T17:00": {"10m": "27T17:10", "30m": "27T17:30", "2h": "27T19:00", "4h": "27T21:00"},
    "2026-12-24T15:00": {"10m": "24T15:10", "30m": "24T15:30", "2h": "24T17:00", "4h": "24T19:00"},
    "2026-12-31T18:00": {"10m": "31T18:10", "30m": "31T18:30", "2h": "31T20:00", "4h": "31T22:00"},
    "2027-01-05T12:00": {"10m": "05T12:10", "30m": "05T12:30", "2h": "05T14:00", "4h": "05T16:00"},
    "2026-04-29T08:59:59": {"10m": "29T09:09:59", "30m": "29T09:29:59", "2h": "29T10:59:59", "4h": "29T12:59:59"},
    "2026-06-01T13:00": {"10m": "01T13:10", "30m": "01T13:30", "2h": "01T15:00", "4h": "01T17:00"},
    "2028-02-28T17:45": {"10m": "28T17:55", "30m": "28T18:15", "2h": "28T19:45", "4h": "28T21:45"},
    "2026-03-28T23:30": {"10m": "28T23:40", "30m": "29T00:00", "2h": "29T01:30", "4h": "29T04:30"},  # 02:00 is 03:00
    "2026-10-24T23:30": {"10m": "24T23:40", "30m": "25T00:00", "2h": "25T01:30", "4h": "25T02:30+01:00"},  # 02:30 again
}  # fmt: skip
NIGHTS = ("2026-03-28T23:30", "2026-10-24T23:30")

# The document's tables: small, enterprise, plus, premium, cloud top. "s": solari.
PLANS = ("small-enterprise", "enterprise", "enterprise-plus", "premium", "cloud-top-enterprise")
ARUBA: dict[tuple[str, str, str], str] = {
    ("incident", "P1", "take_charge"): "2h 10ms 10ms 10ms 10ms",
    ("incident", "P1", "triage"): "- 30ms 30ms 30ms 30ms",
    ("incident", "P1", "technical_contact"): "- 2hs 30ms 30ms 30ms",
    ("incident", "P1", "resolution"): "BE 4hs 2hs 2hs 2hs",
    ("incident", "P2", "take_charge"): "4h 20m 20m 20m 20m",
    ("incident", "P2", "triage"): "- 1.5h 1h 1h 1h",
    ("incident", "P2", "technical_contact"): "- 3h 2h 2h 2h",
    ("incident", "P2", "resolution"): "BE 8h 6h 6h 6h",
    ("incident", "P3", "take_charge"): "8h 1h 1h 1h 1h",
    ("incident", "P3", "triage"): "- - - - -",
    ("incident", "P3", "resolution"): "BE 16h 12h 12h 12h",
    ("incident", "P4", "take_charge"): "8h 1h 1h 1h 1h",
    ("incident", "P4", "resolution"): "BE BE BE BE BE",
    ("fulfilment", "urgent", "take_charge"): "8h - - - 10m",  # small: not in the plan, treated as a normal one
    ("fulfilment", "urgent", "execution"): "BE 4h 4hs 4hs 2h",
    ("access", "normal", "take_charge"): "8h 1h 1h 1h 1h",
    ("information", "normal", "execution"): "BE NBD NBD NBD 4h",
    ("change", "P1", "analysis"): "- NBD NBD NBD 4h",
    ("change", "normal", "resolution"): "- - - - -",
    ("problem", "P1", "resolution"): "- - - - -",
}

# ImagicleCare: eleven holidays by name; 4 October and Easter Sunday are none of them, in no year. ---------------------
BASIC: dict[str, str] = {  # 4h, the next business day, two business days
    "2026-04-03T17:30": "07T12:30|07T18:00|08T18:00",
    "2026-08-15T11:00": "17T13:00|18T18:00|19T18:00",
    "2027-10-01T16:00": "04T11:00|04T18:00|05T18:00",  # a Monday like others
    "2026-10-23T17:00": "26T12:00|26T18:00|27T18:00",
    "2026-12-24T15:00": "28T10:00|28T18:00|29T18:00",
    "2026-12-31T18:00": "04T13:00|05T18:00|07T18:00",
    "2027-01-05T12:00": "05T16:00|07T18:00|08T18:00",
    "2026-06-01T13:00": "01T17:00|03T18:00|04T18:00",
    "2027-08-15T10:00": "16T13:00|17T18:00|18T18:00",
    "2028-02-28T17:45": "29T12:45|29T18:00|01T18:00",
    "2026-12-07T17:00": "09T12:00|09T18:00|10T18:00",  # Tuesday 8 December
}
GOLD: dict[str, str] = {  # 30m, 60m, 2h, 4h, 8h; Saturdays and the eleven holidays are open, also on a Sunday
    "2026-04-03T17:30": "03T18:00|04T09:30|04T10:30|04T12:30|04T16:30",
    "2026-04-04T17:00": "04T17:30|04T18:00|06T10:00|06T12:00|06T16:00",  # Easter Sunday closed, Monday open
    "2026-08-15T11:00": "15T11:30|15T12:00|15T13:00|15T15:00|17T10:00",
    "2027-08-15T16:00": "15T16:30|15T17:00|15T18:00|16T11:00|16T15:00",  # a Sunday, and open
    "2026-10-04T12:00": "05T09:30|05T10:00|05T11:00|05T13:00|05T17:00",  # a Sunday, and closed
    "2026-10-24T17:30": "24T18:00|26T09:30|26T10:30|26T12:30|26T16:30",
    "2026-12-24T15:00": "24T15:30|24T16:00|24T17:00|25T10:00|25T14:00",
    "2026-12-31T18:00": "01T09:30|01T10:00|01T11:00|01T13:00|01T17:00",
    "2027-01-05T12:00": "05T12:30|05T13:00|05T14:00|05T16:00|06T11:00",
    "2026-11-01T10:00": "01T10:30|01T11:00|01T12:00|01T14:00|01T18:00",  # Ognissanti on a Sunday
    "2026-03-28T17:30": "28T18:00|30T09:30|30T10:30|30T12:30|30T16:30",
}
CARE_SOLAR: dict[str, str] = {  # Platinum's P1, and everything that came through on-call: 30m, 60m, 2h, 4h, 8h
    "2026-04-05T03:00": "05T03:30|05T04:00|05T05:00|05T07:00|05T11:00",
    "2026-08-15T23:30": "16T00:00|16T00:30|16T01:30|16T03:30|16T07:30",
    "2026-03-29T01:45": "29T03:15|29T03:45|29T04:45|29T06:45|29T10:45",
    "2026-10-25T01:45": "25T02:15+02:00|25T02:45+02:00|25T02:45+01:00|25T04:45|25T08:45",
}
CARE_STEPS: dict[tuple[str, str], str] = {  # 2, 3, 5, 10, 20 business days; 2, 4, 8, 16, 40 hours
    ("basic", "2026-04-03T17:30"): "2026-04-08T18:00|2026-04-09T18:00|2026-04-13T18:00|2026-04-20T18:00|2026-05-05T18:00",
    ("gold", "2026-08-15T11:00"): "2026-08-15T13:00|2026-08-15T15:00|2026-08-17T10:00|2026-08-17T18:00|2026-08-20T15:00",
    ("platinum", "2026-12-24T15:00"): "2026-12-24T17:00|2026-12-25T10:00|2026-12-25T14:00|2026-12-26T13:00|2026-12-30T10:00",
}  # fmt: skip
CARE_TOLD = {"P1": "Team Leader||Support Manager|Co-CEO and CTO|", "P2": "Support Team|Team Leader||Support Manager|Co-CEO and CTO",
             "P3": "Support Team|||Team Leader|Support Manager", "P4": "Support Team||||Team Leader"}  # fmt: skip

Case = tuple[str, str, str | None, str, str, str, str, bool, str | None]
"""desk, plan, base plan, kind, priority, target, received, by on-call, the deadline (BE, or None for no such target)."""


@cache
def desk(name: str) -> Desk:
    return load_desk(DESKS / name / "desk.yaml")


def at(day: str, received: str) -> str:
    """`07T12:30` after a receipt, as a UTC instant: the first such day that is not before the receipt's."""
    date, _, clock = day.replace(" ", "T").partition("T")
    year, month, first = (int(part) for part in received[:10].split("-"))
    if int(date) < first:
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    if clock[-6:] == "+01:00" or clock[-6:] == "+02:00":
        return datetime.fromisoformat(f"{year}-{month:02}-{date}T{clock}").astimezone(UTC).isoformat()
    return datetime.fromisoformat(f"{year}-{month:02}-{date}T{clock}").replace(tzinfo=ROME).astimezone(UTC).isoformat()


def used_up(allowed: str, received: str) -> str | None:
    if allowed in ("-", "BE"):
        return None if allowed == "-" else "BE"
    if allowed.endswith("s"):
        return at(SOLAR[received][allowed[:-1]], received)
    return at(OFFICE[received].split("|")[ALLOWED.index(allowed)], received)


def aruba() -> Iterator[Case]:
    for (kind, priority, target), row in ARUBA.items():
        for plan, allowed in zip(PLANS, row.split(), strict=True):
            for received in SOLAR:
                if received not in NIGHTS or allowed.endswith("s"):
                    due = used_up(allowed, received)
                    yield "aruba-enterprise", plan, None, kind, priority, target, received, False, due


def over_a_base() -> Iterator[Case]:
    """Cloud Top over each plan: of every target the earlier of the two."""
    for (kind, priority, target), row in ARUBA.items():
        cells = dict(zip(PLANS, row.split(), strict=True))
        for base in PLANS[:-1]:
            below = (
                "-" if (base, priority) == ("small-enterprise", "urgent") else cells[base]
            )  # urgent comes with Cloud Top
            for received in OFFICE:
                dues = [used_up(cell, received) for cell in (below, cells[PLANS[-1]])]
                known = sorted(one for one in dues if one not in (None, "BE"))
                due = known[0] if known else "BE" if "BE" in dues else None
                yield "aruba-enterprise", PLANS[-1], base, kind, priority, target, received, False, due


def care() -> Iterator[Case]:
    def one(plan: str, priority: str, target: str, received: str, due: str | None, on_call: bool = False) -> Case:
        return "imagicle-care", plan, None, "incident", priority, target, received, on_call, due

    for received, row in BASIC.items():
        notify, nbd, two = (at(day, received) for day in row.split("|"))
        yield one("basic", "P1", "notify", received, notify)
        yield one("basic", "P1", "take_charge", received, nbd)
        yield one("basic", "P2", "take_charge", received, two)
        yield from (one("basic", p, "take_charge", received, "BE") for p in ("P3", "P4"))
        yield from (one("basic", p, "notify", received, None) for p in ("P2", "P3", "P4"))
    for received, row in GOLD.items():
        dues = [at(day, received) for day in row.split("|")]
        yield one("gold", "P1", "notify", received, dues[0])
        yield one("gold", "P1", "take_charge", received, dues[1])
        for plan in ("gold", "platinum"):  # "ore lavorative" of Platinum too
            yield from (
                one(plan, p, "take_charge", received, due) for p, due in zip(("P2", "P3", "P4"), dues[2:], strict=True)
            )
        yield one("gold", "P2", "take_charge", received, dues[2], on_call=True)  # Gold has no on-call
    for received, row in CARE_SOLAR.items():
        dues = [at(day, received) for day in row.split("|")]
        for on_call in (False, True):
            yield one("platinum", "P1", "notify", received, dues[0], on_call)
            yield one("platinum", "P1", "take_charge", received, dues[1], on_call)
        yield from (
            one("platinum", p, "take_charge", received, due, True)
            for p, due in zip(("P2", "P3", "P4"), dues[2:], strict=True)
        )


def others() -> Iterator[Case]:
    for plan in ("standard", "premium", "enterprise", "success-squad"):
        for priority in ("P1", "P2", "P3", "P4"):
            yield "ivanti", plan, None, "incident", priority, "take_charge", "2026-08-15T11:00", False, "BE"
    for target in ("analysis", "execution"):
        yield "aruba-interventions", "standard", None, "intervention", "normal", target, "2026-08-15T11:00", False, "BE"
    alarms = {  # "tempo di intervento di 1 ora fuori dall'orario lavorativo"
        "2026-05-16T22:00": "16T23:00", "2026-05-14T18:00": "14T19:00", "2026-05-14T08:59": "14T09:59", "2026-04-06T11:00": "06T12:00",
        "2026-08-15T23:45": "16T00:45", "2027-10-04T10:00": "04T11:00", "2026-03-29T01:30": "29T03:30", "2026-12-25T10:00": "25T11:00",
        "2026-05-14T17:59:59": "BE", "2026-05-14T09:00": "BE", "2021-10-04T10:00": "BE", "2026-10-05T10:00": "BE",
    }  # fmt: skip
    for received, day in alarms.items():
        for priority in ("P1", "P4"):
            due = day if day == "BE" else at(day, received)
            yield "mailup", "standard", None, "event", priority, "take_charge", received, False, due
        yield "mailup", "standard", None, "incident", "P1", "take_charge", received, False, "BE"


def offset(received: str) -> str:
    return datetime.fromisoformat(received).replace(tzinfo=ROME).isoformat()


def said(targets: list[dict[str, object]], target: str) -> str | None:
    one = next((one for one in targets if one["target"] == target), None)
    if one is None:
        return None
    return "BE" if one["best_effort"] else datetime.fromisoformat(str(one["due"])).astimezone(UTC).isoformat()


@pytest.mark.parametrize("cases", [aruba, over_a_base, care, others])
def test_every_deadline_is_where_the_pencil_put_it(cases: object) -> None:
    listed = list(cases())  # type: ignore[operator]
    wrong = []
    for name, plan, base, kind, priority, target, received, on_call, due in listed:
        stamp = sla.request(
            desk(name), plan=plan, base_plan=base, kind=kind, priority=priority, received=offset(received),
            via="on-call" if on_call else None,
        )  # fmt: skip
        found = said(sla.as_json(stamp, "Europe/Rome")["targets"], target)
        if found != due:
            wrong.append((name, plan, base, kind, priority, target, received, on_call, due, found))
    assert not wrong, f"{len(wrong)} of {len(listed)}: {wrong[:10]}"


@pytest.mark.parametrize(("plan", "received"), list(CARE_STEPS))
def test_every_step_of_the_matrix_is_where_the_pencil_put_it(plan: str, received: str) -> None:
    days = CARE_STEPS[plan, received].split("|")
    for priority, row in CARE_TOLD.items():
        told = [(to, offset(day)) for to, day in zip(row.split("|"), days, strict=True) if to]
        stamp = sla.request(
            desk("imagicle-care"), plan=plan, kind="incident", priority=priority, received=offset(received)
        )
        assert [(one["to"], one["due"]) for one in sla.as_json(stamp, "Europe/Rome")["escalations"]] == told


@pytest.mark.parametrize(
    ("name", "plan", "kind", "priority", "target", "received", "pauses", "due"),
    [
        # two hours on Monday, seven on Wednesday 3 from eleven, seven on Thursday: sixteen
        ("aruba-enterprise", "enterprise", "incident", "P3", "resolution", "2026-06-01T13:00", ["2026-06-01T15:00/2026-06-03T11:00"], "2026-06-04T16:00"),
        # one, then two, then three on Wednesday: six, around two pauses that overlap
        ("aruba-enterprise", "premium", "incident", "P2", "resolution", "2026-06-01T13:00", ["2026-06-01T14:00/2026-06-01T15:00", "2026-06-01T14:30/2026-06-01T16:00"], "2026-06-03T12:00"),
        ("aruba-enterprise", "premium", "incident", "P2", "resolution", "2026-06-01T13:00", ["2026-06-01T14:00/"], None),
        # a day's end moves by the open time that was paused
        ("aruba-enterprise", "enterprise", "fulfilment", "normal", "execution", "2026-06-01T13:00", ["2026-06-01T14:00/2026-06-01T16:00"], "2026-06-04T11:00"),
        ("aruba-enterprise", "enterprise", "fulfilment", "normal", "execution", "2026-06-01T13:00", ["2026-06-01T19:00/2026-06-03T08:00"], "2026-06-03T18:00"),
        # wall-clock time: an hour later, and over the night of 29 March, when a pause from 0 to 4 lasts three hours
        ("aruba-enterprise", "enterprise", "incident", "P1", "resolution", "2026-06-06T22:00", ["2026-06-06T22:30/2026-06-06T23:30"], "2026-06-07T03:00"),
        ("aruba-enterprise", "enterprise", "incident", "P1", "resolution", "2026-03-28T23:00", ["2026-03-29T00:00/2026-03-29T04:00"], "2026-03-29T07:00"),
        # a pause that begins at the deadline does nothing; one from before the receipt counts from it
        ("imagicle-care", "gold", "incident", "P2", "take_charge", "2026-08-15T11:00", ["2026-08-15T13:00/2026-08-15T17:00"], "2026-08-15T13:00"),
        ("imagicle-care", "gold", "incident", "P2", "take_charge", "2026-08-15T11:00", ["2026-08-15T09:00/2026-08-15T12:00"], "2026-08-15T14:00"),
        ("imagicle-care", "platinum", "incident", "P1", "notify", "2026-08-15T23:30", ["2026-08-15T23:40/2026-08-15T23:50"], "2026-08-16T00:10"),
        ("imagicle-care", "basic", "incident", "P2", "take_charge", "2026-12-07T17:00", ["2026-12-09T10:00/2026-12-09T13:00"], "2026-12-11T12:00"),
    ],
)  # fmt: skip
def test_pauses_move_a_deadline_as_the_pencil_does(
    name: str, plan: str, kind: str, priority: str, target: str, received: str, pauses: list[str], due: str | None
) -> None:
    spans = ["/".join(offset(end) if end else "" for end in pause.split("/")) for pause in pauses]
    stamp = sla.request(desk(name), plan=plan, kind=kind, priority=priority, received=offset(received), pauses=spans)
    found = next(one for one in sla.as_json(stamp, "Europe/Rome")["targets"] if one["target"] == target)
    assert found["due"] == (offset(due) if due else None)


@pytest.mark.parametrize(
    ("words", "due"),
    [
        # half past eleven at night in Lima is half past six on Friday morning in Rome
        ("--desk aruba-enterprise --plan enterprise --kind incident --priority P3 --received 2026-05-14T23:30:00-05:00", "2026-05-15T10:00:00+02:00"),
        ("--desk aruba-enterprise --plan enterprise --kind change --priority normal --received 2026-05-15T16:30:00Z", "2026-05-19T18:00:00+02:00"),
        ("--desk imagicle-care --plan platinum --kind event --priority P2 --via on-call --received 2026-12-25T03:00:00+01:00", "2026-12-25T05:00:00+01:00"),
        ("--desk mailup --plan standard --kind event --priority P1 --received 2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),
        ("--desk aruba-enterprise --plan cloud-top-enterprise --base-plan premium --kind access --priority urgent --received 2026-05-14T17:30:00+02:00", "2026-05-14T17:40:00+02:00"),
    ],
)  # fmt: skip
def test_the_command_says_the_same(words: str, due: str) -> None:
    done = CliRunner().invoke(commands, ["sla", *words.split(), "--config", "desks", "--json"])
    if done.exit_code:
        done = CliRunner().invoke(commands, ["sla", *words.split(), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["targets"][0]["due"] == due
