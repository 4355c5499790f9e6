"""`presa check`: what would fail at 3 a.m., found by day. Each finding says what, and what to do; the worst decides the
exit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from gateway.calls import transcribing
from gateway.errors import Permanent
from gateway.mail import listening, promises
from gateway.oncall import duty as oncall
from gateway.paging import watchdog
from gateway.people.seeing import sight_of
from gateway.post import check as letters
from gateway.post import send, signing
from gateway.settings import ConfigError, Settings
from gateway.settings.desk import unkept, unready
from gateway.settings.desk_rules import failures
from gateway.store import alarms, held, jobs, paging
from gateway.store.database import Database, open_database
from gateway.store.migrate import current, newest
from routing import oncall as duties
from routing.desk import Desk

Level = Literal["ok", "note", "wrong"]
DNS_SECONDS = 5.0
OVERDUE = timedelta(minutes=5)
# What to do about an alarm, by its kind; any other: look at its ticket.
TO_DO: Mapping[str, str] = {
    "page-exhausted": "ring an engineer by hand",
    "duty": "mend the duty ('presa oncall gaps' names what is wrong)",
    "page-capped": "see that somebody has the ticket",
    "page-number": "correct the engineer's number in the desk's file",
    "agent-number": "correct the agent's number in the desk's file",
    "page-late": "see that somebody has the ticket, and the log",
    "heartbeat-not-sent": "see the heartbeat's address and the network",
    "note-refused": "correct the address or the account it goes by",
    "test-page-not-accepted": "see why their telephone did not reach them",
    "dead-job": "mend the cause, then 'presa jobs --revive ID'",
    "bounce": "call the customer or correct the address",
    "letter-refused": "call the customer or correct the address",
    "unreadable": "open the ticket's raw mail",
    "too-big": "ask the customer for the rest another way",
    "encrypted": "ask the customer to send it again without encryption",
    "mailbox-login-refused": "correct the mailbox's credentials",
    "mailbox-credentials-end": "renew the mailbox's credentials",
    "mailbox-unreachable": "see the mailbox's server and the log",
    "mailbox-poison": "look at the held mail in the console",
    "mailbox-mail-not-given": "open that mail in the mailbox",
    "mailbox-mail-gone": "see who else empties the mailbox",
    "mailbox-not-flagged": "correct the mailbox's flag or move_to",
    "mailbox-renumbered": "nothing, if somebody restored or moved the mailbox",
    "mailbox-silent": "see whether mail still reaches the mailbox",
    "mailbox-canary": "see whether mail still reaches the mailbox",
    "suspected-loop": "decide about the held mails, or end the loop at its other end",
    "certificate": "put a certificate and key there that fit, then send SIGHUP",
    "no-route": "put the ticket into a queue, and add a route to the desk",
    "nobody-fits": "see who is away, or give the ticket to somebody",
    "held": "decide about the held mails in the console, under Held",
    "ledger-gap": "see 'presa check', the door's log and the sender's",
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
    found += _mail_door(settings)
    if settings.mailboxes:
        from gateway.imap import check as boxes

        found += (Finding(*said) for said in boxes.credentials(settings, offline=offline))
    found += _dkim(settings, offline=offline)
    found += _database(url, now, settings) if url is not None else _duty(settings, now, None)
    return found


def _desks(settings: Settings, now: datetime) -> Iterator[Finding]:
    for desk in settings.desks.values():
        yield from (Finding("note", f"desk {desk.id}", words) for words in unready(desk))
        yield from (Finding("wrong", f"desk {desk.id}", words) for words in unkept(desk, now.year))
        yield from _rules(desk)
        yield from _restricted(settings, desk)
        if desk.on_call is None:
            continue
        yield from (Finding("wrong", f"desk {desk.id} on-call", words) for words in duties.faults(desk.on_call))


def _duty(settings: Settings, now: datetime, connection: Connection | None) -> Iterator[Finding]:
    """The duty of the coming weeks, with what people entered where there is a database."""
    for desk in settings.desks.values():
        if desk.on_call is None:
            continue
        what, days = f"desk {desk.id} on-call", oncall.AHEAD.days
        problems = [Finding("wrong", what, one.words) for one in oncall.troubles(connection, desk, now)]
        yield from problems or [Finding("ok", what, f"somebody can be rung at every moment of the next {days} days")]


CREDENTIALS: Mapping[str, str] = {
    "twilio": "PRESA_TWILIO_ACCOUNT_SID and PRESA_TWILIO_AUTH_TOKEN",
    "sip": "sip: in presa.yaml",
    "simulator": "carrier.demo_account_sid and carrier.demo_auth_token",
    "signalwire": "PRESA_SIGNALWIRE_PROJECT, PRESA_SIGNALWIRE_TOKEN and PRESA_SIGNALWIRE_SIGNING_KEY",
    "telnyx": "PRESA_TELNYX_ACCOUNT_SID, PRESA_TELNYX_API_KEY and PRESA_TELNYX_PUBLIC_KEY",
}


def _line(settings: Settings) -> Finding:
    """Whether the telephone line of our own could be opened here."""
    from gateway import telephones

    try:
        trouble = telephones.sip_line_of(settings).trouble()
    except Permanent as missing:
        trouble = missing.public
    return Finding("wrong" if trouble else "ok", "sip", trouble or "the extra and a voice are there")


def _rules(desk: Desk) -> Iterator[Finding]:
    """The tests that stand beside a desk's rules."""
    failed = [Finding("wrong", f"desk {desk.id} rules", words) for words in failures(desk)]
    passed = len(desk.rule_tests) - len({finding.words.partition(": ")[0] for finding in failed})
    yield from failed
    if passed and not failed:
        yield Finding("ok", f"desk {desk.id} rules", f"{passed} tests of {len(desk.rules)} rules hold")


