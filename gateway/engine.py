"""THE STORY of a report, from the door to the promise. Read it from top to bottom.

keep -> parse -> authenticate -> recognise -> relate -> decide -> file -> promise. A door hands in what reached it and gives
its promise (SMTP 250, HTTP 200) only when `take_mail` has returned: by then everything is durable, in one transaction.
What fails between keep and decide loses nothing: the report becomes a ticket to look at, with its raw and an alarm. What
fails in keep or file raises Temporary, and nothing is half done. Calls come in by `file_call`, inside their own dialogue.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from gateway import addressed, authenticate, folding, forms, reader
from gateway import author as authors
from gateway.addressed import House
from gateway.author import Author
from gateway.errors import Permanent, Temporary
from gateway.filing import Filing, shown
from gateway.forms import Given
from gateway.post import tokens
from gateway.reader import Reading
from gateway.settings import Settings
from gateway.store import alarms, calls, directory, jobs, reports, tickets, traces
from gateway.store.database import Database
from gateway.store.directory import StoredFinder
from gateway.store.jobs import Todo
from gateway.store.tickets import NewEntry
from identity import match, normal, rights, sender
from identity.clues import Signs
from identity.people import Authentication, Recognition
from parsers import Message
from routing import confirming, decide, loops, numbers, threads
from routing.decide import Decision, Report
from routing.desk import Desk
from routing.threads import Clues, Joining
from routing.tickets import OPEN, Ticket, gone_on, resumed

log = structlog.get_logger(__name__)

ONE_ANSWER_IN = timedelta(hours=1)  # to an address that is not verified: forged senders must not make us a relay
VERIFY_AGAIN = timedelta(minutes=5)  # a sender whose DNS did not answer is asked about again
HELD_BOUNCE = "bounce-not-ours"
HELD_LOOP = "suspected-loop"
COUNTED = ("new", "held")  # outcomes of mails that nobody verified and whose words are counted
HELD_TOKEN = "token-without-party"  # noqa: S105 - a reason code
UNREADABLE = "unreadable"
KEY_TAKEN = "this Idempotency-Key came with another report before; send a new report under a new key"
FAILED = "failed-inside"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A report as a door got it. `received` is the provable instant of receipt: every clock starts there.

    `given`: what a portal or form says besides the words; `raw` then holds the words as a mail. `edge`: the door knows
    that our edge handed it in. `whole`: the size of a mail of which `raw` is only the beginning. `quiet`: nobody is
    answered or rung, for it is an old story."""

    door: str
    peer: str
    envelope_from: str | None
    rcpt: tuple[str, ...]
    raw: bytes
    received: datetime
    helo: str = ""
    given: Given | None = None
    edge: bool = False
    whole: int | None = None
    quiet: bool = False
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in hand: read and authenticated, not yet filed. `settles`: the ledger's line it has already, if any."""

    arrival: Arrival
    sha256: str
    compressed: bytes
    key: str
    message: Message
    authentication: Authentication
    settles: int | None = None


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


Beside = Callable[[Connection, Outcome], None]
"""What a door writes in the transaction of a mail it hands in."""


