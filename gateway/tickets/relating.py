"""The `relate` job, after the promise: compares a new ticket's report with its customer's earlier ones and with what other
customers tell now.

What is plainly the same problem goes into the earlier ticket (`merging`), the rest becomes suggestions; the same trouble at
several customers becomes a proposed fault (`wider`). A page waits for this job, two seconds at the most. Refuses to merge what
an unverified sender wrote, what somebody has taken in hand, or what is more urgent than the ticket it would go into.
"""

import re
from datetime import datetime

from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.store import directory, jobs, recordings, tickets, traces
from gateway.store.jobs import Job, Settled
from gateway.store.traces import Suggestion
from gateway.tickets import merging, wider
from routing import facts, numbers, relate
from routing.facts import Trace
from routing.relate import Related
from routing.relate_policy import Policy
from routing.tickets import OPEN, Ticket

_NAMED = re.compile(r"(?<=^perhaps )\d+(?=: )|(?<=\()\d+(?=\)$)")  # ids of tickets in what `routing.relate` says
WHOLE = ("alert:", "text:", "sent:")  # keys of a whole report
BY = "presa"  # who merged, in the story
SAID = ("mail-in", "description", "call")  # entries that hold a customer's words


class Relating:
    """The handler of one process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._database = engine.database

    def run(self, job: Job) -> Settled:
        """Compare outside the transaction; write what came of it, unless others of the customer came in between."""
        assert job.ticket_id is not None
        ticket_id = job.ticket_id

        def read(connection: Connection) -> tuple[Ticket, Trace, Related] | None:
            ticket = self._engine.ticket(connection, ticket_id)
            if ticket is None or ticket.customer is None or traces.known_to(connection, ticket_id):
                return None
            return ticket, *self._compare(connection, ticket)

        found = self._database.read(read)
        if found is None:
            return Settled(lambda connection: self._let_page(connection, ticket_id))
        _, trace, related = found
        quiet = bool(job.state.get("quiet"))
        return Settled(lambda connection: self._write(connection, ticket_id, trace, related, quiet=quiet))

    def again(self, connection: Connection, ticket_id: int) -> None:
        """Compare and write in one transaction, as a replay does."""
        ticket = self._engine.ticket(connection, ticket_id)
        if ticket is not None and ticket.customer is not None:
            self._write(connection, ticket_id, *self._compare(connection, ticket), quiet=False)

    def _compare(self, connection: Connection, ticket: Ticket) -> tuple[Trace, Related]:
        trace = trace_of(connection, ticket)
        policy = self._policy(ticket)
        pool = traces.pool(connection, trace, relate.since(trace.at, policy))
        return trace, relate.relate(trace, pool.known, pool.rarity, pool.found, policy)

    def _write(self, connection: Connection, ticket_id: int, trace: Trace, related: Related, *, quiet: bool) -> None:
        ticket = self._engine.ticket(connection, ticket_id, lock=True)
        assert ticket is not None
        assert trace.customer is not None
        # A twin that was related a moment ago was not there when the texts were compared.
        since = relate.since(trace.at, self._policy(ticket))
        for key in (one for one in facts.keys(trace)[:1] if one.startswith(WHOLE)):
            twins = traces.repeated(connection, trace.customer, key, since) if related.decision != "same" else ()
            if twins:
                over = traces.ended(connection, trace.customer, since)
                again = relate.relate(trace, (*twins, *over), policy=self._policy(ticket))
                related = again if again.decision == "same" else related
        traces.keep(connection, ticket_id, trace, wider.signs_of(trace))
        prefix = self._engine.prefixes.get(ticket.desk, "")
        lines = tuple(_NAMED.sub(lambda found: numbers.number_of(int(found[0]), prefix), line) for line in related.why)
        shown = [Suggestion(int(root), _why(root, related)) for root in related.candidates]
        traces.suggest(connection, ticket_id, shown)
        if lines:  # `presa explain` and the page say why it was joined, shown or left alone
            told = [*ticket.evidence, *(f"related: {line}" for line in lines)]
            tickets.update(connection, ticket, evidence=told)
        now = self._database.clock.now()
        if (
            not quiet
            and related.decision == "same"
            and related.root
            and self._may_join(connection, ticket, int(related.root))
        ):
            into = self._engine.ticket(connection, int(related.root))
            assert into is not None
            merging.merge(
                connection,
                self._engine,
                ticket,
                into.number,
                by=BY,
                at=now,
                why=[line for line in lines if not line.startswith("perhaps ")],
            )
        elif not quiet and ticket.state in OPEN:
            wider.notice(connection, self._engine, ticket, trace)
        self._let_page(connection, ticket_id)

    def _policy(self, ticket: Ticket) -> Policy:
        desk = self._engine.settings.desks.get(ticket.desk)
        return desk.relating if desk else Policy()

    def _may_join(self, connection: Connection, ticket: Ticket, root: int) -> bool:
        """May a machine do it? A person may do more."""
        into = self._engine.ticket(connection, root, lock=True)
        if into is None or merging.hindrance(connection, ticket, into) is not None:
            return False
        if ticket.linked == into.id:  # somebody, or the thread, has told the two apart
            return False
        ranks = list(self._engine.desk(ticket.desk).priorities)
        known = ticket.priority in ranks and into.priority in ranks
        return (
            ticket.verified and ticket.state == "new" and known
            and ranks.index(into.priority) <= ranks.index(ticket.priority)
            and (into.via_on_call or not ticket.via_on_call)
        )  # fmt: skip

    def _let_page(self, connection: Connection, ticket_id: int) -> None:
        jobs.hasten(connection, "page", ticket_id, self._database.clock.now())


def trace_of(connection: Connection, ticket: Ticket) -> Trace:
    """What the report that opened a ticket names, from its story."""
    story = tickets.story(connection, ticket.id)
    said = next((entry for entry in story if entry.kind in SAID), None)
    text = str(said.data.get("text") or "") if said else ""
    sender = str(said.data.get("from") or "") if said else ""
    received: datetime = ticket.received_at
    subject = ticket.subject
    if (
        ticket.channel == "phone"
    ):  # what the caller said: typed or spoken, written down by the carrier or from the recording
        spoken = [str(entry.data.get("words") or "") for entry in story if entry.kind == "description"]
        written = [one.transcript for one in recordings.of_tickets(connection, [ticket.id]).values() if one.transcript]
        subject, text = "", "\n".join(filter(None, (*spoken, *written)))
    customer = directory.StoredFinder(connection).by_id(ticket.customer) if ticket.customer else None
    return facts.trace(
        str(ticket.id), received, ticket.channel, ticket.customer, sender or ticket.phone or "", subject, text,
        customer.sites if customer else (),
    )  # fmt: skip


def _why(root: str, related: Related) -> tuple[str, ...]:
    head = f"perhaps {root}: "
    told = tuple(line.removeprefix(head) for line in related.why if line.startswith(head))
    return told or (related.why if root == related.root else ())  # the same, and not joined after all
