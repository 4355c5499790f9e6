"""Tells who comes on duty and who goes off, by mail, at every hand-off: a job that wakes at the next one.

The letter is written down in the transaction that moves the job's mark over the hand-off, so each is told exactly once; it
then leaves as a job of its own, under the same Message-ID however often it is tried. Refuses to tell old news: after a
long sleep only the last day's hand-offs are told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from babel.dates import format_datetime as in_words
from sqlalchemy import Connection

from gateway import locale
from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.filing import said
from gateway.oncall import duty as oncall
from gateway.post import send
from gateway.post.send import SmartHost
from gateway.store import jobs, letters
from gateway.store.jobs import Handler, Job, Settled
from routing import coverage
from routing.coverage import Handoff
from routing.desk import Desk
from routing.oncall import OnCall, Person

KIND = "duty-handoffs"
LETTER = "duty-letter"
LOOK = timedelta(hours=6)  # a change calls the job up; this is for what changes without anybody's doing, such as a file
OLD_NEWS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """One mail about one hand-off."""

    to: str
    message_id: str
    subject: str
    body: bytes


def notices(engine: Engine) -> Handler:
    """Writes the letters of the hand-offs since its last look, and wakes at the next. `state`: until when it has looked."""

    def run(job: Job) -> Settled:
        now = engine.database.clock.now()
        since = max(datetime.fromisoformat(job.state.get("until", now.isoformat())), now - OLD_NEWS)
        again = engine.database.read(lambda connection: _next(connection, engine, now))

        def write(connection: Connection) -> None:
            for desk in engine.settings.desks.values():
                for notice in _of_desk(connection, engine, desk, since, now):
                    _keep(connection, engine, desk, notice, now)

        return Settled(write, again=again, state={"until": now.isoformat()})

    return run


def letter(engine: Engine, smarthost: SmartHost) -> Handler:
    """Sends one such letter."""

    def run(job: Job) -> Settled:
        stored = engine.database.read(lambda connection: letters.by_message_id(connection, job.state["message_id"]))
        if stored is None:
            raise Permanent("the letter about a hand-off is not there")
        if stored.state != "waiting":
            return Settled()
        state, detail = "sent", ""
        try:
            detail = send.send(stored.body, stored.envelope_from, stored.recipient, smarthost).evidence
        except send.Refused as refused:
            state, detail = "refused", refused.evidence
        now = engine.database.clock.now()

        def write(connection: Connection) -> None:
            letters.mark(connection, stored.id, state, detail)
            if state == "refused":
                words = (
                    f"the hand-off of the duty could not be told to {stored.recipient} ({detail}); correct the address"
                )
                jobs.alarm(connection, now, "letter-refused", words)

        return Settled(write)

    return run


def _next(connection: Connection, engine: Engine, now: datetime) -> datetime:
    """When the next hand-off is, if that is before we would look anyway."""
    found = [now + LOOK]
    for desk in engine.settings.desks.values():
        on_call = oncall.duty(connection, desk, now - timedelta(days=1)) if _mailed(desk) else None
        if on_call and (at := coverage.next_handoff(on_call, now, now + LOOK)):
            found.append(at)
    return min(found)


def _mailed(desk: Desk) -> bool:
    """Is there anybody to write to?"""
    return desk.on_call is not None and any(person.reach.get("mail") for person in desk.on_call.people.values())


def _of_desk(connection: Connection, engine: Engine, desk: Desk, since: datetime, now: datetime) -> Iterator[Notice]:
    on_call = oncall.duty(connection, desk, since - timedelta(days=1)) if _mailed(desk) else None
    if on_call is None:
        return
    for handoff in coverage.handoffs(on_call, since, now, oncall.LONGEST):
        for person, comes in ((handoff.leaves, False), (handoff.comes, True)):
            someone = on_call.people.get(person or "")
            if someone is not None and someone.reach.get("mail"):
                yield _written(engine, desk, on_call, handoff, someone, comes, now)


def _keep(connection: Connection, engine: Engine, desk: Desk, notice: Notice, now: datetime) -> None:
    if letters.by_message_id(connection, notice.message_id) is not None:
        return
    values = {
        "message_id": notice.message_id, "ticket_id": None, "kind": "hand-off", "at": now, "recipient": notice.to,
        "envelope_from": _address(engine, desk), "subject": notice.subject, "body": notice.body,
    }  # fmt: skip
    letters.write(connection, values)
    jobs.add(connection, LETTER, now, {"message_id": notice.message_id})


def _written(
    engine: Engine, desk: Desk, on_call: OnCall, handoff: Handoff, to: Person, comes: bool, now: datetime
) -> Notice:
    language = locale.choose((to.language, *desk.languages), locale.CONSOLE)
    _, zone = locale.translator(language), to.zone or desk.zone
    other = on_call.people.get((handoff.leaves if comes else handoff.comes) or "")
    words = {
        "desk": said(desk.name, language) or desk.id,
        "rota": on_call.rotas[handoff.rota].name or handoff.rota,
        "at": _when(handoff.at, zone, language),
        "until": _when(handoff.until, zone, language),
        "other": other.name if other else _("nobody"),
        "number": (other.number if other else None) or "-",
    }
    if comes:
        subject = _("%(desk)s: you are on call now")
        text = _(
            "You are on call (%(rota)s) from %(at)s until %(until)s.\nBefore you: %(other)s, %(number)s.\n"
            "Is your telephone on, and may our number ring through?"
        )
    else:
        subject = _("%(desk)s: your duty is over")
        text = _("Your duty (%(rota)s) ended at %(at)s.\nOn call now: %(other)s, %(number)s.")
    key = f"{desk.id}\0{handoff.rota}\0{handoff.at.isoformat()}\0{to.id}\0{comes}"
    address = _address(engine, desk)
    message_id = f"handoff.{sha256(key.encode()).hexdigest()[:32]}@{address.rpartition('@')[2]}"
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = address, to.reach["mail"], subject % words
    mail["Date"], mail["Message-ID"] = format_datetime(now), f"<{message_id}>"
    mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"] = "auto-generated", "All"
    mail.set_content(text % words + "\n")
    return Notice(to.reach["mail"], message_id, subject % words, engine.signed(address, mail.as_bytes()))


def _when(at: datetime, zone: str, language: str) -> str:
    regional = locale.REGIONAL.get(language, language)
    return str(in_words(at, "EEEE d MMMM y, HH:mm", tzinfo=ZoneInfo(zone), locale=regional))


def _address(engine: Engine, desk: Desk) -> str:
    """The desk's own address: the first recipient that belongs to it."""
    ours = (address for address, where in engine.settings.recipients.items() if where.desk == desk.id)
    return next(ours, next(iter(engine.settings.recipients)))
