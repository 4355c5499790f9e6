"""The duty pages' questions, answered from the store: `gateway.web.duty.DutyBook` for one engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway import locale
from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.oncall import changes as oncall_changes
from gateway.oncall import duty as oncall
from gateway.oncall import figures
from gateway.oncall.changes import Entry
from gateway.paging import news
from gateway.paging.engineers import REASONS
from gateway.paging.news import Said, Wish
from gateway.settings import Settings
from gateway.store import calls, users
from gateway.store import duty as store
from gateway.tickets import work
from gateway.web import duty_chart, duty_figures, feeds, rows
from gateway.web.duty import (
    ChangeRow,
    Day,
    DutyView,
    FeedRow,
    Paged,
    Piece,
    RotaView,
    ShiftChoice,
    Tone,
)
from gateway.web.duty_figures import FiguresView
from gateway.web.views import Choice, File, OnCallView, User
from routing import coverage, numbers, paging
from routing import oncall as duties
from routing.desk import Desk
from routing.oncall import OnCall
from routing.rotas import Rota, first_at, last_at
from routing.tickets import OPEN, Ticket

WEEKS = 4
SWAPS = timedelta(days=56)  # how far ahead shifts are offered for a swap
FAIR_DAYS = 90
FEED_BACK, FEED_AHEAD = timedelta(days=28), timedelta(days=182)
TONES = 8  # colours by which people are told apart, beside their names
DAY = timedelta(days=1)
Gaps = tuple[tuple[datetime, datetime], ...]


class DutyDesk:
    """`DutyBook` over the engine's database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._database = engine.database
        self._base = engine.settings.public_url

    # What there is to see -----------------------------------------------------------------------------------------

    def now_on(self, language: str) -> tuple[OnCallView, ...]:
        now = self._database.clock.now()

        def read(connection: Connection) -> tuple[OnCallView, ...]:
            found = ((desk, oncall.duty(connection, desk, now)) for desk in self._engine.settings.desks.values())
            return tuple(rows.duty(desk, on_call, now, language) for desk, on_call in found if on_call is not None)

        return self._database.read(read)

    def views(self, language: str) -> tuple[DutyView, ...]:
        now = self._database.clock.now()

        def read(connection: Connection) -> tuple[DutyView, ...]:
            desks = self._engine.settings.desks.values()
            return tuple(_view(connection, desk, now, language) for desk in desks if desk.on_call is not None)

        return self._database.read(read)

    def figures(self, month: date | None, language: str) -> FiguresView:
        desks = [one for one in self._engine.settings.desks.values() if one.on_call is not None]
        now = self._database.clock.now()
        first = month or now.astimezone(ZoneInfo(desks[0].zone if desks else "UTC")).date().replace(day=1)

        def read(connection: Connection) -> FiguresView:
            found = (
                duty_figures.of_desk(
                    desk, rows.words(desk.name, language), figures.of_month(connection, desk, first),
                    figures.pages_by_month(connection, desk, first, duty_figures.YEAR),
                )
                for desk in desks
            )  # fmt: skip
            return duty_figures.view(first, tuple(found))

        return self._database.read(read)

    # What a person does ---------------------------------------------------------------------------------------------

    def change(self, desk: str, what: str, by: str, fields: Mapping[str, str], once: str) -> None:
        known, now = self._desk(desk), self._database.clock.now()
        entry = Entry(by, now, fields.get("reason", ""))

        def write(connection: Connection) -> None:
            if users.first_time(connection, once, now):
                _perform(connection, known, what, entry, fields)

        self._database.write(write)

    def open_feed(self, desk: str, person: str, by: str) -> str:
        known, now = self._desk(desk), self._database.clock.now()
        if person and (known.on_call is None or person not in known.on_call.people):
            raise Permanent(f"there is nobody {person!r} on call; choose one of the list")
        _id, secret = self._database.write(lambda c: store.open_feed(c, known.id, person or None, by, now))
        return feed_address(self._base, secret)

    def feed(self, secret: str) -> bytes | None:
        now = self._database.clock.now()
        found = self._database.read(lambda connection: store.feed(connection, secret))
        desk = self._engine.settings.desks.get(found.desk) if found else None
        if found is None or desk is None:
            return None
        if found.used_at is None or now - found.used_at > store.NOTED_EVERY:
            self._database.write(lambda connection: store.feed_used(connection, found.id, now))
        on_call = self._database.read(lambda connection: oncall.duty(connection, desk, now - FEED_BACK))
        return None if on_call is None else calendar_of(desk, on_call, now, found.person, _host(self._base))

    def answer(self, number: str, wish: Wish, user: User, person: str, reason: str, once: str) -> Said:
        now, found = self._database.clock.now(), numbers.ticket_id(number)

        def write(connection: Connection) -> Said:
            ticket = self._engine.ticket(connection, found) if found else None
            pages = calls.pages_of(connection, ticket.id) if ticket else ()
            if ticket is None or not pages or not users.first_time(connection, once, now):
                return "over"
            mine = reader(self._engine.desk(ticket.desk), user)
            if wish == "escalated":
                return news.escalate(connection, self._engine, pages[-1].id, user.name, now, reason)
            if wish == "accepted" and not mine:  # none of the duty's people: the ticket is theirs like any other
                work.perform(connection, self._engine, "take", work.Act(ticket.id, user.name, now, {}))
                return "accepted"
            who = mine or person if wish == "accepted" else person or mine
            return news.answer(
                connection, self._engine, pages[-1].id, who, wish, now, by=f"console, {user.name}", reason=reason
            )[0]

        return self._database.write(write)

    def card(self) -> File:
        return File("presa.vcf", "text/vcard", card_of(self._engine.settings))

    def _desk(self, name: str) -> Desk:
        desk = self._engine.settings.desks.get(name)
        if desk is None or desk.on_call is None:
            raise Permanent("There is no such duty.")
        return desk


