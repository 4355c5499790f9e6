"""`presa check`: what would fail at 3 a.m., found by day. Each finding says what, and what to do; the worst decides the
exit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from gateway.post import check as letters
from gateway.post import send
from gateway.settings import Settings
from gateway.settings.desk import unready
from gateway.store import alarms, jobs, reports
from gateway.store.database import Database, open_database
from gateway.store.migrate import current, newest
from routing import oncall

Level = Literal["ok", "note", "wrong"]
AHEAD = timedelta(days=30)
OVERDUE = timedelta(minutes=5)
HELD_TOO_LONG = timedelta(hours=24)
# What to do about an alarm, by its kind; any other: look at its ticket.
TO_DO: Mapping[str, str] = {
    "page-exhausted": "ring an engineer by hand",
    "page-capped": "see that somebody has the ticket",
    "dead-job": "mend the cause, then 'presa jobs --revive ID'",
    "bounce": "call the customer or correct the address",
    "letter-refused": "call the customer or correct the address",
    "unreadable": "open the ticket's raw mail",
}


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    what: str
    words: str


def check_all(settings: Settings, url: str | None, *, offline: bool) -> list[Finding]:
    """Every check; `url` None leaves the database out."""
    now = datetime.now(UTC)
    found = [Finding("ok", "configuration", f"{settings.home} reads well: {', '.join(settings.desks)}")]
    found += _desks(settings, now)
    found += _phone(settings)
    found += _post(settings)
    if url is not None:
        found += _database(url, now)
    return found


def _desks(settings: Settings, now: datetime) -> Iterator[Finding]:
    for desk in settings.desks.values():
        yield from (Finding("note", f"desk {desk.id}", words) for words in unready(desk))
        if desk.on_call is None:
            continue
        problems = [Finding("wrong", f"desk {desk.id} on-call", words) for words in oncall.faults(desk.on_call)]
        problems += [
            Finding(
                "wrong",
                f"desk {desk.id} on-call",
                f"{person.name} has no number and cannot be rung; give one or take them off the rotas",
            )
            for person in desk.on_call.people.values()
            if not person.number
        ]
        problems += [
            Finding(
                "wrong",
                f"desk {desk.id} on-call",
                f"{gap.rota} {gap.start:%Y-%m-%d %H:%M}-{gap.end:%Y-%m-%d %H:%M} UTC: {gap.reason}; add an override",
            )
            for gap in oncall.gaps(desk.on_call, now, now + AHEAD)
        ]
        yield from problems or [
            Finding(
                "ok", f"desk {desk.id} on-call", f"somebody can be rung at every moment of the next {AHEAD.days} days"
            )
        ]


def _phone(settings: Settings) -> Iterator[Finding]:
    if not any(desk.phone for desk in settings.desks.values()):
        return
    if settings.carrier is None:
        yield Finding("wrong", "phone", "a desk answers calls but presa.yaml names no carrier; add one")
    elif not settings.carrier.ready:
        yield Finding(
            "wrong",
            "phone",
            "PRESA_TWILIO_ACCOUNT_SID and PRESA_TWILIO_AUTH_TOKEN are not set; calls are neither answered nor placed",
        )
    else:
        from gateway.phone.twilio import Signatures, signature

        token, path = settings.carrier.auth_tokens[0], "/phone/twilio/voice"
        fits = Signatures(settings.public_url, settings.carrier.auth_tokens).check(
            path, (), signature(settings.public_url + path, (), token)
        )
        yield Finding("ok" if fits else "wrong", "phone", f"webhook signatures are checked for {settings.public_url}")


def _post(settings: Settings) -> Iterator[Finding]:
    try:
        host = send.smart_host(settings.smarthost)
    except ValueError as trouble:
        yield Finding("wrong", "smart host", str(trouble))
        return
    if host.is_outbox and not settings.demo:
        yield Finding(
            "note", "smart host", "outbox: answers are kept and not sent; set PRESA_SMARTHOST for a desk with customers"
        )
    for desk, folders in settings.templates.items():
        yield from (Finding("wrong", f"templates of {desk}", words) for words in letters.check_templates(folders))


def _database(url: str, now: datetime) -> Iterator[Finding]:
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        yield Finding("note", "database", f"{url} is not there yet; 'presa up' makes it")
        return
    database = open_database(url)
    try:
        have = database.read(current)
        if have != newest():
            yield Finding(
                "wrong",
                "database",
                f"schema {have or 'none'}, this Presa needs {newest()}; 'presa up' brings it up to date",
            )
            return
        yield Finding("ok", "database", f"schema {have}")
        yield from _balance(database, now)
    finally:
        database.close()


def _balance(database: Database, now: datetime) -> Iterator[Finding]:
    """The ledger against the tickets, and work that waits for nobody."""
    orphans, unreported = database.read(reports.orphans), database.read(reports.unreported)
    if orphans or unreported:
        yield Finding(
            "wrong",
            "ledger",
            f"reports without their ticket: {orphans[:5]}; tickets without a report: {unreported[:5]}; "
            "restore from a backup or report a bug",
        )
    else:
        yield Finding("ok", "ledger", "every report has one outcome and every ticket its report")
    held = [row for row in database.read(lambda c: reports.latest(c, ("held",), 1000)) if now - row.at > HELD_TOO_LONG]
    if held:
        yield Finding(
            "note", "held", f"{len(held)} reports are held for more than a day; look at them in the console's ledger"
        )
    for job in database.read(jobs.dead):
        words = (
            f"job {job.id} ({job.kind}) was given up: {job.error}; mend the cause, then 'presa jobs --revive {job.id}'"
        )
        yield Finding("wrong", "jobs", words)
    if late := database.read(lambda c: jobs.late(c, now, OVERDUE)):
        yield Finding(
            "wrong", "jobs", f"{late} jobs are overdue by more than {OVERDUE.seconds // 60} minutes; is Presa up?"
        )
    for kind in database.read(alarms.unseen_kinds):
        yield Finding(
            "wrong" if kind.kind in alarms.GRAVE else "note",
            f"alarm {kind.kind}",
            f"{kind.count} unseen since {kind.since:%Y-%m-%d %H:%M} UTC: {TO_DO.get(kind.kind, 'look at the ticket')}; "
            "who has seen it says so in the console, under Alarms",
        )
