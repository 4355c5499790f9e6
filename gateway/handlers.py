"""What each kind of job does: acknowledge, letter, page, clock. `app` hands these to the runner.

Each handler works outside a transaction and returns how to settle. What leaves the house is written down first (a
letter with its Message-ID, a page's attempt with its id), done, and then its result is written: after a crash the same
letter goes again under the same id, and the carrier is asked before a phone rings a second time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from gateway.calls import links as callback_links
from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.filing import said
from gateway.mail import entries, partly
from gateway.mail.verifying import Verifying
from gateway.paging.pager import Pager
from gateway.paging.watchdog import PATIENCE as WATCHFUL
from gateway.post import budget, send
from gateway.post.letter import Letter, Note, Notice, Receipt, mailbox
from gateway.post.send import SmartHost
from gateway.store import calls, jobs, letters, tickets
from gateway.store.jobs import Handler, Job, Patience, Settled
from gateway.store.tickets import NewEntry
from gateway.tickets.clocks import Clocks
from gateway.tickets.relating import Relating
from routing.tickets import Ticket

log = structlog.get_logger(__name__)

HOUR = timedelta(hours=1)
PATIENT = frozenset({"acknowledge", "relate"})  # what any other job, a page above all, goes before
# A page that fails is shouted about at once and tried every quarter of a minute for hours; mail is tried for five days
# (RFC 5321 section 4.5.4.1), and somebody knows after a few minutes that it does not leave.
MAIL = Patience(alarm_at=6, give_up_at=130)
PATIENCE: Mapping[str, Patience] = {
    "watchdog": WATCHFUL,
    "note": Patience(alarm_at=3, give_up_at=8, longest=timedelta(seconds=60)),
    "room": Patience(alarm_at=4, give_up_at=6, longest=timedelta(seconds=5)),
    "page": Patience(alarm_at=1, give_up_at=1_000, longest=timedelta(seconds=15)),
    "acknowledge": MAIL,
    "letter": MAIL,
    partly.JOB: MAIL,
    "duty-letter": MAIL,
    "verify": Patience(alarm_at=12, give_up_at=24),
    "recording": Patience(
        alarm_at=9, give_up_at=60
    ),  # it may not be ready for minutes; after two days it is called lost
}

LACKS = "lacks-"  # marks of what a report of this desk should hold and does not
# reason codes of identity -> what the acknowledgement adds
NOTES: Mapping[str, Note] = {
    "channel-not-in-plan": "channel_not_in_plan",
    "too-big": "too_big",
    "encrypted": "encrypted",
    "language-best-effort": "language_best_effort",
    "unknown-customer": "sender_unknown",
    "contract-expired": "no_cover",
    "contract-expired-renewable": "no_cover",
    "contract-unpaid": "no_cover",
    "contract-not-started": "no_cover",
    "product-expired": "product_not_covered",
    "end-of-life": "product_not_covered",
    "altered-product": "product_not_covered",
    "third-party-product": "product_not_covered",
    "unsupported-version": "product_not_covered",
    "hardware": "product_not_covered",
    "bought-through-partner": "partner_serves",
    "contact-not-registered": "contact_unknown",
    "contact-not-authorised": "contact_unknown",
    "end-user": "end_user",
    "kind-not-granted": "kind_not_granted",
    "several-problems": "several_problems",
}


class Handlers:
    """The handlers of one process. `smarthost` is where letters go."""

    def __init__(self, engine: Engine, pager: Pager, smarthost: SmartHost) -> None:
        self._engine = engine
        self._database = engine.database
        self._pager = pager
        self._smarthost = smarthost

    def table(self) -> Mapping[str, Handler]:
        return {
            "acknowledge": self.acknowledge,
            "letter": self.letter,
            partly.JOB: self.partly,
            "page": self._pager.run,
            "clock": Clocks(self._engine).run,
            "verify": Verifying(self._engine).run,
            "relate": Relating(self._engine).run,
        }

    # Letters ----------------------------------------------------------------------------------------------------

    def acknowledge(self, job: Job) -> Settled:
        """The first automatic answer, once a ticket and within the budgets."""
        ticket = self._ticket(job)
        now = self._database.clock.now()
        if ticket.requester is None:
            return Settled()
        if mailbox(ticket.requester) is None:
            told = NewEntry("note", "presa", {"words": "no acknowledgement sent: the address cannot be written to"})
            return Settled(lambda connection: tickets.tell(connection, ticket.id, now, told))
        message_id = self._engine.outgoing_message_id(ticket)
        kept = self._database.read(lambda connection: letters.by_message_id(connection, message_id))
        if kept is None:
            content = Receipt(
                clocks=self._engine.stamp(ticket).clocks if ticket.plan else (),
                priority=said(self._engine.desk(ticket.desk).priorities[ticket.priority], ticket.language)
                or ticket.priority,
                updates_every=ticket.clocks.get("updates_every"),
                notes=tuple(dict.fromkeys(NOTES[mark] for mark in self._marks(ticket) if mark in NOTES)),
                missing=tuple(mark[len(LACKS) :] for mark in self._marks(ticket) if mark.startswith(LACKS)),  # type: ignore[misc]
                channels=tuple(sorted(self._engine.desk(ticket.desk).plans[ticket.plan].channels))
                if ticket.plan
                else (),
                callback=callback_links.link(ticket, self._engine, now),
            )
            verdict = self._write(self._engine.letter(ticket, content, message_id, now, job.state), ticket, job)
            if not verdict.allowed:
                told = NewEntry("note", "presa", {"words": f"no acknowledgement sent: {verdict.why}"})
                return Settled(lambda connection: tickets.tell(connection, ticket.id, now, told))
        return self._send(message_id, ticket, "acknowledgement")

    def partly(self, job: Job) -> Settled:
        """Somebody whose answer we have or can read only in part hears of it, once a ticket and within the budgets."""
        ticket, now = replace(self._ticket(job), requester=job.state["to"]), self._database.clock.now()
        if ticket.requester is None or mailbox(ticket.requester) is None:
            return Settled()
        event, n = partly.TOLD[job.state["mark"]]
        message_id = self._engine.outgoing_message_id(ticket, n)
        if self._database.read(lambda connection: letters.by_message_id(connection, message_id)) is None:
            written = self._engine.letter(ticket, Notice(event), message_id, now, job.state)
            if not self._write(written, ticket, job).allowed:
                return Settled()  # its story and an alarm say it to a person
        return self._send(message_id, ticket, "notice")

    def letter(self, job: Job) -> Settled:
        """An agent's answer or a notice, written down when it was decided."""
        return self._send(job.state["message_id"], self._ticket(job), job.state["kind"])

    def _budget(self, connection: Connection, ticket: Ticket, now: datetime) -> budget.Verdict:
        address = letters.sent_since(connection, now - HOUR, recipient=ticket.requester)
        history = {
            "address": address,
            "ticket": letters.sent_since(connection, now - HOUR, ticket_id=ticket.id),
            "unverified": () if ticket.verified else letters.to_unverified_since(connection, now - HOUR),
            "content": self._said_before(connection, ticket, now) if address else (),
        }
        return budget.may_answer(history, now, verified=ticket.verified)  # type: ignore[arg-type]

    def _said_before(self, connection: Connection, ticket: Ticket, now: datetime) -> Sequence[datetime]:
        """When this address was told of other tickets with the same words: a responder that hides what it is (CASES mail 14)."""
        told = letters.acknowledged_since(connection, now - HOUR, ticket.requester or "")
        others = [(at, one) for at, one in told if one != ticket.id][: budget.LIMITS.verified["address"].count]
        own = entries.words_of(tickets.story(connection, ticket.id)) if others else None
        return [at for at, one in others if own and entries.words_of(tickets.story(connection, one)) == own]

    def _write(self, letter: Letter, ticket: Ticket, job: Job) -> budget.Verdict:
        """The intent, under the job's lease: from now on this very letter is what goes, whoever sends it.

        Counted and written as one, one address at a time: of many at once no more leave than the budget has."""

        written = self._engine.written(letter, ticket)

        def write(connection: Connection) -> budget.Verdict:
            jobs.keep(connection, job, job.state)
            calls.alone(connection, f"letter:{ticket.requester}")
            verdict = self._budget(connection, ticket, letter.date)
            if verdict.allowed:
                letters.write(connection, written)
            return verdict

        return self._database.write(write)

    def _send(self, message_id: str, ticket: Ticket, kind: str) -> Settled:
        stored = self._database.read(lambda connection: letters.by_message_id(connection, message_id))
        if stored is None:
            raise Permanent(f"the letter {message_id} of {ticket.number} is not there")
        if stored.state != "waiting":
            return Settled()
        state, detail = "sent", ""
        try:
            detail = send.send(stored.body, stored.envelope_from, stored.recipient, self._smarthost).evidence
        except send.Refused as refused:
            state, detail = "refused", refused.evidence
        now = self._database.clock.now()

        def write(connection: Connection) -> None:
            letters.mark(connection, stored.id, state, detail)
            data = {
                "letter": stored.id,
                "to": stored.recipient,
                "subject": stored.subject,
                "kind": kind,
                "state": state,
                "detail": detail,
            }
            tickets.tell(connection, ticket.id, now, NewEntry("mail-out", "presa", data))
            if state == "refused":
                words = f"Our mail on {ticket.number} was refused ({detail}); call the customer or correct the address"
                jobs.alarm(connection, now, "letter-refused", words, ticket.id)

        return Settled(write)

    # Small questions --------------------------------------------------------------------------------------------

    def _ticket(self, job: Job) -> Ticket:
        assert job.ticket_id is not None
        ticket_id = job.ticket_id
        found = self._database.read(lambda connection: self._engine.ticket(connection, ticket_id))
        if found is None:
            raise Permanent(f"ticket {ticket_id} is not there")
        return found

    def _marks(self, ticket: Ticket) -> tuple[str, ...]:
        """The reason codes that the decision left on the ticket."""
        return tuple(line.removeprefix("mark: ") for line in ticket.evidence if line.startswith("mark: "))