def reader(desk: Desk, user: User) -> str:
    """Who of the desk's on-call people this user is; "" for none: by login, or by name."""
    people = desk.on_call.people.values() if desk.on_call else ()
    return next((one.id for one in people if one.id.lower() == user.login or one.name == user.name), "")


def paged(connection: Connection, desk: Desk, ticket: Ticket) -> Paged | None:
    """The ticket's newest page, while there is something to be done about it."""
    stored = next(iter(reversed(calls.pages_of(connection, ticket.id))), None)
    if stored is None or not stored.state or ticket.state not in OPEN:
        return None
    page = paging.from_json(stored.state)
    if page.state == "cancelled":
        return None
    rung = [one for one in page.attempts if one.state in (*paging.LIVE, "told")]
    told = tuple((news.name_of(desk, one.person), paging.outcome(one)) for one in page.attempts)
    return Paged(
        page.state,
        page.started_at,
        news.name_of(desk, page.accepted_by),
        tuple(Choice(one, news.name_of(desk, one)) for one in dict.fromkeys(one.person for one in rung)),
        told,
        tuple(REASONS.values()),
    )


def feed_address(base: str, secret: str) -> str:
    """Where a calendar program reads a feed."""
    return f"{base}/oncall/feeds/{secret}.ics"


def card_of(settings: Settings) -> bytes:
    """The card with the numbers that our calls come from. Raises Permanent where there is no telephone."""
    if settings.carrier is None or not settings.carrier.number:
        raise Permanent("there is no carrier in presa.yaml, so there is no number that pages come from")
    desk = next((one for one in settings.desks.values() if one.on_call), next(iter(settings.desks.values())))
    language = locale.choose(desk.languages, locale.CONSOLE)
    _ = locale.translator(language)
    name = f"Presa · {rows.words(desk.name, language)}"
    return feeds.card(name, (settings.carrier.number,), _host(settings.public_url), _)


