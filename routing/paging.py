"""One page: the alarm of one ticket, rung down a chain of people until somebody accepts it. Data in, decisions out.

The shell keeps a `Page` in the JSON state of a job and goes round this circle, one transaction for each arrow:

    move = next(page, policy, now)          what to do
    page = record(page, move, now)          the intent is written BEFORE anything is done
    ... does it: rings, asks, waits ...
    page = heard(page, Event(...))          what came of it; webhooks bring the rest (load the page anew first)

Rules: answered is not accepted, only a key is. The next is rung at once when a call ends without acceptance, and after
the link's wait in any case; nobody's call is cut off by that. One attempt is rung once: after a crash the provider is
asked by the attempt's id. A number is never rung while our own call to it lives. When all rounds are used up, `GiveUp`
says so, loudly; a key pressed after that still counts.

This module refuses to call anybody, to keep time, and to judge whether a ticket deserves a page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

from routing.oncall import Link, Policy

State = Literal["intended", "unknown", "placed", "ringing", "answered", "accepted", "passed", "ended", "failed"]
PageState = Literal["open", "accepted", "exhausted", "cancelled"]
What = Literal[
    "placed",  # the provider took the call
    "unknown",  # nobody knows whether it did: a timeout, a lost connection
    "missing",  # asked, the provider has never heard of it
    "asked",  # it was asked just now; what it said, if anything, is an event of its own
    "ringing",
    "answered",
    "pressed",  # a key that decides nothing
    "accepted",  # key 1
    "passed",  # key 3
    "ended",  # with the provider's word: completed, busy, no-answer, failed, canceled
    "failed",  # the provider refused to place it
    "late",  # accepted, but somebody else already has it (made here out of "accepted")
    "over",  # ended, after the page was closed (made here out of "ended")
]

LIVE: tuple[State, ...] = ("intended", "unknown", "placed", "ringing", "answered")
NOT_CALLED = frozenset({"missing", "capped"})  # codes of attempts that never reached a telephone
UNDER_WAY = timedelta(seconds=15)  # so long an order may be on its way; only an older one without news is a crash
LOST = timedelta(seconds=60)  # so long after its time a call without news no longer holds anything up

# The life of one attempt. What is not in the table changes nothing: duplicates, latecomers, the past. States without a
# way out are final. `failed` has one: a key that was overtaken by the provider's "completed" was pressed all the same.
TRANSITIONS: tuple[tuple[tuple[State, ...], What, State], ...] = (
    (("intended",), "unknown", "unknown"),
    (("intended", "unknown"), "placed", "placed"),
    (("intended", "unknown", "placed"), "missing", "failed"),
    (("intended", "unknown", "placed"), "ringing", "ringing"),
    (("intended", "unknown", "placed", "ringing"), "answered", "answered"),
    ((*LIVE, "failed"), "accepted", "accepted"),
    ((*LIVE, "failed"), "passed", "passed"),
    (LIVE, "failed", "failed"),
    (LIVE, "ended", "failed"),
    (LIVE, "over", "ended"),
    (LIVE, "late", "ended"),
)
TABLE: Mapping[tuple[State, What], State] = MappingProxyType(
    {(state, what): to for states, what, to in TRANSITIONS for state in states}
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One ring of one telephone. `placed_at`: when intended; `sequence`: the provider's count of its own news."""

    id: str
    person: str
    number: str
    placed_at: datetime
    round: int
    link: int
    state: State = "intended"
    provider_sid: str | None = None
    provider_code: str | None = None
    sequence: int | None = None
    key: str | None = None
    asked_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The alarm of one ticket. `chain` is as it was when the page began (see `rechain`); `urgent` lifts soft caps."""

    id: str
    ticket: str
    started_at: datetime
    chain: tuple[Link, ...]
    attempts: tuple[Attempt, ...] = ()
    round: int = 0
    state: PageState = "open"
    accepted_by: str | None = None
    closed_at: datetime | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """News of one attempt, from the provider, from the telephone's keys, or from placing the call."""

    attempt: str
    what: What
    at: datetime
    code: str | None = None
    key: str | None = None
    provider_sid: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """Call this number, under this attempt id."""

    person: str
    number: str
    attempt_id: str
    round: int
    link: int