class Engine(Filing):
    """Files reports. Has no state of its own: any replica's engine does the same."""

    def __init__(
        self, settings: Settings, database: Database, secret: bytes, resolver: authenticate.Resolver | None = None
    ) -> None:
        super().__init__(settings, database, secret)
        self.resolver = resolver
        self._own = settings.own_addresses
        self.house = House(settings.recipients, settings.desks)

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

    def file_failed(self, mail: Mail, trouble: Exception, beside: Beside | None = None) -> "Future[Outcome]":
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
        message, given = reading.message, arrival.given
        if given is not None:
            reading = replace(reading, message=forms.as_written(message, given), key=given.key or reading.key)
            message = reading.message
        try:
            peer = self.settings.edge.peers[0].partition("/")[0] if arrival.edge and self.settings.edge else arrival.peer
            if provider := self._provider(arrival):
                proof = authenticate.by_provider(message, provider)
            else:
                proof = self.authenticate(message, arrival.raw, peer, arrival.envelope_from or "", arrival.helo)
        except Exception as trouble:  # it should not raise; if it does, the mail is a ticket to look at
            log.error("engine.authentication_failed", sha256=reading.sha256, exc_info=trouble)
            message = replace(message, error="a fault of ours while the sender was checked")
            proof = Authentication("none", "none", None, (message.error or "",))
        key = self.house.key(reading.key, arrival.rcpt) if arrival.given is None else reading.key
        return Mail(arrival, reading.sha256, reading.compressed, key, message, proof)

    def _provider(self, arrival: Arrival) -> str | None:
        """The authserv-id of the provider of the mailbox that a mail lay in, if its results count."""
        box = self.settings.mailboxes.get(arrival.peer.removeprefix("mailbox:")) if arrival.door == "imap" else None
        return box.authserv_id if box else None

    def authenticate(self, message: Message, raw: bytes, peer: str, envelope_from: str, helo: str) -> Authentication:
        """Was it really sent by the domain in its From? By our edge, by the demo's rule, or by DNS within 3 s."""
        return authenticate.authenticate(
            message, raw, peer=peer, envelope_from=envelope_from, helo=helo,
            edge=self.settings.edge, demo=self.settings.demo, resolver=self.resolver, sealers=self.settings.sealers,
        )  # fmt: skip

    def vouched_for(self, peer: str) -> bool:
        """Is a mail from this peer judged without DNS: by our edge's results or the demo's rule?"""
        return self.settings.demo or (self.settings.edge is not None and self.settings.edge.delivers_from(peer))

    def file_mail(self, connection: Connection, mail: Mail) -> Outcome:
        """Steps 3 to 6 in the caller's transaction, once for each group of addresses that are kept apart."""
        groups = self.house.apart(mail.arrival.rcpt)
        if len(groups) == 1:
            return self._file_mail(connection, mail)
        parts = [
            replace(mail, arrival=replace(mail.arrival, rcpt=rcpt), key=self.house.key(mail.key, rcpt)) for rcpt in groups
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
        clues = self._clues(connection, mail)
        if mail.message.is_bounce:
            return self._file_bounce(connection, mail, clues)
        if author.sender.held:
            return self._record(connection, mail, Outcome("held", author.sender.held))
        if going_round := self._going_round(mail):
            return self._record(connection, mail, Outcome("held", HELD_LOOP, evidence=(going_round,)))
        desk = self._desk_of(mail.arrival.rcpt)
        finder = directory.StoredFinder(connection)
        who = self.recognise(finder, author.signs(mail.message, self.settings.staff), desk, mail.arrival.received)
        joining = self._joining(connection, mail, clues, who)
        if joining.verdict == "hold":
            return self._record(connection, mail, Outcome("held", HELD_TOKEN, who=who, evidence=joining.evidence))
        if joining.verdict in ("join", "reopen"):
            return self._held_as_loop(connection, mail, joining.ticket) or self._append(connection, mail, who, joining)
        if joining.verdict == "new" and (folded := self._folded(connection, mail, author, who, desk)):
            return folded
        return self._open(connection, mail, author, who, desk, joining, finder)

    def author(self, mail: Mail) -> Author:
        """Who wrote it, and what speaks for that."""
        arrival = mail.arrival
        if arrival.given is not None:
            return authors.of_form(arrival.given, self._own)
        return authors.of_mail(
            mail.message, mail.authentication, self._own, self.settings.form_senders, null_sender=arrival.envelope_from == ""
        )

    # Recognise --------------------------------------------------------------------------------------------------

    def recognise(self, finder: StoredFinder, signs: Signs, desk: Desk, at: datetime) -> Recognition:
        """Who it is and what they are entitled to at this desk; a plan of another desk is not this one's."""
        today = at.astimezone(ZoneInfo(desk.zone)).date()
        return match.recognise(signs, finder, self.settings.covers, today=today, desk=desk.id)

    # Relate -----------------------------------------------------------------------------------------------------

    def _clues(self, connection: Connection, mail: Mail) -> Clues:
        """Our own tokens first (no look-up needed to prove them), then references shared with mails we know.

        A bounce may name our mail only in what it returns of it."""
        message, rcpt = mail.message, mail.arrival.rcpt
        named = tuple(
            dict.fromkeys((*((message.in_reply_to,) if message.in_reply_to else ()), *reversed(message.references)))
        )
        readings = [tokens.judge_address(address, self.secret) for address in rcpt]
        readings += [tokens.judge_message_id(one, self.secret) for one in named]
        if message.is_bounce:
            readings += tokens.judge_all(mail.arrival.raw, self.secret)
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
                if ticket is not None and ticket.merged_into is not None:
                    ticket = self.ticket(connection, ticket.merged_into, lock=True) or ticket
                if ticket is not None:
                    known = self.settings.desks.get(ticket.desk)
                    return threads.join(
                        ticket, who, proven=proven, resolved_at=ticket.resolved_at, received=mail.arrival.received,
                        within=known.clocks.reopen_within if known else threads.REOPEN_WITHIN,
                    )  # fmt: skip
        told = ("thread: carries a token that is not ours: a ticket of its own",) if clues.wrong else ()
        return Joining("new", None, told)

    def _folded(self, connection: Connection, mail: Mail, author: Author, who: Recognition, desk: Desk) -> Outcome | None:
        """A known alert again, or the same text sent again, goes to its open ticket; what looks alike is the `relate` job's."""
        arrival = mail.arrival
        found = folding.fold(connection, mail.message, who, author.channel, arrival.received, desk.relating)
        ticket = self.ticket(connection, found.ticket_id, lock=True) if found else None
        if found is None or ticket is None or ticket.state not in OPEN or ticket.desk != desk.id:
            return None
        if found.trace.alert is None and (held := self._held_as_loop(connection, mail, ticket)):
            return held
        done = self._append(connection, mail, who, Joining("join", ticket, found.evidence))
        folding.told(connection, ticket, found)
        return done

    # File -------------------------------------------------------------------------------------------------------

    def _open(
        self, connection: Connection, mail: Mail, author: Author, who: Recognition, desk: Desk, joining: Joining,
        finder: StoredFinder,
    ) -> Outcome:  # fmt: skip
        message, arrival = mail.message, mail.arrival
        place = self.house.first(arrival.rcpt)
        report = Report(
            channel=author.channel,
            received=arrival.received,
            subject=message.subject or "",
            text=message.reply_text,
            kind=author.given.kind,
            priority=author.given.priority,
            language=message.language,
            automatic=message.automatic is not None,
            marks=_marks(mail),
            queue=place.queue if place else None,
            engineer=self.house.engineer(place) if place else None,
        )
        decision = decide.decide(report, who, desk)
        if arrival.quiet:
            decision = replace(decision, page=False, evidence=(*decision.evidence, "page: no, because it is of an archive"))
        answer, why = rights.may_acknowledge(
            author.sender, author.proof, finder, automatic=author.automatic, reply_to=author.reply_to
        )
        if answer and who.requester:
            answer, why = False, "passed-on"  # to the author it says nothing, and the other has written nothing to us
        if answer and arrival.quiet:
            answer, why = False, "archive"
        if not who.verified and who.address:
            since, words = arrival.received - ONE_ANSWER_IN, _words(message)
            answered, same = reports.repeated(connection, who.address, words, since)
            # Without an answer of ours nothing goes round: a spoof of a customer is a ticket, however often it comes.
            if answer and same >= self.settings.loops.same_words and mail.settles is None:
                told = f"loop: the same words came {same} times within an hour from senders that nobody verified"
                return self._record(connection, mail, Outcome("held", HELD_LOOP, who=who, evidence=(told,)))
            if answer and answered:
                answer, why = False, "budget:address"
        evidence = (
            *arrival.evidence,
            *author.evidence,
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
        if who.customer:
            todo.append(("relate", arrival.received, {"quiet": True} if arrival.quiet else {}))
        ticket_id = self.open_ticket(
            connection, desk, who, decision, evidence,
            subject=message.subject or "", channel=author.channel, received=arrival.received, linked=linked,
            contact_address=who.requester or who.address, phone=author.given.phone, entries=_entries(mail, who), todo=todo, finder=finder,
        )  # fmt: skip
        reports.name_thread(connection, ticket_id, _named(message))
        if len(arrival.rcpt) > 1 and (opened := self.ticket(connection, ticket_id)):
            self._link(connection, opened, arrival.rcpt, mail)
        done = Outcome(
            "new", None, ticket_id, numbers.number_of(ticket_id, desk.ticket_prefix), who, decision, answer, evidence
        )
        return self._record(connection, mail, done)

    def _append(self, connection: Connection, mail: Mail, who: Recognition, joining: Joining) -> Outcome:
        """A known conversation goes on. A person's answer ends a wait for the customer; an automatic one changes nothing."""
        ticket, at = joining.ticket, mail.arrival.received
        assert ticket is not None
        tickets.tell(connection, ticket.id, at, *_entries(mail, who))
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
        reports.name_thread(connection, ticket.id, _named(mail.message))
        if len(mail.arrival.rcpt) > 1:
            self._link(connection, ticket, mail.arrival.rcpt, mail)
        done = Outcome("append", None, ticket.id, ticket.number, who, None, False, (*who.evidence, *joining.evidence))
        return self._record(connection, mail, done)

    def _file_bounce(self, connection: Connection, mail: Mail, clues: Clues) -> Outcome:
        """A bounce of our own mail lands on its ticket and alarms; any other is held, for it is nobody's report."""
        ticket = next((found for one in clues.proven if (found := self.ticket(connection, one))), None)
        if ticket is None:
            return self._record(connection, mail, Outcome("held", HELD_BOUNCE))
        if held := self._held_as_loop(connection, mail, ticket):
            return held
        if mail.message.automatic == "delay":  # it may still arrive: a line of the story, nobody is called
            tickets.tell(connection, ticket.id, mail.arrival.received, _mail_entry(mail, None))
            told = (f"Our mail on {ticket.number} is late; the other server still tries",)
            return self._record(connection, mail, Outcome("append", "delay", ticket.id, ticket.number, evidence=told))
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

    # Round and round --------------------------------------------------------------------------------------------

    def _going_round(self, mail: Mail) -> str | None:
        """What the mail itself says of a loop: it is a letter of ours, or it has been everywhere."""
        own = mail.message.message_id
        if own and tokens.judge_message_id(own, self.secret).verdict == "right":
            return "loop: one of our own letters came back"
        hops = loops.hops(mail.arrival.raw)
        return f"loop: {hops} servers have had it" if hops > loops.MOST_HOPS else None

    def _held_as_loop(self, connection: Connection, mail: Mail, ticket: Ticket | None) -> Outcome | None:
        """Too many mails on one ticket within the hour: the next ones wait for a person, who is told once."""
        if ticket is None:
            return None
        since = mail.arrival.received - ONE_ANSWER_IN
        came = tickets.mails_since(connection, ticket.id, since)
        if came >= self.settings.loops.mails_per_ticket:  # alerts that fold are no conversation going round
            came -= traces.alerts_since(connection, ticket.id, since)
        if came < self.settings.loops.mails_per_ticket:
            return None
        words = f"{ticket.number} gets too many mails within an hour; those that follow are held: release them, or end the loop"
        if not alarms.waits(connection, HELD_LOOP, words):
            jobs.alarm(connection, mail.arrival.received, HELD_LOOP, words, ticket.id)
        told = f"loop: {ticket.number} got {came} mails within an hour"
        return self._record(connection, mail, Outcome("held", HELD_LOOP, evidence=(told,)))

    def _link(self, connection: Connection, ticket: Ticket, addresses: Sequence[str], mail: Mail) -> None:
        """The queues of further addresses of ours, if there are any."""
        addressed.link(connection, ticket, self.house.further(addresses, ticket), mail.arrival.received)

    def _record(self, connection: Connection, mail: Mail, done: Outcome, twin: int | None = None) -> Outcome:
        """The ledger's line and the raw bytes, in the same transaction as what they led to."""
        if mail.settles is not None:
            reports.settle(connection, mail.settles, _facts(done))
            return done
        if twin is None:
            reports.keep_raw(connection, mail.sha256, len(mail.arrival.raw), mail.compressed)
        reports.insert(connection, {
            "key": None if twin else mail.key, "twin": twin, "at": mail.arrival.received, "door": mail.arrival.door,
            "peer": mail.arrival.peer, "envelope_from": mail.arrival.envelope_from, "rcpt": list(mail.arrival.rcpt),
            "message_id": mail.message.message_id, "sha256": mail.sha256, **_facts(done),
            "words": _words(mail.message) if done.who and not done.who.verified and done.outcome in COUNTED else None,
        })  # fmt: skip
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

    def verify_again(self, connection: Connection, ticket_id: int, message: Message, proof: Authentication) -> None:
        """A sender who could not be verified at receipt turns out to be genuine: the ticket gets the rights of its plan,
        and what would have paged then pages now."""
        ticket = self.ticket(connection, ticket_id, lock=True)
        author = authors.of_mail(message, proof, self._own, self.settings.form_senders)
        if ticket is None or ticket.verified or author.sender.held:
            return
        desk, now = self.desk(ticket.desk), self.database.clock.now()
        who = self.recognise(directory.StoredFinder(connection), author.signs(message, self.settings.staff), desk, ticket.received_at)
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
        return self.house.known(address)

    def _desk_of(self, rcpt: Sequence[str]) -> Desk:
        """The desk of the first recipient that is ours; without one (a file that was handed in) the first desk."""
        found = self.house.first(rcpt)
        return self.desk(found.desk) if found else next(iter(self.settings.desks.values()))


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


def _entries(mail: Mail, who: Recognition) -> tuple[NewEntry, ...]:
    """The mail, and what is missing of it."""
    if not mail.arrival.whole:
        return (_mail_entry(mail, who),)
    words = f"the mail was too big: of {mail.arrival.whole} bytes the first {len(mail.arrival.raw)} are here"
    return _mail_entry(mail, who), NewEntry("state", "presa", {"words": words})


def _facts(done: Outcome) -> dict[str, Any]:
    """What the ledger keeps of an outcome."""
    return {
        "outcome": done.outcome, "reason": done.reason, "ticket_id": done.ticket_id,
        "customer": done.who.customer if done.who else None, "verified": done.who.verified if done.who else False,
        "acknowledge": done.acknowledge, "evidence": list(done.evidence),
    }  # fmt: skip


def _with(beside: Beside | None, connection: Connection, done: Outcome) -> Outcome:
    if beside is not None:
        beside(connection, done)
    return done


def _marks(mail: Mail) -> tuple[str, ...]:
    """What keeps us from reading all of it: its sender is told."""
    encrypted = (mail.message.protection or "").endswith("-encrypted")
    return tuple(mark for mark, holds in (("too-big", mail.arrival.whole), ("encrypted", encrypted)) if holds)


def _named(message: Message) -> tuple[str, ...]:
    """The ids by which a later mail of the same thread may be known, besides this mail's own."""
    return tuple(dict.fromkeys((*((message.in_reply_to,) if message.in_reply_to else ()), *message.references)))


def _words(message: Message) -> str:
    return loops.words_key(message.subject or "", message.reply_text)


def _is_forward(subject: str | None) -> bool:
    return (subject or "").lstrip().lower().startswith(("fwd:", "fw:", "wg:", "i:", "tr:", "rv:", "enc:", "inoltra:"))
