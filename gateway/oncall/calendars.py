"""Reads calendars that are kept elsewhere (iCalendar, RFC 5545) into read-only overrides: a job that comes back.

An event puts the person on duty whom it names: an attendee's or organiser's address that is one of ours, or else its
title, which is a person's id, name or mail. What cannot be understood is a problem that is told, never a guess. A calendar
that cannot be read keeps what it said last. Bounds: only http(s) and files, 15 s and 1 MB, 60 days ahead, daily or slower
repetitions of at most 2,000 events.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx2
import structlog
from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.store import duty as store
from gateway.store import jobs
from gateway.store.duty import Calendar
from gateway.store.jobs import Handler, Job, Settled
from routing.oncall import OnCall

log = structlog.get_logger(__name__)

KIND = "duty-calendars"
EVERY, NEVER = timedelta(minutes=15), timedelta(days=1)
BEFORE, AHEAD = timedelta(days=40), timedelta(days=60)
SECONDS, MOST_BYTES, MOST_EVENTS, MOST_HOPS = 15.0, 1_000_000, 2_000, 3
MOST_DAYS = 20_000
EARLIEST = date(2000, 1, 1)  # a rule is followed from its first day on
FREQUENCIES = frozenset(("DAILY", "WEEKLY", "MONTHLY", "YEARLY"))
FINER = frozenset(("BYHOUR", "BYMINUTE", "BYSECOND"))
Span = tuple[str, datetime, datetime, str]
Fetch = Callable[[str, Path], bytes]


class Unread(Exception):
    """The calendar cannot be read; the words are for people and hold no address."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a calendar says, and what of it could not be understood."""

    spans: tuple[Span, ...]
    problems: tuple[str, ...] = ()


def refresh(engine: Engine, fetch: "Fetch | None" = None) -> Handler:
    """The job's handler."""
    get = fetch or fetched

    def run(job: Job) -> Settled:
        now = engine.database.clock.now()
        wanted = [
            (desk, rota.id, source)
            for desk in engine.settings.desks.values()
            if desk.on_call is not None
            for rota in desk.on_call.rotas.values()
            for source in rota.calendars
        ]
        found: list[tuple[str, Calendar]] = []
        for desk, rota, source in wanted:
            assert desk.on_call is not None
            key = store.source_key(source)
            known = engine.database.read(lambda c, desk=desk: store.calendars(c, desk.id))  # type: ignore[misc]
            before = next(
                (one for one in known if (one.rota, one.source) == (rota, key)), Calendar(rota, key, None, (), ())
            )
            try:
                said = understood(get(source, engine.settings.home), desk.on_call, desk.zone, now)
                after = Calendar(rota, key, now, said.spans, said.problems)
            except Unread as trouble:
                after = replace(before, problems=(f"{trouble}; it holds what it said last",))
            if replace(after, read_at=before.read_at) != before or before.read_at is None:
                found.append((desk.id, after))

        def write(connection: Connection) -> None:
            for desk_id, calendar in found:
                store.keep_calendar(connection, desk_id, calendar)
            jobs.call_up(connection, ("duty-watch", "duty-handoffs"), now)

        return Settled(write if found else None, again=now + (EVERY if wanted else NEVER))

    return run


# Fetching -------------------------------------------------------------------------------------------------------


def fetched(source: str, home: Path) -> bytes:
    """The bytes of a file (relative to the configuration) or of an http(s) address. Raises Unread."""
    if "://" not in source:
        try:
            with (home / source).open("rb") as file:
                return _bounded(iter(lambda: file.read(65_536), b""))
        except OSError as trouble:
            raise Unread(f"the file cannot be read ({trouble.strerror})") from trouble
    try:
        with httpx2.Client(timeout=SECONDS / 3, follow_redirects=False) as client:
            return _over_http(client, source)
    except (httpx2.HTTPError, httpx2.InvalidURL) as trouble:
        raise Unread(f"{_host(source)} does not answer ({type(trouble).__name__})") from trouble