def calendar_of(desk: Desk, on_call: OnCall, now: datetime, person: str | None, host: str) -> bytes:
    """Everybody's duty with its gaps, or one person's, around now."""
    language = locale.choose(desk.languages, locale.CONSOLE)
    _ = locale.translator(language)
    label = rows.words(desk.name, language)
    start, end = (now - FEED_BACK).replace(minute=0, second=0, microsecond=0), now + FEED_AHEAD
    found: list[feeds.Event] = []
    for rota in on_call.rotas.values():
        kind = rota.name or rota.id
        for shift in duties.shifts(rota, start, end, on_call.away):
            if person in (None, shift.person):
                name = on_call.people[shift.person].name if shift.person in on_call.people else shift.person
                title = _("On call: %(rota)s") % {"rota": kind} if person else f"{name} · {kind}"
                key = f"{desk.id}\0{rota.id}\0{shift.person}\0{shift.start.isoformat()}"
                found.append(feeds.Event(key, title, label, shift.start, shift.end))
    if person is None:
        needed = coverage.needed(desk, now, end)
        for gap in duties.gaps(on_call, now, end, needed):
            key = f"{desk.id}\0{gap.rota}\0\0{gap.end.isoformat()}"
            found.append(feeds.Event(key, _("NOBODY ON CALL"), label, gap.start, gap.end))
    of = on_call.people[person].name if person and person in on_call.people else label
    return feeds.calendar(f"Presa · {of}", found, host, now.replace(minute=0, second=0, microsecond=0))


def _perform(connection: Connection, desk: Desk, what: str, entry: Entry, fields: Mapping[str, str]) -> None:
    match what:
        case "override":
            start, end = _from(fields["start"], desk), _until(fields["end"], desk)
            oncall_changes.override(
                connection, desk, entry, rota=fields["rota"], person=fields["person"], start=start, end=end
            )
        case "swap":
            (rota, one), (of_other, other) = (_shift_named(fields[name]) for name in ("one", "other"))
            if rota != of_other:
                raise Permanent("the two shifts are of different rotas; choose two of one")
            oncall_changes.swap(connection, desk, entry, rota=rota, one=one, other=other)
        case "absence":
            start, end = _from(fields["start"], desk), _until(fields["end"], desk)
            oncall_changes.absence(
                connection, desk, entry, person=fields["person"], start=start, end=end,
                substitute=fields.get("substitute") or None,
            )  # fmt: skip
        case "undo":
            oncall_changes.take_back(connection, desk, _number(fields["change"]), entry.by, entry.now)
        case _:
            mine = [one.id for one in store.feeds(connection, desk.id)]
            if _number(fields["feed"]) not in mine or not store.close_feed(
                connection, _number(fields["feed"]), entry.now
            ):
                raise Permanent("there is no such calendar any more")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Permanent("that is no number of this list; press its button again")
    return int(text)


def _shift_named(value: str) -> tuple[str, datetime]:
    rota, _, at = value.rpartition(" ")
    try:
        return rota, datetime.fromisoformat(at)
    except ValueError:
        raise Permanent("choose both shifts from the list") from None


def _from(text: str, desk: Desk) -> datetime:
    """The first instant at which the desk's wall clock shows this."""
    return first_at(_wall(text), desk.zone)


def _until(text: str, desk: Desk) -> datetime:
    """The last instant at which it does."""
    return last_at(_wall(text), desk.zone)


def _wall(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None, second=0, microsecond=0)
    except ValueError:
        raise Permanent("a day and a time are needed, such as 2026-12-24 18:00") from None


def _host(base: str) -> str:
    return urlsplit(base).hostname or "localhost"


# Rows to views ------------------------------------------------------------------------------------------------------


