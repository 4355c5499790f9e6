"""What every door files with: a ticket with its clocks, story and jobs in one transaction, and what later steps need of it.

Calls, the console, the jobs and the mail story all come here, so that a ticket is opened, stamped, taken in charge and
written about in one way. Refuses to judge a report: `routing.decide` has, and to commit: the caller does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.post import compose, signing, tokens
from gateway.post.letter import Content, Letter
from gateway.settings import ConfigError, Settings
from gateway.settings.desk import desk_from
from gateway.store import calls, desks, directory, jobs, tickets, users
from gateway.store.database import Database
from gateway.store.directory import StoredFinder
from gateway.store.jobs import Todo
from gateway.store.tickets import NewEntry
from gateway.tickets import assigning
from identity.people import Recognition
from routing import agenda, precedence, sla
from routing.decide import NOBODY_FITS, Decision
from routing.desk import Desk
from routing.tickets import Ticket, after

log = structlog.get_logger(__name__)

LONGEST_SUBJECT = 300
PAGE_WAITS = timedelta(seconds=2)  # at the most, for a look whether it is a known problem again


class Filing:
    """Tickets of this configuration in this database. `secret` signs reply addresses and Message-IDs."""

    def __init__(self, settings: Settings, database: Database, secret: bytes) -> None:
        self.settings = settings
        self.database = database
        self.secret = secret
        self._signer = signing.signer_of(settings.dkim, settings.secrets.dkim_key, settings.home)
        self._earlier: dict[tuple[str, str], Desk] = {}
        self.prefixes = {desk.id: desk.ticket_prefix for desk in settings.desks.values()}

    def desk(self, desk: str) -> Desk:
        return self.settings.desks[desk]

    def desk_of(self, ticket: Ticket) -> Desk:
        """The configuration that a ticket was stamped with: a change of the desk's file does not move its promises. Today's
        where that one is not kept, or cannot be read any more."""
        today = self.settings.desks[ticket.desk]
        if ticket.desk_version in (None, today.version):
            return today
        found = self._earlier.get((ticket.desk, str(ticket.desk_version)))
        if found is None:
            found = self._earlier[ticket.desk, str(ticket.desk_version)] = self._read_desk(ticket) or today
        return found

    def _read_desk(self, ticket: Ticket) -> Desk | None:
        desk, version = ticket.desk, str(ticket.desk_version)
        source = self.database.read(lambda connection: desks.get(connection, desk, version))
        try:
            return desk_from(source, f"{desk} {version}") if source is not None else None
        except ConfigError as trouble:
            log.warning("desk.version_unreadable", desk=desk, version=version, error=trouble.problems[0])
            return None

    def ticket(self, connection: Connection, ticket_id: int, *, lock: bool = False) -> Ticket | None:
        return tickets.get(connection, ticket_id, self.prefixes, lock=lock)

    def open_ticket(
        self, connection: Connection, desk: Desk, who: Recognition, decision: Decision, evidence: tuple[str, ...], *,
        subject: str, channel: str, received: datetime, contact_address: str | None = None, phone: str | None = None,
        linked: int | None = None, entries: tuple[NewEntry, ...] = (), todo: Sequence[Todo] = (), finder: StoredFinder | None = None,
    ) -> int:  # fmt: skip
        """Step 6 for every door: the ticket, its clocks, its story and its jobs (`todo` besides the clock and the page).

        Returns the ticket's id."""
        stamp = decision.stamp
        due = _first_due(stamp.clocks) if stamp else None
        customer = (finder or StoredFinder(connection)).by_id(who.customer) if who.customer else None
        ticket_id = tickets.insert(connection, {
            "desk": desk.id, "customer": who.customer, "customer_name": customer.name if customer else None,
            "contact": who.contact, "requester": contact_address, "phone": phone, "language": decision.language,
            "subject": shown(subject), "channel": channel, "plan": decision.plan, "base_plan": decision.base_plan, "region": who.region,
            "kind": decision.kind, "priority": decision.priority, "queue": decision.queue, "level": decision.level,
            "state": "new", "verified": who.verified, "via_on_call": decision.via_on_call,
            "received_at": received, "opened_at": received, "linked": linked,
            "next_due": due.due if due else None, "next_target": due.target if due else None,
            "work_order": precedence.place(_work(decision, evidence, received, due), desk).key,
            "clocks": sla.as_json(stamp, desk.zone) if stamp else {}, "evidence": list(evidence),
            "product": decision.product, "restricted": "restricted" in decision.marks or desk.queues[decision.queue].restricted,
            "desk_version": desk.version, "stage": desk.lives[decision.kind].start if decision.kind in desk.lives else None,
        })  # fmt: skip
        tickets.tell(connection, ticket_id, received, *entries)
        if desk.staff or NOBODY_FITS in decision.marks:
            opened = self.ticket(connection, ticket_id, lock=True)
            assert opened is not None
            assigning.arrived(connection, desk, opened, received)
        put_down = list(todo)
        first = agenda.first(desk, stamp) if stamp else None
        if first is not None:
            put_down.append(("clock", first, {}))
        if decision.page:
            # The comparison of texts lets the page go as soon as it is done.
            wait = PAGE_WAITS if any(kind == "relate" for kind, _, _ in put_down) else timedelta()
            put_down.append(("page", received + wait, {"page": calls.open_page(connection, ticket_id, received)}))
        jobs.add_all(connection, put_down, ticket_id, decision.priority)
        return ticket_id

    # Clocks -----------------------------------------------------------------------------------------------------

    def restamp(self, connection: Connection, ticket_id: int) -> None:
        """Count a ticket's clocks again from its original receipt, after a pause, a new priority, a reopening."""
        ticket = self.ticket(connection, ticket_id, lock=True)
        if ticket is None:
            return
        if ticket.plan is not None:
            stamp = self.stamp(ticket)
            due = _first_due([clock for clock in stamp.clocks if clock.target not in ticket.met])
            tickets.update(
                connection, ticket, clocks=sla.as_json(stamp, stamp.zone),
                next_due=due.due if due else None, next_target=due.target if due else None,
            )  # fmt: skip
        self.reorder(connection, ticket_id)
        now = self.database.clock.now()
        if not jobs.hasten(connection, "clock", ticket_id, now, ticket.priority):
            jobs.add(connection, "clock", now, {}, ticket_id, ticket.priority)

    def reorder(self, connection: Connection, ticket_id: int) -> None:
        """Where the ticket stands in the order of work now."""
        ticket = self.ticket(connection, ticket_id, lock=True)
        if ticket is None:
            return
        key = assigning.place(connection, self.desk(ticket.desk), ticket).key
        if key != ticket.work_order:
            tickets.update(connection, ticket, work_order=key)

    def stamp(self, ticket: Ticket, at: datetime | None = None) -> sla.Stamp:
        """A ticket's promises from its receipt, pauses and what was met; `at` gives their state at that instant."""
        assert ticket.plan is not None
        return sla.stamp(
            self.desk_of(ticket), plan=ticket.plan, base_plan=ticket.base_plan, kind=ticket.kind, priority=ticket.priority,  # type: ignore[arg-type]
            received=ticket.received_at, via_on_call=ticket.via_on_call, pauses=[(p.start, p.end) for p in ticket.pauses],
            met=ticket.met, at=at, stopped_at=ticket.resolved_at, region=ticket.region,  # type: ignore[arg-type]
        )  # fmt: skip

    def take(self, connection: Connection, ticket_id: int, name: str, at: datetime) -> None:
        """Somebody takes a ticket in charge: the clock knows."""
        ticket = self.ticket(connection, ticket_id, lock=True)
        if ticket is None or (state := after(ticket.state, "take")) is None:
            return
        met = {"take_charge": at, **ticket.met}
        tickets.update(connection, ticket, state=state, assignee=name, met=met)
        tickets.tell(connection, ticket_id, at, NewEntry("state", name, {"words": f"taken in charge by {name}"}))
        self.restamp(connection, ticket_id)

    # Letters ----------------------------------------------------------------------------------------------------

    def reply_to(self, ticket: Ticket) -> str:
        """The address that adds to this ticket, by its own token."""
        return tokens.reply_address(self.address_of(ticket), ticket.number, self.secret)

    def outgoing_message_id(self, ticket: Ticket, n: int = 1) -> str:
        """The id (without <>) of the n-th mail about this ticket; the first is the acknowledgement."""
        return tokens.message_id(ticket.number, n, self.address_of(ticket).rpartition("@")[2], self.secret)

    def letter(
        self,
        ticket: Ticket,
        content: Content,
        message_id: str,
        now: datetime,
        thread: Mapping[str, Any],
    ) -> Letter:
        """A letter to the ticket's requester. `thread`: in_reply_to and references, to stay in the conversation."""
        assert ticket.requester is not None
        desk = self.desk(ticket.desk)
        return Letter(
            ticket.requester, ticket.language, self.zone_of(ticket), ticket.number, said(desk.name, ticket.language) or desk.id,
            self.address_of(ticket), self.reply_to(ticket), message_id, now, content,
            thread.get("in_reply_to"), tuple(thread.get("references", ())),
        )  # fmt: skip

    def zone_of(self, ticket: Ticket) -> str:
        """The clock that its requester looks at: their own, their company's, that of their region's hours, the desk's."""
        desk, customer = self.desk_of(ticket), ticket.customer
        known = self.database.read(lambda connection: directory.get(connection, customer)) if customer else None
        own = next((one.zone for one in known.contacts if ticket.requester in one.emails), None) if known else None
        plan = desk.plans.get(ticket.plan or "")
        there = desk.calendars.get(plan.calendar_by_region.get(ticket.region or "", "")) if plan else None
        return own or (known and known.zone) or (there.zone if there else desk.zone)

    def written(self, letter: Letter, ticket: Ticket) -> Mapping[str, Any]:
        """A letter ready to be kept (`letters.write`) before it leaves. Composing takes long: do it before a transaction."""
        folders = self.settings.templates.get(ticket.desk, ())
        return {
            "message_id": letter.message_id, "ticket_id": ticket.id, "kind": compose.kind_of(letter.content), "at": letter.date,
            "recipient": letter.to, "envelope_from": compose.envelope_from(letter),
            "subject": compose.subject(letter, folders), "body": self.signed(letter.desk_address, compose.compose(letter, folders)),
        }  # fmt: skip

    def signed(self, address: str, body: bytes) -> bytes:
        """A mail of this address of ours, signed where there is a key for it."""
        return self._signer.sign(body) if self._signer and self._signer.signs_for(address) else body

    def address_of(self, ticket: Ticket) -> str:
        """The desk's own address: the first recipient that belongs to it, and to none of its engineers."""
        ours = [one for one in self.settings.recipients.items() if one[1].desk == ticket.desk]
        return next((address for address, where in ours if where.engineer is None), ours[0][0])


