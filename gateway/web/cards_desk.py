"""The customers' cards over one engine: the directory, the plans at this hour, and what is stored of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway import locale
from gateway.engine import Engine
from gateway.store import directory, tickets
from gateway.store.directory import StoredFinder
from gateway.store.sight import ALL, Sight
from gateway.web import phrases, rows, why
from gateway.web.cards import Card, Person, Terms
from gateway.web.desk import DeskBackend
from gateway.web.views import Filters
from identity import entitlement, normal
from identity.directory import words_of
from identity.people import Agreement, Customer
from routing import calendars
from routing.calendars import Calendar
from routing.desk import Desk

TICKETS = 20
AHEAD = timedelta(days=8)


class CardDesk:
    """`gateway.web.cards.Cards` for one engine."""

    def __init__(self, engine: Engine, backend: DeskBackend) -> None:
        self._engine = engine
        self._database = engine.database
        self._backend = backend

    def find(self, written: str) -> Sequence[tuple[str, str, str]]:
        def read(connection: Connection) -> Sequence[tuple[str, str, str]]:
            finder = StoredFinder(connection)
            address, phone, host = normal.address(written), normal.phone(written), normal.domain(written.lstrip("@"))
            found = [
                *((finder.by_address(address) or finder.by_domain(normal.host(address))) if address else ()),
                *(finder.by_domain(host) if host else ()),
                *finder.by_code(normal.code_or_alias(written)),
                *(finder.by_phone(phone) if phone else ()),
                *(one for word in words_of(written)[:3] for one in finder.by_word(word)),
            ]
            known = {one.customer.id: one.customer for one in found}
            exact = directory.get(connection, written)
            if exact is not None:
                known = {exact.id: exact}
            return [(one.id, one.name, one.code or "") for one in known.values()]

        return self._database.read(read)

    def listed(self, after: str, limit: int) -> Sequence[tuple[str, str, str]]:
        found = self._database.read(lambda connection: directory.listed(connection, after, limit))
        return [(one.id, one.name, one.code or "") for one in found]

    def card(self, customer: str, language: str, sight: Sight = ALL) -> Card | None:
        found = self._database.read(lambda connection: self._card(connection, customer, language))
        if found is None:
            return None
        wanted = Filters(state="open", customer=customer, language=language, limit=TICKETS, sight=sight)
        return replace(found, tickets=self._backend.tickets(wanted))

    def _card(self, connection: Connection, customer_id: str, language: str) -> Card | None:
        customer = directory.get(connection, customer_id)
        if customer is None:
            return None
        now, say = self._database.clock.now(), locale.translator(language)
        partner = directory.get(connection, customer.partner) if customer.partner else None
        told = tickets.last_evidence(connection, customer.id)
        return Card(
            id=customer.id, name=customer.name, code=customer.code or "", aliases=customer.aliases, domains=customer.domains,
            language=customer.language or "", region=customer.region or "", partner=customer.partner or "",
            partner_name=partner.name if partner else "", serves=directory.served_by(connection, customer.id),
            restrictions=customer.restrictions,
            pins=len(directory.pins_in_force(connection, customer.id, now)),
            terms=tuple(self._terms(customer, now, language)),
            people=tuple(
                Person(
                    one.name, one.emails, tuple(phrases.dialled(number) for number in one.phones), one.authorised,
                    one.end_user, tuple(phrases.label(kind, say) for kind in sorted(one.grants)),
                )
                for one in customer.contacts
            ),
            remembered=directory.remembered(connection, customer.id),
            evidence=tuple(line for line in (told[1] if told else ()) if _is_about_who(line)),
            evidence_at=told[0] if told else None,
        )  # fmt: skip

    def _terms(self, customer: Customer, now: datetime, language: str) -> Iterator[Terms]:
        """Every contract with a desk that is still configured."""
        first = Agreement(customer.desk, customer.plan, customer.add_ons, customer.contract)
        for one in (first, *customer.also):
            desk = self._engine.settings.desks.get(one.desk)
            if desk is not None:
                yield self._one(customer.at(one.desk), desk, now, language)

    def _one(self, customer: Customer, desk: Desk, now: datetime, language: str) -> Terms:
        plan, contract = desk.plans.get(customer.plan), customer.contract
        today = now.astimezone(ZoneInfo(desk.zone)).date()
        name = plan.calendar_by_region.get(customer.region or "", plan.calendar) if plan else ""
        calendar = desk.calendars.get(name)
        is_open, until = _hours(calendar, now) if calendar else (False, None)
        cover = self._engine.settings.covers.get((desk.id, customer.plan))
        channel = min(plan.channels) if plan else "mail"
        reason = entitlement.why_not(customer, None, channel, cover, today=today)
        if reason == "contact-not-registered":  # of a person, not of the contract
            reason = None
        say = locale.translator(language)
        return Terms(
            desk=rows.words(desk.name, language), plan=plan.label if plan else customer.plan,
            add_ons=tuple(desk.plans[one].label if one in desk.plans else one for one in customer.add_ons),
            hours=(rows.words(calendar.label, language) or name) if calendar else "", open=is_open, until=until,
            channels=tuple(phrases.label(one, say) for one in sorted(plan.channels)) if plan else (),
            on_call=", ".join(sorted(plan.on_call.priorities)) if plan and plan.on_call else "",
            starts=str(contract.starts or ""), ends=str(contract.ends or ""),
            why_not=entitlement.in_words(reason, language) if reason else "",
            products=tuple(
                (one.name, "" if one.state == "covered" else entitlement.in_words(one.state, language))
                for one in contract.products
            ),
            manager=contract.manager or "", engineer=contract.engineer or "",
        )  # fmt: skip


def _hours(calendar: Calendar, now: datetime) -> tuple[bool, datetime | None]:
    """(open now, when that changes); None when it does not change within a week, or ever."""
    if not calendars.is_open(calendar, now):
        try:
            return False, calendars.next_opening(calendar, now)
        except ValueError:
            return False, None
    ends = [end for start, end in calendars.open_intervals(calendar, now, now + AHEAD) if start <= now]
    return True, ends[0] if ends and ends[0] < now + AHEAD else None


def _is_about_who(line: str) -> bool:
    return why.ABOUT.get(line.partition(": ")[0], "who") == "who"
