"""THE STORY of a report, from the door to the promise. Read it from top to bottom.

keep -> parse -> authenticate -> recognise -> relate -> decide -> file -> promise. A door hands in what reached it and gives
its promise (SMTP 250, HTTP 200) only when `take_mail` has returned: by then everything is durable, in one transaction.
What fails between keep and decide loses nothing: the report becomes a ticket to look at, with its raw and an alarm. What
fails in keep or file raises Temporary, and nothing is half done. Calls come in by `file_call`, inside their own dialogue.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from gateway import authenticate, reader
from gateway.errors import Temporary
from gateway.filing import Filing, shown
from gateway.post import tokens
from gateway.reader import Reading
from gateway.settings import Settings
from gateway.store import calls, directory, jobs, reports, tickets
from gateway.store.database import Database
from gateway.store.directory import StoredFinder
from gateway.store.jobs import Todo
from gateway.store.tickets import NewEntry
from identity import match, normal, rights, sender
from identity.clues import Signs
from identity.people import Authentication, Recognition
from identity.sender import Sender
from parsers import Message
from routing import decide, numbers, threads
from routing.decide import Decision, Report
from routing.desk import Desk
from routing.threads import Clues, Joining
from routing.tickets import ended

log = structlog.get_logger(__name__)

ONE_ANSWER_IN = timedelta(hours=1)  # to an address that is not verified: forged senders must not make us a relay
VERIFY_AGAIN = timedelta(minutes=5)  # a sender whose DNS did not answer is asked about again
HELD_BOUNCE = "bounce-not-ours"
HELD_TOKEN = "token-without-party"  # noqa: S105 - a reason code
UNREADABLE = "unreadable"
FAILED = "failed-inside"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail as a door got it. `received` is the provable instant of receipt: every clock starts there."""

    door: str
    peer: str
    envelope_from: str | None
    rcpt: tuple[str, ...]
    raw: bytes
    received: datetime
    helo: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in hand: read and authenticated, not yet filed."""

    arrival: Arrival
    sha256: str
    compressed: bytes
    key: str
    message: Message
    authentication: Authentication


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a report: exactly one of new, append, duplicate, held, refused."""

    outcome: str
    reason: str | None = None
    ticket_id: int | None = None
    number: str | None = None
    who: Recognition | None = None
    decision: Decision | None = None
    acknowledge: bool = False
    evidence: tuple[str, ...] = ()