def _view(connection: Connection, desk: Desk, now: datetime, language: str) -> DutyView:
    fair = timedelta(days=FAIR_DAYS)
    on_call = oncall.duty(connection, desk, now - fair)
    assert on_call is not None
    names = {person.id: person.name for person in on_call.people.values()}
    tones = {person: index % TONES for index, person in enumerate(on_call.people)}
    entered = [_change_row(one, names) for one in store.changes(connection, desk.id, since=now)]
    return DutyView(
        desk=desk.id,
        name=rows.words(desk.name, language),
        zone=desk.zone,
        troubles=tuple(one.words for one in oncall.troubles(connection, desk, now)),
        rotas=tuple(_weeks(desk, on_call, rota, now, names, tones) for rota in on_call.rotas.values()),
        people=tuple(Choice(person.id, person.name) for person in on_call.people.values()),
        shifts=tuple(_swaps(on_call, now, names)),
        changes=(*entered, *_imported(connection, desk, now, names)),
        feeds=tuple(
            FeedRow(str(one.id), names.get(one.person or "", one.person or ""), one.by, one.at, one.used_at)
            for one in store.feeds(connection, desk.id)
            if one.revoked_at is None
        ),
        charts=duty_chart.charts(oncall.loads(connection, desk, now - fair, now), names),
        days=FAIR_DAYS,
    )


def _weeks(
    desk: Desk, on_call: OnCall, rota: Rota, now: datetime, names: Mapping[str, str], tones: Mapping[str, int]
) -> RotaView:
    """Four weeks from this week's Monday on the desk's wall clock."""
    today = now.astimezone(ZoneInfo(desk.zone)).date()
    monday = today - today.weekday() * DAY
    start, end = _midnight(monday, desk), _midnight(monday + 7 * WEEKS * DAY, desk)
    alone = replace(on_call, rotas={rota.id: rota})
    gaps = [(g.start, g.end) for g in duties.gaps(alone, start, end, coverage.needed(desk, start, end))]
    spans = [
        (s.start, s.end, Piece(None, names.get(s.person, s.person), tones.get(s.person, 0), _tone(s.source)))
        for s in duties.shifts(rota, start, end, on_call.away)
    ]
    spans = [one for one in spans if not any(a <= one[0] and one[1] <= b for a, b in gaps)]  # on duty without a number
    spans += [(a, b, Piece(None, "", 0, "gap")) for a, b in gaps]
    spans.sort(key=lambda one: one[0])
    days = [_day(monday + n * DAY, today, desk, spans) for n in range(7 * WEEKS)]
    return RotaView(rota.id, rota.name or rota.id, tuple(tuple(days[n : n + 7]) for n in range(0, 7 * WEEKS, 7)))


def _day(day: date, today: date, desk: Desk, spans: list[tuple[datetime, datetime, Piece]]) -> Day:
    start, end = _midnight(day, desk), _midnight(day + DAY, desk)
    pieces = tuple(replace(piece, at=None if a <= start else a) for a, b, piece in spans if a < end and start < b)
    return Day(start, "today" if day == today else "past" if day < today else "coming", pieces)


def _midnight(day: date, desk: Desk) -> datetime:
    return first_at(datetime.combine(day, time()), desk.zone)


def _tone(source: str) -> Tone:
    return "override" if source == "override" else "rota"


def _swaps(on_call: OnCall, now: datetime, names: Mapping[str, str]) -> Iterator[ShiftChoice]:
    for rota in on_call.rotas.values():
        for shift in duties.shifts(rota, now, now + SWAPS, on_call.away):
            value, name = f"{rota.id} {shift.start.isoformat()}", names.get(shift.person, shift.person)
            yield ShiftChoice(value, shift.start, shift.end, name, rota.name or rota.id)


def _change_row(change: store.Change, names: Mapping[str, str]) -> ChangeRow:
    stands_in = names.get(change.substitute or "", change.substitute or "")
    return ChangeRow(
        str(change.id), change.kind, names.get(change.person, change.person), change.start_at, change.end_at,
        change.rota or "", stands_in, change.reason, change.by,
    )  # fmt: skip


def _imported(connection: Connection, desk: Desk, now: datetime, names: Mapping[str, str]) -> Iterator[ChangeRow]:
    """What calendars kept elsewhere say of the coming weeks."""
    for calendar in store.calendars(connection, desk.id):
        for person, start, end, title in calendar.spans:
            if end > now:
                name = names.get(person, person)
                yield ChangeRow("", "calendar", name, start, end, calendar.rota, "", title, "")