@dataclass(frozen=True, slots=True)
class Skip:
    """Do not call, a cap forbids it: log it, then go on at once."""

    person: str
    number: str
    attempt_id: str
    round: int
    link: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the provider what became of this attempt; tell `heard` "asked" and whatever it says."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`, unless there is news."""

    until: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody accepted. `reason`: "nobody to ring" or "all rounds used up"."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """Accepted (or cancelled: None). `others` still ring or speak: they are told "already taken by"."""

    accepted_by: str | None
    others: tuple[Attempt, ...]


Move = Ring | Skip | Ask | Wait | GiveUp | Done
NO_CALLS: Mapping[str, Sequence[datetime]] = MappingProxyType({})


def next(  # noqa: A001 - it is read as paging.next
    page: Page, policy: Policy, now: datetime, calls: Mapping[str, Sequence[datetime]] = NO_CALLS
) -> Move:
    """What to do now; the same for the same arguments. A ring that is due comes before a question to the provider.

    `calls`: when each number was rung for OTHER pages, as far back as the longest cap.
    """
    live = tuple(attempt for attempt in page.attempts if _is_live(attempt, policy, now))
    if page.state in ("accepted", "cancelled"):
        return Done(page.accepted_by, live)
    if page.state == "exhausted":
        return GiveUp("all rounds used up" if page.attempts else "nobody to ring")
    due, spots = _upcoming(page, policy, now)
    times = [max(due, _free_from(page, page.chain[link].number, policy, now)) for _, link in spots]
    for spot, time in zip(spots, times, strict=True):
        if time <= now:
            return _ring(page, policy, now, spot, calls)
    asks = [(_ask_at(attempt, policy), attempt) for attempt in live]
    for time, attempt in asks:
        if time <= now:
            return Ask(attempt)
    wake = [*times, *(time for time, _ in asks), *(_lost_at(attempt, policy) for attempt in live)]
    if not wake:
        return GiveUp("all rounds used up" if page.attempts else "nobody to ring")
    return Wait(min(wake))


def record(page: Page, move: Move, now: datetime) -> Page:
    """Writes down a move before it is done. A ring decided on another state of the page is a ValueError."""
    if isinstance(move, GiveUp) and page.state == "open":
        return replace(page, state="exhausted", closed_at=now)
    if not isinstance(move, Ring | Skip):
        return page
    if page.state != "open" or move.attempt_id != _new_id(page):
        raise ValueError(f"{move.attempt_id}: the page has moved on since this was decided")
    attempt = Attempt(move.attempt_id, move.person, move.number, now, move.round, move.link)
    if isinstance(move, Skip):
        attempt = replace(attempt, state="failed", provider_code="capped", ended_at=now)
    return replace(page, attempts=(*page.attempts, attempt), round=move.round)


def heard(page: Page, event: Event) -> Page:
    """The page after some news. Duplicates, latecomers and news of unknown attempts change nothing."""
    before = find(page, event.attempt)
    if before is None or _is_old(before, event):
        return page
    closed = page.state in ("accepted", "cancelled")
    what = _CLOSED.get(event.what, event.what) if closed else event.what
    state = TABLE.get((before.state, what), before.state)
    over = what in ("ended", "over") or (state != before.state and state in ("passed", "failed", "ended"))
    code = event.code or ("missing" if what == "missing" else None)
    after = replace(
        before,
        state=state,
        provider_sid=before.provider_sid or event.provider_sid,
        provider_code=before.provider_code or (code if over else None),
        sequence=before.sequence if event.sequence is None else event.sequence,
        key=event.key or before.key,
        asked_at=event.at if what == "asked" else before.asked_at,
        ended_at=before.ended_at or (event.at if over else None),
    )
    attempts = tuple(after if attempt.id == after.id else attempt for attempt in page.attempts)
    page = replace(page, attempts=attempts)
    if state == "accepted" and before.state != "accepted":
        return close(page, event.at, by=after.person)
    return page


def close(page: Page, at: datetime, by: str | None) -> Page:
    """Accepted by somebody (on the telephone, in the console, by mail), or with None: no longer needed."""
    if page.state in ("accepted", "cancelled"):
        return page
    return replace(page, state="accepted" if by else "cancelled", accepted_by=by, closed_at=at)


def rechain(page: Page, chain: Sequence[Link]) -> Page:
    """Goes on with another chain, when an override started in mid-page: those rung in this round are not rung again."""
    now = [attempt for attempt in page.attempts if attempt.round == page.round]
    rung = {a.person: page.chain[a.link] for a in now}
    people = list(rung)
    attempts = tuple(replace(a, link=people.index(a.person)) if a in now else a for a in page.attempts)
    fresh = (link for link in chain if link.person not in rung)
    return replace(page, chain=(*rung.values(), *fresh), attempts=attempts)


def find(page: Page, attempt_id: str) -> Attempt | None:
    """The attempt with this id."""
    return {attempt.id: attempt for attempt in page.attempts}.get(attempt_id)


def outcome(attempt: Attempt) -> str:
    """What came of an attempt, as a word for people's reports: its state, or why it failed."""
    if attempt.state != "failed":
        return attempt.state
    if attempt.provider_code in ("completed", None):
        return "not accepted" if attempt.key else "likely voicemail"
    return attempt.provider_code


def to_json(page: Page) -> dict[str, Any]:
    """The page as plain JSON values; instants as ISO 8601."""
    plain: dict[str, Any] = _plain(asdict(page))
    return plain


def from_json(data: Mapping[str, Any]) -> Page:
    """The page that `to_json` wrote."""
    attempts = tuple(Attempt(**_instants(a)) for a in data["attempts"])
    chain = tuple(Link(**link) for link in data["chain"])
    return Page(**{**_instants(data), "attempts": attempts, "chain": chain})