def _restricted(settings: Settings, desk: Desk) -> Iterator[Finding]:
    """Customers whom only some may serve, at a desk where nobody is among those."""
    mine = [one.id for one in settings.people.customers if one.restrictions and one.desk == desk.id]
    if mine and not any(
        place[0] == desk.id for login in desk.staff for place in sight_of(settings, login, "agent").places
    ):
        words = f"{', '.join(mine[:5])}: only administrators see these restricted customers' tickets; mark a queue 'restricted: true'"
        yield Finding("note", f"desk {desk.id}", f"{words} and list its teams' people under 'staff'")


def _phone(settings: Settings) -> Iterator[Finding]:
    if not any(desk.phone for desk in settings.desks.values()):
        return
    if settings.carrier is None:
        yield Finding("wrong", "phone", "a desk answers calls but presa.yaml names no carrier; add one")
    elif not settings.carrier.ready:
        yield Finding(
            "wrong",
            "phone",
            f"{CREDENTIALS[settings.carrier.kind]} are not set; calls are neither answered nor placed",
        )
    else:
        if settings.carrier.kind == "sip":
            yield _line(settings)
        from gateway.phone import carriers

        found = carriers.unfit(settings.carrier, settings.public_url)
        asked = f"{settings.public_url}{settings.carrier.path}"
        words = found or f"webhook signatures are checked for {asked}/voice (calls) and {asked}/status (their end)"
        yield Finding("wrong" if found else "ok", "phone", words)
    yield from _recordings(settings)
    from gateway.phone import sounds

    heard = sounds.read(settings)
    yield from (Finding("wrong", f"sounds of {desk}", words) for desk, words in heard.problems)
    if heard.addresses:
        yield Finding("ok", "sounds", f"{len(heard.addresses)} recordings are played instead of speech")


def _recordings(settings: Settings) -> Iterator[Finding]:
    """Where callers are recorded, for how long that is kept and who writes it down."""
    asked = settings.transcription
    if asked is not None and asked.kind == "whisper":
        why = transcribing.missing(asked.model)
        yield Finding(
            "wrong" if why else "ok", "transcription", why or f"recordings are written down with {asked.model}"
        )
    records = [desk.id for desk in settings.desks.values() if desk.phone and desk.phone.record]
    if records and settings.retention.recordings is None:
        words = f"{', '.join(records)} records callers and keeps that for good; write retention: {{recordings: DAYS}}"
        yield Finding("note", "recordings", words)