def _over_http(client: httpx2.Client, source: str) -> bytes:
    until = datetime.now(UTC) + timedelta(seconds=SECONDS)
    for _ in range(MOST_HOPS + 1):
        if urlsplit(source).scheme not in ("http", "https"):
            raise Unread("its address is neither http nor https")
        with client.stream("GET", source, headers={"Accept": "text/calendar"}) as answer:
            if answer.has_redirect_location:
                source = str(answer.url.join(answer.headers["location"]))
                continue
            if answer.status_code != 200:
                raise Unread(f"{_host(source)} answers {answer.status_code}")
            return _bounded(answer.iter_bytes(), until)
    raise Unread(f"{_host(source)} sends us round in circles")


def _bounded(pieces: Iterator[bytes], until: datetime | None = None) -> bytes:
    whole = bytearray()
    for piece in pieces:
        whole += piece
        if len(whole) > MOST_BYTES:
            raise Unread(f"it is larger than {MOST_BYTES // 1_000_000} MB")
        if until is not None and datetime.now(UTC) > until:
            raise Unread(f"it takes longer than {SECONDS:g} s")
    return bytes(whole)


def _host(source: str) -> str:
    """Only the host: the rest of such an address is often a secret."""
    return urlsplit(source).hostname or "the address"


# Understanding --------------------------------------------------------------------------------------------------


def understood(raw: bytes, on_call: OnCall, zone: str, now: datetime) -> Read:
    """The overrides of a calendar around `now`, the later in the file winning. Raises Unread."""
    import icalendar  # 0.2 s, for the desks that have such a calendar

    try:
        events: list[Any] = list(icalendar.Calendar.from_ical(raw).walk("VEVENT"))
    except Exception as trouble:  # a parser's edge: whatever it stumbles over is the calendar's fault, and is told
        raise Unread("it is no iCalendar (RFC 5545)") from trouble
    if len(events) > MOST_EVENTS:
        raise Unread(f"it has more than {MOST_EVENTS} events")
    moved = {(str(one.get("UID")), _instant(one["RECURRENCE-ID"].dt, zone)) for one in events if "RECURRENCE-ID" in one}
    names = _names(on_call)
    spans: list[Span] = []
    problems: dict[str, None] = {}
    for event in events:
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        try:
            occurrences = list(_occurrences(event, zone, now, moved))
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as trouble:
            problems[f"the event «{_title(event)}» cannot be understood ({trouble}); write it more simply"] = None
            continue
        person = _person(event, names)
        if person is None and occurrences:
            problems[f"the event «{_title(event)}» names none of the desk's people; use an id, a name or a mail"] = None
            continue
        spans += ((person or "", start, end, _title(event)) for start, end in occurrences)
    if len(spans) > MOST_EVENTS:
        raise Unread(f"it has more than {MOST_EVENTS} events in {AHEAD.days} days")
    return Read(tuple(spans), tuple(problems)[:20])


def _names(on_call: OnCall) -> Mapping[str, str]:
    """What a person may be called in a calendar, in small letters -> their id. A name that two share names nobody."""
    found: dict[str, str] = {}
    for one in on_call.people.values():
        for name in {one.id, one.name, one.reach.get("mail", one.id)}:
            key = name.casefold()
            found[key] = "" if found.get(key, one.id) != one.id else one.id
    return {name: person for name, person in found.items() if person}


def _person(event: Any, names: Mapping[str, str]) -> str | None:
    attendees = event.get("ATTENDEE", [])
    told = [*(attendees if isinstance(attendees, list) else [attendees]), event.get("ORGANIZER", "")]
    addresses = [str(one).casefold().removeprefix("mailto:") for one in told]
    title = _title(event).casefold()
    return next((names[one] for one in (*addresses, title, title.partition(" (")[0].strip()) if one in names), None)


def _title(event: Any) -> str:
    return " ".join(str(event.get("SUMMARY", "")).split())[:200]