def diagram() -> str:
    """The life of an attempt as a Mermaid state diagram, from the table."""
    lines = ["stateDiagram-v2", "    [*] --> intended"]
    lines += [f"    {state} --> {to}: {what}" for states, what, to in TRANSITIONS for state in states]
    lines += [f"    {state} --> [*]" for state in ("accepted", "passed", "ended", "failed")]
    return "\n".join(lines) + "\n"


_CLOSED: Mapping[What, What] = MappingProxyType({"accepted": "late", "ended": "over"})
_INSTANTS = ("started_at", "closed_at", "placed_at", "asked_at", "ended_at")


def _upcoming(page: Page, policy: Policy, now: datetime) -> tuple[datetime, list[tuple[int, int]]]:
    """From when the next is rung, and whom then: places as (round, link), the first whose telephone is free."""
    every = range(len(page.chain))
    if len(page.attempts) >= policy.max_attempts:
        return now, []
    if not page.attempts:
        return now, [(0, link) for link in every]
    last = page.attempts[-1]
    same = [a for a in page.attempts if (a.round, a.link) == (last.round, last.link)]
    wait_over = same[0].placed_at + timedelta(seconds=page.chain[last.link].wait_seconds)
    lives = _is_live(last, policy, now)
    redial = _redial_at(page, policy, same)
    if not lives and redial and max(now, redial) < wait_over:
        return redial, [(last.round, last.link)]
    spots = [(page.round, link) for link in every if not _is_used(page, link)]
    if not spots and page.round < policy.repeat:
        spots = [(page.round + 1, link) for link in every]
    return (wait_over if lives else now), spots


def _redial_at(page: Page, policy: Policy, same: Sequence[Attempt]) -> datetime | None:
    """When the person of these attempts is rung once more, if a redial is left."""
    last = same[-1]
    called = [attempt for attempt in same if attempt.provider_code not in NOT_CALLED]
    if last.state != "failed" or last.ended_at is None or not 0 < len(called) <= page.chain[last.link].redials:
        return None
    return last.ended_at + timedelta(seconds=policy.redial_seconds)


def _is_used(page: Page, link: int) -> bool:
    """Whether this link has had its turn in this round. A call that never was placed may be tried once more."""
    codes = [a.provider_code for a in page.attempts if (a.round, a.link) == (page.round, link)]
    return len(codes) > 1 or any(code != "missing" for code in codes)


def _free_from(page: Page, number: str, policy: Policy, now: datetime) -> datetime:
    """From when a number may be rung: not while a call of this page to it lives, nor too soon after it."""
    rest = timedelta(seconds=policy.redial_seconds)
    calls = [a for a in page.attempts if a.number == number and a.provider_code not in NOT_CALLED]
    ends = [
        _lost_at(a, policy) if _is_live(a, policy, now) else (a.ended_at or _lost_at(a, policy)) + rest for a in calls
    ]
    return max(ends, default=now)


def _ring(
    page: Page, policy: Policy, now: datetime, spot: tuple[int, int], calls: Mapping[str, Sequence[datetime]]
) -> Ring | Skip:
    link = page.chain[spot[1]]
    own = [a.placed_at for a in page.attempts if a.number == link.number and a.provider_code not in NOT_CALLED]
    rung = [*own, *calls.get(link.number, ())]
    for cap in policy.caps:
        recent = sum(at > now - timedelta(seconds=cap.seconds) for at in rung)
        if recent >= cap.calls and (cap.hard or not page.urgent):
            reason = f"{recent} calls in {cap.seconds} s"
            return Skip(link.person, link.number, _new_id(page), *spot, reason)
    return Ring(link.person, link.number, _new_id(page), *spot)


def _new_id(page: Page) -> str:
    return f"{page.id}-{len(page.attempts) + 1}"


def _is_live(attempt: Attempt, policy: Policy, now: datetime) -> bool:
    return attempt.state in LIVE and now < _lost_at(attempt, policy)


def _expected_end(attempt: Attempt, policy: Policy) -> datetime:
    talk = policy.call_seconds if attempt.state == "answered" else 0
    return attempt.placed_at + timedelta(seconds=policy.ring_seconds + talk)


def _lost_at(attempt: Attempt, policy: Policy) -> datetime:
    return _expected_end(attempt, policy) + LOST


def _ask_at(attempt: Attempt, policy: Policy) -> datetime:
    """When the provider is asked: about an intent once nobody can still be ordering it, else when the end is overdue."""
    pause = timedelta(seconds=policy.ask_seconds)
    if attempt.asked_at:
        again = attempt.asked_at + pause
        return again if attempt.state in ("intended", "unknown") else max(again, _expected_end(attempt, policy) + pause)
    if attempt.state == "intended":
        return attempt.placed_at + UNDER_WAY
    return (attempt.placed_at if attempt.state == "unknown" else _expected_end(attempt, policy)) + pause


def _is_old(attempt: Attempt, event: Event) -> bool:
    return event.sequence is not None and attempt.sequence is not None and event.sequence <= attempt.sequence


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple | list) else value


def _instants(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: datetime.fromisoformat(v) if k in _INSTANTS and v else v for k, v in data.items()}