def _mail_door(settings: Settings) -> Iterator[Finding]:
    """The certificate can be used, as the files have it now."""
    try:
        if listening.certificate(settings.door):
            yield Finding("ok", "mail door", f"TLS with {settings.door.certificate}")
        else:
            yield Finding("note", "mail door", "no TLS: name a certificate and its key under 'smtp' in presa.yaml")
    except Permanent as trouble:
        yield Finding("wrong", "mail door", trouble.public)


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


def _dkim(settings: Settings, *, offline: bool) -> Iterator[Finding]:
    """The key signs, and the world finds its other half."""
    from gateway.mail.authenticate import DnsTrouble, system_resolver

    try:
        signer = signing.signer_of(settings.dkim, settings.secrets.dkim_key, settings.home)
    except ConfigError as trouble:
        yield from (Finding("wrong", "dkim", words) for words in trouble.problems)
        return
    if signer is None:
        return
    for address in settings.recipients:
        if not signer.signs_for(address):
            yield Finding("note", "dkim", f"answers of {address} are not signed: it is not of {signer.domain}")
    if offline:
        yield Finding("ok", "dkim", f"the key of {signer.domain} signs; its DNS record was not asked for (--offline)")
        return
    try:
        fault = signing.record_fault(signer, lambda name: system_resolver()(name, "TXT", DNS_SECONDS))
    except DnsTrouble as trouble:
        yield Finding("note", "dkim", f"DNS did not answer for {signer.domain}: {trouble}; ask again later")
        return
    words = fault or f"the record of {signer.selector}._domainkey.{signer.domain} holds our key"
    yield Finding("wrong" if fault else "ok", "dkim", words)


def _database(url: str, now: datetime, settings: Settings) -> Iterator[Finding]:
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        yield Finding("note", "database", f"{url} is not there yet; 'presa up' makes it")
        yield from _duty(settings, now, None)
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
            yield from _duty(settings, now, None)
            return
        yield Finding("ok", "database", f"schema {have}")
        yield from database.read(lambda connection: list(_duty(settings, now, connection)))
        yield from _balance(database, now, settings.held_alarm_hours)
        yield from _pages(database, now, settings)
        if settings.mailboxes:
            from gateway.imap import check as boxes

            yield from (Finding(*said) for said in boxes.balance(settings, database, now))
    finally:
        database.close()


def _pages(database: Database, now: datetime, settings: Settings) -> Iterator[Finding]:
    """Whose telephone was never tried, and whether the watchdog of the pages looks."""
    if (last := database.read(lambda c: watchdog.silent_since(c, now))) is not None:
        words = f"nobody has watched the open pages since {last:%Y-%m-%d %H:%M} UTC; is Presa up? See the log for 'watchdog'"
        yield Finding("wrong", "watchdog", words)
    tested = database.read(paging.tested)
    for desk in settings.desks.values():
        people = desk.on_call.people.values() if desk.on_call else ()
        if never := [one for one in people if one.number and (desk.id, one.id) not in tested]:
            names = ", ".join(one.name for one in never)
            words = f"never accepted a test page: {names}; run 'presa page test {never[0].id}'"
            yield Finding("note", f"desk {desk.id} on-call", words)


def _balance(database: Database, now: datetime, held_hours: float = 24.0) -> Iterator[Finding]:
    """The ledger against the tickets, and work that waits for nobody."""
    if found := database.read(lambda c: promises.gaps(c, now)):
        words = f"{'; '.join(found)}; restore from a backup or report a bug"
        yield Finding("wrong", "ledger", words)
    else:
        given = database.read(lambda c: promises.promised(c, now))
        told = "".join(f"; {count} promises of {door} kept" for door, count in sorted(given.items()))
        yield Finding("ok", "ledger", f"every report has one outcome and every ticket its report{told}")
    if old := database.read(lambda c: held.overdue(c, now - timedelta(hours=held_hours), 1000)):
        words = (
            f"{len(old)} mails are held for more than {held_hours:g} h; decide about them in the console, under Held"
        )
        yield Finding("note", "held", words)
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