class Engine(Filing):
    """Files reports. Has no state of its own: any replica's engine does the same."""

    def __init__(
        self, settings: Settings, database: Database, secret: bytes, resolver: authenticate.Resolver | None = None
    ) -> None:
        super().__init__(settings, database, secret)
        self.resolver = resolver
        self._own = settings.own_addresses

    # The story of a mail ----------------------------------------------------------------------------------------

    def take_mail(self, arrival: Arrival) -> Outcome:
        """The whole story of one mail; when it returns, the mail may be promised."""
        mail = self.read(arrival)
        try:
            return self.file(mail).result()
        except Temporary:
            raise
        except Exception as trouble:  # the door's edge: a fault of ours must not lose or refuse a report
            return self.file_failed(mail, trouble).result()

    def file(self, mail: Mail) -> "Future[Outcome]":
        """Steps 3 to 6; when the future resolves, the mail may be promised."""
        return self.database.submit(lambda connection: self.file_mail(connection, mail))

    def file_failed(self, mail: Mail, trouble: Exception) -> "Future[Outcome]":
        """After a fault of ours in `file`: a ticket to look at."""
        log.error("engine.filing_failed", sha256=mail.sha256, exc_info=trouble)
        return self.database.submit(lambda connection: self._file_unread(connection, mail, FAILED))

    def read(self, arrival: Arrival) -> Mail:
        """Steps 1 and 2, outside the transaction: fingerprint, parse, authenticate."""
        return self.in_hand(arrival, reader.read(arrival.raw, arrival.received))

    def in_hand(self, arrival: Arrival, reading: Reading) -> Mail:
        """A mail that has been read, with the proof of its sender."""
        message = reading.message
        try:
            proof = self.authenticate(message, arrival.raw, arrival.peer, arrival.envelope_from or "", arrival.helo)
        except Exception as trouble:  # it should not raise; if it does, the mail is a ticket to look at
            log.error("engine.authentication_failed", sha256=reading.sha256, exc_info=trouble)
            message = replace(message, error="a fault of ours while the sender was checked")
            proof = Authentication("none", "none", None, (message.error or "",))
        return Mail(arrival, reading.sha256, reading.compressed, reading.key, message, proof)

    def authenticate(self, message: Message, raw: bytes, peer: str, envelope_from: str, helo: str) -> Authentication:
        """Was it really sent by the domain in its From? By our edge, by the demo's rule, or by DNS within 3 s."""
        return authenticate.authenticate(
            message, raw, peer=peer, envelope_from=envelope_from, helo=helo,
            edge=self.settings.edge, demo=self.settings.demo, resolver=self.resolver,
        )  # fmt: skip

    def vouched_for(self, peer: str) -> bool:
        """Is a mail from this peer judged without DNS: by our edge's results or the demo's rule?"""
        return self.settings.demo or (self.settings.edge is not None and self.settings.edge.delivers_from(peer))

    def file_mail(self, connection: Connection, mail: Mail) -> Outcome:
        """Steps 3 to 6 in the caller's transaction."""
        twin = reports.twin(connection, mail.key)
        if twin is not None:
            ticket = self.ticket(connection, twin.ticket_id) if twin.ticket_id else None
            repeated = Outcome("duplicate", "same-delivery", twin.ticket_id, ticket.number if ticket else None)
            return self._record(connection, mail, repeated, twin=twin.id)
        if mail.message.error:
            return self._file_unread(connection, mail, UNREADABLE)
        author = sender.judge([address.addr for address in mail.message.froms], self._own)
        clues = self._clues(connection, mail.message, mail.arrival.rcpt)
        if mail.message.is_bounce:
            return self._file_bounce(connection, mail, clues)
        if author.held:
            return self._record(connection, mail, Outcome("held", author.held))
        desk = self._desk_of(mail.arrival.rcpt)
        signs = Signs(
            "mail",
            author.address,
            mail.authentication,
            subject=mail.message.subject or "",
            text=mail.message.reply_text,
        )
        finder = directory.StoredFinder(connection)
        who = self.recognise(finder, signs, desk, mail.arrival.received)
        joining = self._joining(connection, mail, clues, who)
        if joining.verdict == "hold":
            return self._record(connection, mail, Outcome("held", HELD_TOKEN, who=who, evidence=joining.evidence))
        if joining.verdict in ("join", "reopen"):
            return self._append(connection, mail, who, joining)
        return self._open(connection, mail, author, who, desk, joining, finder)

    # Recognise --------------------------------------------------------------------------------------------------

    def recognise(self, finder: StoredFinder, signs: Signs, desk: Desk, at: datetime) -> Recognition:
        """Who it is and what they are entitled to at this desk; a plan of another desk is not this one's."""
        today = at.astimezone(ZoneInfo(desk.zone)).date()
        return match.recognise(signs, finder, self.settings.covers, today=today)

    # Relate -----------------------------------------------------------------------------------------------------

    def _clues(self, connection: Connection, message: Message, rcpt: Sequence[str]) -> Clues:
        """Our own tokens first (no look-up needed to prove them), then references shared with mails we know."""
        named = tuple(
            dict.fromkeys((*((message.in_reply_to,) if message.in_reply_to else ()), *reversed(message.references)))
        )
        readings = [tokens.judge_address(address, self.secret) for address in rcpt]
        readings += [tokens.judge_message_id(one, self.secret) for one in named]
        proven = [
            numbers.ticket_id(reading.digits) for reading in readings if reading.verdict == "right" and reading.digits
        ]
        found = tuple(dict.fromkeys(ticket for ticket in proven if ticket is not None))
        wrong = any(reading.verdict == "wrong" for reading in readings)
        shared = reports.threads_of(connection, named) if named and not found else ()
        return Clues(found, wrong, shared)

    def _joining(self, connection: Connection, mail: Mail, clues: Clues, who: Recognition) -> Joining:
        """The first ticket that the clues name and that exists decides; a forward is never part of its thread."""
        forwarded = clues.shared and not clues.proven and _is_forward(mail.message.subject)
        for proven, ids in ((True, clues.proven), (False, () if forwarded else clues.shared)):
            for one in ids:
                ticket = self.ticket(connection, one, lock=True)
                if ticket is not None:
                    return threads.join(
                        ticket, who, proven=proven, resolved_at=ticket.resolved_at, received=mail.arrival.received
                    )
        told = ("thread: carries a token that is not ours: a ticket of its own",) if clues.wrong else ()
        return Joining("new", None, told)

    # File -------------------------------------------------------------------------------------------------------

    def _open(
        self, connection: Connection, mail: Mail, author: Sender, who: Recognition, desk: Desk, joining: Joining,
        finder: StoredFinder,
    ) -> Outcome:  # fmt: skip
        message, arrival = mail.message, mail.arrival
        report = Report(
            channel="mail",
            received=arrival.received,
            subject=message.subject or "",
            text=message.reply_text,
            language=message.language,
            automatic=message.automatic is not None,
        )
        decision = decide.decide(report, who, desk)
        answer, why = rights.may_acknowledge(
            author,
            mail.authentication,
            finder,
            automatic=message.automatic or ("null-sender" if arrival.envelope_from == "" else None),
            reply_to=[address.addr for address in message.reply_to],
        )
        if answer and not who.verified and who.address:
            since = arrival.received - ONE_ANSWER_IN
            if reports.acknowledged_since(connection, who.address, since):
                answer, why = False, "budget:address"
        evidence = (
            *who.evidence,
            *joining.evidence,
            *decision.evidence,
            f"acknowledge: {'yes' if answer else f'no, {why}'}",
        )
        evidence += tuple(f"mark: {mark}" for mark in decision.marks)
        linked = joining.ticket.id if joining.ticket else None
        todo: list[Todo] = []
        if mail.authentication.verdict == "temperror":
            doubt = {"sha256": mail.sha256, "peer": arrival.peer, "helo": arrival.helo}
            todo.append(("verify", arrival.received + VERIFY_AGAIN, {**doubt, "from": arrival.envelope_from or ""}))
        if answer and who.address:
            thread = {"in_reply_to": message.message_id, "references": list(message.references)}
            todo.append(("acknowledge", arrival.received, thread))
        ticket_id = self.open_ticket(
            connection, desk, who, decision, evidence,
            subject=message.subject or "", channel="mail", received=arrival.received, linked=linked,
            contact_address=who.address, entries=(_mail_entry(mail, who),), todo=todo, finder=finder,
        )  # fmt: skip
        reports.name_thread(connection, ticket_id, _named(message))
        done = Outcome(
            "new", None, ticket_id, numbers.number_of(ticket_id, desk.ticket_prefix), who, decision, answer, evidence
        )
        return self._record(connection, mail, done)

    def _append(self, connection: Connection, mail: Mail, who: Recognition, joining: Joining) -> Outcome:
        """A known conversation goes on. A person's answer ends a wait for the customer; an automatic one changes nothing."""
        ticket, at = joining.ticket, mail.arrival.received
        assert ticket is not None
        tickets.tell(connection, ticket.id, at, _mail_entry(mail, who))
        changes: dict[str, Any] = {}
        if mail.message.automatic is None:
            if joining.verdict == "reopen":
                changes = {"state": "taken" if ticket.assignee else "new", "resolved_at": None}
                tickets.tell(
                    connection,
                    ticket.id,
                    at,
                    NewEntry("state", "presa", {"words": "reopened by the customer's answer"}),
                )
            elif ticket.state == "waiting":
                changes = {"state": "taken", "pauses": ended(ticket.pauses, at)}
                tickets.tell(
                    connection,
                    ticket.id,
                    at,
                    NewEntry("state", "presa", {"words": "clock resumed by the customer's answer"}),
                )
        if changes:
            tickets.update(connection, ticket, **changes)
            self.restamp(connection, ticket.id)
        reports.name_thread(connection, ticket.id, _named(mail.message))
        done = Outcome("append", None, ticket.id, ticket.number, who, None, False, (*who.evidence, *joining.evidence))
        return self._record(connection, mail, done)

    def _file_bounce(self, connection: Connection, mail: Mail, clues: Clues) -> Outcome:
        """A bounce of our own mail lands on its ticket and alarms; any other is held, for it is nobody's report."""
        ticket = next((found for one in clues.proven if (found := self.ticket(connection, one))), None)
        if ticket is None:
            return self._record(connection, mail, Outcome("held", HELD_BOUNCE))
        failed = ", ".join(mail.message.failed_recipients) or "somebody"
        words = f"Our mail on {ticket.number} did not reach {failed}; call the customer or correct the address"
        tickets.tell(connection, ticket.id, mail.arrival.received, _mail_entry(mail, None))
        jobs.alarm(connection, mail.arrival.received, "bounce", words, ticket.id)
        return self._record(connection, mail, Outcome("append", "bounce", ticket.id, ticket.number, evidence=(words,)))

    def _file_unread(self, connection: Connection, mail: Mail, reason: str) -> Outcome:
        """A ticket to look at: nothing is known but the raw, and that is attached."""
        desk = self._desk_of(mail.arrival.rcpt)
        who = Recognition(None, None, "unknown", False, False, "unknown-customer", None)
        decision = decide.unread(desk, reason)
        evidence = (f"report: {reason}: {mail.message.error or 'see the alarm'}", *decision.evidence)
        ticket_id = self.open_ticket(
            connection, desk, who, decision, evidence,
            subject=mail.message.subject or "", channel="mail", received=mail.arrival.received, entries=(_mail_entry(mail, None),),
        )  # fmt: skip
        number = numbers.number_of(ticket_id, desk.ticket_prefix)
        jobs.alarm(
            connection,
            mail.arrival.received,
            reason,
            f"{number} holds a mail that could not be read; open its raw",
            ticket_id,
        )
        return self._record(connection, mail, Outcome("new", reason, ticket_id, number, who, decision, False, evidence))

    def _record(self, connection: Connection, mail: Mail, done: Outcome, twin: int | None = None) -> Outcome:
        """The ledger's line and the raw bytes, in the same transaction as what they led to."""
        if twin is None:
            reports.keep_raw(connection, mail.sha256, len(mail.arrival.raw), mail.compressed)
        reports.insert(connection, {
            "key": None if twin else mail.key, "twin": twin, "at": mail.arrival.received, "door": mail.arrival.door,
            "peer": mail.arrival.peer, "envelope_from": mail.arrival.envelope_from, "rcpt": list(mail.arrival.rcpt),
            "message_id": mail.message.message_id, "sha256": mail.sha256, "outcome": done.outcome, "reason": done.reason,
            "ticket_id": done.ticket_id, "customer": done.who.customer if done.who else None,
            "verified": done.who.verified if done.who else False, "acknowledge": done.acknowledge,
            "evidence": list(done.evidence),
        })  # fmt: skip
        return done

    def verify_again(self, connection: Connection, ticket_id: int, message: Message, proof: Authentication) -> None:
        """A sender who could not be verified at receipt turns out to be genuine: the ticket gets the rights of its plan,
        and what would have paged then pages now."""
        ticket = self.ticket(connection, ticket_id, lock=True)
        author = sender.judge([address.addr for address in message.froms], self._own)
        if ticket is None or ticket.verified or author.held:
            return
        desk, now = self.desk(ticket.desk), self.database.clock.now()
        signs = Signs("mail", author.address, proof, subject=message.subject or "", text=message.reply_text)
        who = self.recognise(directory.StoredFinder(connection), signs, desk, ticket.received_at)
        report = Report(
            "mail", ticket.received_at, message.subject or "", message.reply_text, language=message.language
        )
        decision = decide.decide(report, who, desk)
        evidence = (*ticket.evidence, *(f"verified later: {line}" for line in proof.evidence))
        tickets.update(
            connection, ticket, verified=who.verified, evidence=list(evidence), via_on_call=decision.via_on_call
        )
        tickets.tell(connection, ticket_id, now, NewEntry("state", "presa", {"words": "the sender was verified"}))
        if decision.page and ticket.state == "new":
            jobs.add(connection, "page", now, {"page": calls.open_page(connection, ticket_id, now)}, ticket_id)
        self.restamp(connection, ticket_id)

    # Small questions --------------------------------------------------------------------------------------------

    def ours(self, address: str) -> bool:
        """Is this one of our recipients, with or without a tag?"""
        known = normal.address(address)
        return known is not None and sender.is_own(known, self._own)

    def recipient(self, address: str) -> str | None:
        """Our recipient behind an envelope address, without its tag."""
        known = normal.address(address)
        if known is None:
            return None
        local, _, host = known.rpartition("@")
        plain = f"{local.partition('+')[0]}@{host}"
        return next((one for one in (known, plain) if one in self._own), None)

    def _desk_of(self, rcpt: Sequence[str]) -> Desk:
        """The desk of the first recipient that is ours; without one (a file that was handed in) the first desk."""
        for address in rcpt:
            found = self.recipient(address)
            if found is not None:
                return self.desk(self.settings.recipients[found].desk)
        return next(iter(self.settings.desks.values()))


def _mail_entry(mail: Mail, who: Recognition | None) -> NewEntry:
    """What the story shows of a mail at once; the whole of it stands in the raw store under its sha256."""
    message = mail.message
    author = message.from_.addr if message.from_ else "nobody"
    return NewEntry("mail-in", author, {
        "sha256": mail.sha256, "from": author, "name": message.from_.name if message.from_ else "",
        "to": [address.addr for address in message.to][:20], "cc": [address.addr for address in message.cc][:20],
        "subject": shown(message.subject or ""), "text": message.reply_text, "message_id": message.message_id,
        "automatic": message.automatic, "verified": bool(who and who.verified),
        "attachments": [[one.filename, one.content_type, one.size, one.inline] for one in message.attachments],
        "html": message.html is not None,
    })  # fmt: skip


def _named(message: Message) -> tuple[str, ...]:
    """The ids by which a later mail of the same thread may be known, besides this mail's own."""
    return tuple(dict.fromkeys((*((message.in_reply_to,) if message.in_reply_to else ()), *message.references)))


def _is_forward(subject: str | None) -> bool:
    return (subject or "").lstrip().lower().startswith(("fwd:", "fw:", "wg:", "i:", "tr:", "rv:", "enc:", "inoltra:"))