def filing_of(settings: Settings, database: Database) -> Filing:
    """The filing of a command that only looks: no engine, no doors."""
    return Filing(settings, database, secret_of(settings, database))


def secret_of(settings: Settings, database: Database) -> bytes:
    """What signs reply addresses: PRESA_SECRET, else this database's own, the same for every replica."""
    return (settings.secrets.key or database.write(lambda connection: users.secret(connection, "key"))).encode()


def said(words: Mapping[str, str], language: str) -> str:
    """A desk's words in somebody's language, else in English, else in its own."""
    return words.get(language) or words.get("en") or next(iter(words.values()), "")


def shown(subject: str) -> str:
    """A subject in one line of bounded length."""
    return " ".join(subject.split())[:LONGEST_SUBJECT]


def _work(decision: Decision, evidence: tuple[str, ...], received: datetime, due: sla.Clock | None) -> precedence.Work:
    """A new ticket, as far as the order of work asks."""
    signs = precedence.signs_of(evidence)
    return precedence.Work(decision.plan, decision.priority, due.due if due else None, received, signs)


def _first_due(clocks: Sequence[sla.Clock]) -> sla.Clock | None:
    """The clock whose deadline comes first."""
    return min((clock for clock in clocks if clock.due), key=lambda clock: clock.due or clock.start, default=None)
