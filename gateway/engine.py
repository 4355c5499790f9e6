"""THE STORY of a report, from the door to the promise. Read it from top to bottom.

keep -> parse -> authenticate -> recognise -> relate -> decide -> file -> promise. A door hands in what reached it and gives
its promise (SMTP 250, HTTP 200) only when `take_mail` has returned: by then everything is durable, in one transaction.
What fails between keep and decide loses nothing: the report becomes a ticket to look at, with its raw and an alarm. What
fails in keep or file raises Temporary, and nothing is half done. Calls come in by `file_call`, inside their own dialogue.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from gateway.errors import Permanent, Temporary
from gateway.filing import Filing
from gateway.mail import addressed, answering, authenticate, clues, entries, forms, partly, reader, rounds
from gateway.mail import author as authors
from gateway.mail.addressed import House
from gateway.mail.author import Author
from gateway.mail.proving import Prover
from gateway.mail.reader import Reading
from gateway.mail.values import Arrival, Beside, Mail, Outcome
from gateway.oncall import duty as oncall
from gateway.settings import Settings
from gateway.settings.mail_door import Recipient
from gateway.store import directory, jobs, reports, tickets
from gateway.store.database import Database
from gateway.store.directory import StoredFinder
from gateway.store.jobs import Todo
from gateway.store.tickets import NewEntry
from gateway.tickets import events, folding
from gateway.tickets.events import Event
from identity import match, normal, sender
from identity.clues import Signs
from identity.people import Recognition
from routing import confirming, decide, numbers, proactive, threads
from routing.decide import Report
from routing.desk import Desk
from routing.threads import Clues, Joining
from routing.tickets import OPEN, Ticket, gone_on, resumed

__all__ = ["FAILED", "Arrival", "Beside", "Engine", "Mail", "Outcome"]

log = structlog.get_logger(__name__)

ONE_ANSWER_IN = timedelta(hours=1)  # to an address that is not verified: forged senders must not make us a relay
VERIFY_AGAIN = timedelta(minutes=5)  # a sender whose DNS did not answer is asked about again
HELD_BOUNCE = "bounce-not-ours"
HELD_RECEIPT = "receipt-not-ours"
HELD_TOKEN = "token-without-party"  # noqa: S105 - a reason code
UNREADABLE = "unreadable"
KEY_TAKEN = "this Idempotency-Key came with another report before; send a new report under a new key"
FAILED = "failed-inside"


class Engine(Filing):
    """Files reports. Has no state of its own: any replica's engine does the same."""

    def __init__(
        self, settings: Settings, database: Database, secret: bytes, resolver: authenticate.Resolver | None = None
    ) -> None:
        super().__init__(settings, database, secret)
        self._resolver = resolver
        self._own = settings.own_addresses
        self.house = House(settings.recipients, settings.desks)

    @property
    def prover(self) -> Prover:
        """Who proves a sender, by this configuration."""
        return Prover(self.settings, self._resolver)

    # The story of a mail ----------------------------------------------------------------------------------------

    def take_mail(self, arrival: Arrival) -> Outcome:
        """The whole story of one mail; when it returns, the mail may be promised."""
        return self.take_read(self.read(arrival))

    def take_read(self, mail: Mail) -> Outcome:
        """The rest of the story of a mail that has been read."""
        try:
            return self.file(mail).result()
        except (Permanent, Temporary):
            raise
        except Exception as trouble:  # the door's edge: a fault of ours must not lose or refuse a report
            return self.file_failed(mail, trouble).result()

    def file(self, mail: Mail, beside: Beside | None = None) -> "Future[Outcome]":
        """Steps 3 to 6; when the future resolves, the mail may be promised. `beside`: what the door writes with it."""
        return self.database.submit(lambda connection: _with(beside, connection, self.file_mail(connection, mail)))

    def file_failed(self, mail: Mail, trouble: BaseException, beside: Beside | None = None) -> "Future[Outcome]":
        """After a fault of ours in `file`: a ticket to look at."""
        log.error("engine.filing_failed", sha256=mail.sha256, exc_info=trouble)
        return self.database.submit(
            lambda connection: _with(beside, connection, self._file_unread(connection, mail, FAILED))
        )

    def read(self, arrival: Arrival) -> Mail:
        """Steps 1 and 2, outside the transaction: fingerprint, parse, authenticate."""
        return self.in_hand(arrival, reader.read(arrival.raw, arrival.received))

    def in_hand(self, arrival: Arrival, reading: Reading) -> Mail:
        """A mail that has been read, with the proof of its sender."""
        given = arrival.given
        if given is not None:
            reading = replace(reading, message=forms.as_written(reading.message, given), key=given.key or reading.key)
        message, proof = self.prover.prove(arrival, reading.message, reading.sha256)
        key = self.house.key(reading.key, arrival.rcpt) if given is None else reading.key
        return Mail(arrival, reading.sha256, reading.compressed, key, message, proof)

    def file_mail(self, connection: Connection, mail: Mail) -> Outcome:
        """Steps 3 to 6 in the caller's transaction, once for each group of addresses that are kept apart."""
        groups = self.house.apart(mail.arrival.rcpt)
        if len(groups) == 1:
            return self._file_mail(connection, mail)
        parts = [
            replace(mail, arrival=replace(mail.arrival, rcpt=rcpt), key=self.house.key(mail.key, rcpt))
            for rcpt in groups
        ]
        done, *_ = [self._file_mail(connection, one) for one in parts]
        return done

    def keys(self, mail: Mail) -> tuple[str, ...]:
        """The delivery keys under which the ledger has a mail that was filed: one for each group of addresses."""
        groups = self.house.apart(mail.arrival.rcpt)
        return (mail.key,) if len(groups) == 1 else tuple(self.house.key(mail.key, rcpt) for rcpt in groups)

    def _file_mail(self, connection: Connection, mail: Mail) -> Outcome:
        twin = reports.twin(connection, mail.key)
        if twin is not None:
            if mail.arrival.given and mail.arrival.given.key and twin.sha256 != mail.sha256:
                raise Permanent(KEY_TAKEN)
            ticket = self.ticket(connection, twin.ticket_id) if twin.ticket_id else None
            if ticket is not None:
                self._link(connection, ticket, [one for one in mail.arrival.rcpt if one not in twin.rcpt], mail)
            repeated = Outcome("duplicate", "same-delivery", twin.ticket_id, ticket.number if ticket else None)
            return self._record(connection, mail, repeated, twin=twin.id)
        if mail.message.error:
            return self._file_unread(connection, mail, UNREADABLE)
        author = self.author(mail)
        pointers = self._pointers(connection, mail)
        if mail.message.is_bounce or entries.is_receipt(mail.message):
            return self._file_bounce(connection, mail, pointers)
        if author.sender.held:
            return self._record(connection, mail, Outcome("held", author.sender.held))
        if going_round := rounds.going_round(mail, self.secret):
            return self._record(connection, mail, Outcome("held", rounds.HELD, evidence=(going_round,)))
        desk = self._desk_of(mail.arrival.rcpt)
        finder = directory.StoredFinder(connection)
        who = self.recognise(finder, author.signs(mail.message, self.settings.staff), desk, mail.arrival.received)
        joining = self._joining(connection, mail, pointers, who)
        if joining.verdict == "hold":
            return self._record(connection, mail, Outcome("held", HELD_TOKEN, who=who, evidence=joining.evidence))
        if joining.verdict in ("join", "reopen"):
            return self._held_as_loop(connection, mail, joining.ticket) or self._append(connection, mail, who, joining)
        if joining.verdict == "new" and (folded := self._folded(connection, mail, author, who, desk, finder)):
            return folded
        return self._open(connection, mail, author, who, desk, joining, finder)

    def author(self, mail: Mail) -> Author:
        """Who wrote it, and what speaks for that."""
        arrival = mail.arrival
        if arrival.given is not None:
            return authors.of_form(arrival.given, self._own)
        return authors.of_mail(
            mail.message,
            mail.authentication,
            self._own,
            self.settings.form_senders,
            null_sender=arrival.envelope_from == "",
        )

    # Recognise --------------------------------------------------------------------------------------------------

    def recognise(self, finder: StoredFinder, signs: Signs, desk: Desk, at: datetime) -> Recognition:
        """Who it is and what they are entitled to at this desk; a plan of another desk is not this one's."""
        today = at.astimezone(ZoneInfo(desk.zone)).date()
        return match.recognise(signs, finder, self.settings.covers, today=today, desk=desk.id)

    # Relate -----------------------------------------------------------------------------------------------------

    def _pointers(self, connection: Connection, mail: Mail) -> Clues:
        return clues.of_mail(connection, mail, self.secret)

    def _joining(self, connection: Connection, mail: Mail, pointers: Clues, who: Recognition) -> Joining:
        """The first ticket that the pointers name and that exists decides; a forward is linked to its thread and no part of it."""
        for proven, ids in ((True, pointers.proven), (False, pointers.shared)):
            for one in ids:
                ticket = self.ticket(connection, one, lock=True)
                if ticket is not None and ticket.merged_into is not None:
                    ticket = self.ticket(connection, ticket.merged_into, lock=True) or ticket
                if ticket is not None:
                    known = self.settings.desks.get(ticket.desk)
                    found = threads.join(
                        ticket, who, proven=proven, resolved_at=ticket.resolved_at, received=mail.arrival.received,
                        within=known.clocks.reopen_within if known else threads.REOPEN_WITHIN,
                    )  # fmt: skip
                    if proven or found.verdict == "new" or not entries.is_forward(mail.message.subject):
                        return found
                    told = f"thread: a forward out of that of {ticket.number}: a ticket of its own"
                    return Joining("follow-up", ticket, (told,))
        wrong = ("thread: carries a token that is not ours: a ticket of its own",) if pointers.wrong else ()
        return Joining("new", None, wrong)

    def _folded(
        self, connection: Connection, mail: Mail, author: Author, who: Recognition, desk: Desk, finder: StoredFinder
    ) -> Outcome | None:
        """A known alert again, or the same text sent again, goes to its open ticket; what looks alike is the `relate` job's."""
        arrival = mail.arrival
        found = folding.fold(connection, finder, mail.message, who, author.channel, arrival.received, desk.relating)
        ticket = self.ticket(connection, found.ticket_id, lock=True) if found else None
        if found is None or ticket is None or ticket.state not in OPEN or ticket.desk != desk.id:
            return None
        event = events.of(mail, author, who, desk)
        if event and event.state == "problem" and proactive.outranks(desk, event.priority, ticket.priority):
            return None  # it has become worse: a ticket of its own, which may page
        if found.trace.alert is None and (held := self._held_as_loop(connection, mail, ticket)):
            return held
        done = self._append(connection, mail, who, Joining("join", ticket, found.evidence))
        folding.told(connection, ticket, found)
        return done

    def _engineer(self, connection: Connection, place: Recipient, at: datetime) -> str | None:
        """Whose own address it is, and who stands in for them then."""
        return self.house.engineer(place, oncall.duty(connection, self.settings.desks[place.desk], at), at)

    # File -------------------------------------------------------------------------------------------------------

    def _open(
        self, connection: Connection, mail: Mail, author: Author, who: Recognition, desk: Desk, joining: Joining,
        finder: StoredFinder,
    ) -> Outcome:  # fmt: skip
        message, arrival = mail.message, mail.arrival
        event = events.of(mail, author, who, desk)
        decision = decide.decide(self._report(connection, mail, author, event), who, desk)
        if arrival.quiet:
            told = "page: no, because it is of an archive"
            decision = replace(decision, page=False, evidence=(*decision.evidence, told))
        who, why_not = answering.whom(finder, mail, author, who, event)
        if why_not is None and not who.verified and who.address:
            since, words = arrival.received - ONE_ANSWER_IN, entries.words(message)
            answered, same = reports.repeated(connection, who.address, words, since)
            # Without an answer of ours nothing goes round: a spoof of a customer is a ticket, however often it comes.
            if same >= self.settings.loops.same_words and mail.settles is None:
                told = f"loop: the same words came {same} times within an hour from senders that nobody verified"
                return self._record(connection, mail, Outcome("held", rounds.HELD, who=who, evidence=(told,)))
            why_not = "budget:address" if answered else None
        evidence = (
            *arrival.evidence,
            *author.evidence,
            *who.evidence,
            *joining.evidence,
            *decision.evidence,
            f"acknowledge: no, {why_not}" if why_not else "acknowledge: yes",
            *(f"mark: {mark}" for mark in decision.marks),
        )
        ticket_id = self.open_ticket(
            connection, desk, who, decision, evidence,
            subject=message.subject or "", channel=author.channel, received=arrival.received,
            linked=joining.ticket.id if joining.ticket else None, contact_address=who.requester or who.address,
            phone=author.given.phone, entries=entries.of_all(mail, who), todo=_todo(mail, who, answer=why_not is None),
            finder=finder,
        )  # fmt: skip
        reports.name_thread(connection, ticket_id, entries.named(message))
        if len(arrival.rcpt) > 1 and (opened := self.ticket(connection, ticket_id)):
            self._link(connection, opened, arrival.rcpt, mail)
        number = numbers.number_of(ticket_id, desk.ticket_prefix)
        done = Outcome("new", None, ticket_id, number, who, decision, why_not is None, evidence)
        return self._record(connection, mail, done)

    def _report(self, connection: Connection, mail: Mail, author: Author, event: Event | None) -> Report:
        """What deciding needs of a mail; what a monitoring system says of its event outweighs what a form gives."""
        message, place = mail.message, self.house.first(mail.arrival.rcpt)
        return Report(
            channel=event.channel if event else author.channel,
            received=mail.arrival.received,
            subject=message.subject or "",
            text=message.reply_text,
            kind=event.kind if event else author.given.kind,
            priority=event.priority if event else author.given.priority,
            language=message.language,
            automatic=message.automatic is not None,
            marks=entries.marks(mail),
            queue=place.queue if place else None,
            engineer=self._engineer(connection, place, mail.arrival.received) if place and place.engineer else None,
            product=author.given.product,
        )

    def _append(self, connection: Connection, mail: Mail, who: Recognition, joining: Joining) -> Outcome:
        """A known conversation goes on. A person's answer ends a wait for the customer; an automatic one changes nothing."""
        ticket, at = joining.ticket, mail.arrival.received
        assert ticket is not None
        tickets.tell(connection, ticket.id, at, *entries.of_all(mail, who))
        changes: dict[str, Any] = {}
        if mail.message.automatic is None:
            if joining.verdict == "reopen":
                # Thanks alone confirm what was done; anything else says that it goes on.
                words = "reopened by the customer's answer"
                changes = {**gone_on(ticket, at), "state": "taken" if ticket.assignee else "new"}
                if confirming.confirms(mail.message.reply_text):
                    words, changes = "closed: the customer confirms", {"state": "closed"}
                tickets.tell(connection, ticket.id, at, NewEntry("state", "presa", {"words": words}))
            elif ticket.state == "waiting":
                changes = dict(resumed(ticket.pauses, at, "customer"))
                words = "clock resumed by the customer's answer"
                if changes["pauses"] != ticket.pauses:
                    tickets.tell(connection, ticket.id, at, NewEntry("state", "presa", {"words": words}))
        if changes:
            tickets.update(connection, ticket, **changes)
            self.restamp(connection, ticket.id)
        reports.name_thread(connection, ticket.id, entries.named(mail.message))
        partly.added(connection, mail, who, ticket)
        if len(mail.arrival.rcpt) > 1:
            self._link(connection, ticket, mail.arrival.rcpt, mail)
        done = Outcome("append", None, ticket.id, ticket.number, who, None, False, (*who.evidence, *joining.evidence))
        return self._record(connection, mail, done)

    def _file_bounce(self, connection: Connection, mail: Mail, pointers: Clues) -> Outcome:
        """A bounce or receipt of our own mail lands on its ticket, a failure alarms; any other is held, nobody's report."""
        ticket = next((found for one in pointers.proven if (found := self.ticket(connection, one))), None)
        if ticket is None:
            held_as = HELD_RECEIPT if entries.is_receipt(mail.message) else HELD_BOUNCE
            return self._record(connection, mail, Outcome("held", held_as))
        if held := self._held_as_loop(connection, mail, ticket):
            return held
        tickets.tell(connection, ticket.id, mail.arrival.received, entries.of_mail(mail, None))
        reason, words = entries.of_ours(mail.message, ticket.number)
        if reason == "bounce":
            jobs.alarm(connection, mail.arrival.received, reason, words, ticket.id)
        return self._record(connection, mail, Outcome("append", reason, ticket.id, ticket.number, evidence=(words,)))

    def _file_unread(self, connection: Connection, mail: Mail, reason: str) -> Outcome:
        """A ticket to look at: nothing is known but the raw, and that is attached."""
        desk = self._desk_of(mail.arrival.rcpt)
        who = Recognition(None, None, "unknown", False, False, "unknown-customer", None)
        decision = decide.unread(desk, reason)
        evidence = (f"report: {reason}: {mail.message.error or 'see the alarm'}", *decision.evidence)
        ticket_id = self.open_ticket(
            connection, desk, who, decision, evidence,
            subject=mail.message.subject or "", channel="mail", received=mail.arrival.received, entries=(entries.of_mail(mail, None),),
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

    # Round and round --------------------------------------------------------------------------------------------

    def _held_as_loop(self, connection: Connection, mail: Mail, ticket: Ticket | None) -> Outcome | None:
        """Too many mails on one ticket within the hour: the next ones wait for a person, who is told once."""
        if ticket is None:
            return None
        told = rounds.too_many(connection, ticket, mail.arrival.received, self.settings.loops.mails_per_ticket)
        return self._record(connection, mail, Outcome("held", rounds.HELD, evidence=(told,))) if told else None

    def _link(self, connection: Connection, ticket: Ticket, addresses: Sequence[str], mail: Mail) -> None:
        """The queues of further addresses of ours, if there are any."""
        addressed.link(connection, ticket, self.house.further(addresses, ticket), mail.arrival.received)

    def _record(self, connection: Connection, mail: Mail, done: Outcome, twin: int | None = None) -> Outcome:
        """The ledger's line and the raw bytes, in the same transaction as what they led to."""
        if mail.settles is not None:
            reports.settle(connection, mail.settles, entries.facts(done))
            return done
        if twin is None:
            reports.keep_raw(connection, mail.sha256, len(mail.arrival.raw), mail.compressed)
        reports.insert(connection, entries.line(mail, done, twin))
        return done

    def settle(self, connection: Connection, mail: Mail, joining: Joining) -> Outcome:
        """A person decided about a mail that is in the ledger: on that ticket, or one of its own. Its clock starts, as
        ever, at its receipt."""
        author = self.author(mail)
        desk, finder = self._desk_of(mail.arrival.rcpt), directory.StoredFinder(connection)
        who = self.recognise(finder, author.signs(mail.message, self.settings.staff), desk, mail.arrival.received)
        if joining.verdict in ("join", "reopen"):
            return self._append(connection, mail, who, joining)
        return self._open(connection, mail, author, who, desk, joining, finder)

    # Small questions --------------------------------------------------------------------------------------------

    def ours(self, address: str) -> bool:
        """Is this one of our recipients, with or without a tag?"""
        known = normal.address(address)
        return known is not None and sender.is_own(known, self._own)

    def recipient(self, address: str) -> str | None:
        """Our recipient behind an envelope address, without its tag."""
        return self.house.known(address)

    def _desk_of(self, rcpt: Sequence[str]) -> Desk:
        """The desk of the first recipient that is ours; without one (a file that was handed in) the first desk."""
        found = self.house.first(rcpt)
        return self.desk(found.desk) if found else next(iter(self.settings.desks.values()))


def _todo(mail: Mail, who: Recognition, *, answer: bool) -> list[Todo]:
    """What follows when the ticket is open: the sender's domain is asked again, the answer leaves, the texts are compared."""
    arrival, message = mail.arrival, mail.message
    todo: list[Todo] = []
    if mail.authentication.verdict == "temperror":
        doubt = {"sha256": mail.sha256, "peer": arrival.peer, "helo": arrival.helo}
        todo.append(("verify", arrival.received + VERIFY_AGAIN, {**doubt, "from": arrival.envelope_from or ""}))
    if answer and who.address:
        thread = {"in_reply_to": message.message_id, "references": list(message.references)}
        todo.append(("acknowledge", arrival.received, thread))
    if who.customer:
        todo.append(("relate", arrival.received, {"quiet": True} if arrival.quiet else {}))
    return todo


def _with(beside: Beside | None, connection: Connection, done: Outcome) -> Outcome:
    if beside is not None:
        beside(connection, done)
    return done
