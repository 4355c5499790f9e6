"""What it means that a mail was sent to this address of ours, or to several.

One mail is one report however many of our addresses it names and however often it comes: one ticket with one clock, in the
queue of each of them. Only addresses that the configuration keeps apart get a ticket each. Refuses to route: a desk's rules
and the address's own queue do.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from gateway.settings.mail_door import Recipient
from gateway.store import queues, tickets
from gateway.store.queues import Further
from gateway.store.tickets import NewEntry
from identity import normal
from routing import decide, rotas
from routing.desk import Desk
from routing.oncall import OnCall
from routing.tickets import Ticket

GROUP = ":"  # between a delivery key and the group of addresses that it is the key for


@dataclass(frozen=True, slots=True)
class House:
    """Our addresses and desks."""

    recipients: Mapping[str, Recipient]
    desks: Mapping[str, Desk]

    def known(self, address: str) -> str | None:
        """Our recipient behind an envelope address, without its tag."""
        known = normal.address(address)
        if known is None:
            return None
        local, _, host = known.rpartition("@")
        plain = f"{local.partition('+')[0]}@{host}"
        return next((one for one in (known, plain) if one in self.recipients), None)

    def first(self, rcpt: Sequence[str]) -> Recipient | None:
        """What the first of our addresses says; None when none is ours (a file that was handed in)."""
        return next((self.recipients[one] for address in rcpt if (one := self.known(address))), None)

    def engineer(self, recipient: Recipient, duty: OnCall | None, at: datetime) -> str | None:
        """The name of the engineer whose own address it is; while they are away, with who stands in for them."""
        person = duty.people.get(recipient.engineer or "") if duty else None
        if duty is None or person is None:
            return None
        now = rotas.present((person.id, "rota"), at, duty.away)
        if now and now[0] == person.id:
            return person.name
        stands_in = duty.people.get(now[0]) if now else None
        return f"{person.name} (away; {stands_in.name if stands_in else 'nobody'} stands in)"

    def apart(self, rcpt: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """The recipients by the groups that are kept apart; nearly always one group."""
        groups: dict[int, list[str]] = {}
        for address in rcpt:
            found = self.recipients.get(self.known(address) or "")
            groups.setdefault(found.group if found else 0, []).append(address)
        return tuple(map(tuple, groups.values())) or ((),)

    def key(self, key: str, rcpt: Sequence[str]) -> str:
        """The delivery key of a mail for these recipients, who are of one group."""
        first, plain = self.first(rcpt), key.partition(GROUP)[0]
        return f"{plain}{GROUP}{first.group}" if first and first.group else plain

    def further(self, addresses: Sequence[str], ticket: Ticket) -> Iterator[Further]:
        """The queues besides the ticket's own that these addresses put it into. A tag names a ticket, not a queue."""
        marks = tuple(line.removeprefix("mark: ") for line in ticket.evidence if line.startswith("mark: "))
        for address in dict.fromkeys(filter(None, (self.known(one) for one in addresses if "+" not in one))):
            recipient = self.recipients[address]
            desk = self.desks[recipient.desk]
            plan = ticket.plan if desk.id == ticket.desk else None
            queue = recipient.queue or decide.queue_by_rules(desk, ticket.kind, ticket.priority, plan, marks)
            if (desk.id, queue) != (ticket.desk, ticket.queue):
                yield Further(desk.id, queue, address)


def link(connection: Connection, ticket: Ticket, further: Iterator[Further], received: datetime) -> None:
    """Put the ticket into further queues, and tell its story."""
    for one in further:
        if queues.link(connection, ticket.id, one, received):
            words = f"also sent to {one.address}: in the queue {one.queue} too"
            tickets.tell(connection, ticket.id, received, NewEntry("state", "presa", {"words": words}))