def _occurrences(
    event: Any, zone: str, now: datetime, moved: set[tuple[str, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    """[start, end) of every occurrence of this event around now."""
    first = event["DTSTART"].dt
    start = _instant(first, zone)
    length = _length(event, first, zone)
    window = now - BEFORE - length, now + AHEAD
    if length <= timedelta(0):
        return
    once = "RECURRENCE-ID" in event or "RRULE" not in event
    starts = [start] if once else _repeated(event, first, zone, window)
    starts += [_instant(one.dt, zone) for one in _dates(event, "RDATE")]
    gone = {_instant(one.dt, zone) for one in _dates(event, "EXDATE")}
    if "RECURRENCE-ID" not in event:
        gone |= {at for uid, at in moved if uid == str(event.get("UID"))}
    for at in dict.fromkeys(starts):
        if at not in gone and window[0] <= at < window[1]:
            yield at, _plus(at, first, length, zone)


def _repeated(event: Any, first: date | datetime, zone: str, window: tuple[datetime, datetime]) -> list[datetime]:
    """The starts that its rule names, on the wall clock of its own zone."""
    from dateutil.rrule import rrulestr

    rules = event["RRULE"]
    if isinstance(rules, list):
        raise ValueError("several rules of repetition")
    rule = {str(name).upper(): values for name, values in rules.items()}
    frequency = str(rule.get("FREQ", [""])[0]).upper()
    if frequency not in FREQUENCIES or FINER & rule.keys():
        raise ValueError("repeated more often than daily")
    wall = first.replace(tzinfo=None) if isinstance(first, datetime) else datetime.combine(first, time())
    if wall.date() < EARLIEST:
        raise ValueError("a repetition that began before 2000")
    own = _zone_of(first, zone)
    last = window[1].astimezone(own).replace(tzinfo=None)
    if until := rule.pop("UNTIL", None):
        last = min(last, _instant(until[0], zone).astimezone(own).replace(tzinfo=None))
    count = int(_listed(rule.pop("COUNT", MOST_DAYS))[0])
    told = ";".join(f"{name}={','.join(str(one) for one in _listed(values))}" for name, values in rule.items())
    told += f";UNTIL={last:%Y%m%dT%H%M%S}"  # always: a rule that never holds must come to an end
    found = islice(rrulestr(told, dtstart=wall), min(count, MOST_DAYS))
    early = window[0].astimezone(own).replace(tzinfo=None)
    return [_instant(at.replace(tzinfo=own), zone) for at in found if early <= at <= last]


def _listed(values: Any) -> list[Any]:
    return list(values) if isinstance(values, list | tuple) else [values]


def _dates(event: Any, name: str) -> list[Any]:
    lists = event.get(name, [])
    return [one for each in (lists if isinstance(lists, list) else [lists]) for one in each.dts]


def _length(event: Any, first: date | datetime, zone: str) -> timedelta:
    """How long it lasts: on the wall clock for days, by the instants otherwise (RFC 5545 section 3.8.2.5)."""
    if "DTEND" in event:
        end = event["DTEND"].dt
        if isinstance(first, datetime):
            return _instant(end, zone) - _instant(first, zone)
        return timedelta(days=(end - first).days)
    if "DURATION" in event:
        return timedelta(seconds=event["DURATION"].dt.total_seconds())
    return timedelta(0) if isinstance(first, datetime) else timedelta(days=1)


def _plus(at: datetime, first: date | datetime, length: timedelta, zone: str) -> datetime:
    """The end of an occurrence; whole days end at midnight, however long their nights."""
    if isinstance(first, datetime):
        return at + length
    wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) + length
    return wall.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)


def _zone_of(first: date | datetime, zone: str) -> Any:
    return first.tzinfo if isinstance(first, datetime) and first.tzinfo else ZoneInfo(zone)


def _instant(at: date | datetime, zone: str) -> datetime:
    """An instant; a time without a zone, and a day, are of the desk's."""
    if not isinstance(at, datetime):
        at = datetime.combine(at, time())
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
