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
from dataclasses import fields, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from routing.oncall import PHONE, Link, Policy
from routing.paging_values import (
    BUNDLE_ASK,
    LIVE,
    LOST,
    NOT_CALLED,
    TABLE,
    TRANSITIONS,
    UNDER_WAY,
    Ask,
    Attempt,
    Done,
    Event,
    GiveUp,
    Join,
    Move,
    Page,
    PageState,
    Ring,
    Skip,
    State,
    Tell,
    Wait,
    What,
)

__all__ = [
    "BUNDLE_ASK",
    "LIVE",
    "LOST",
    "NOT_CALLED",
    "TABLE",
    "TRANSITIONS",
    "UNDER_WAY",
    "Ask",
    "Attempt",
    "Done",
    "Event",
    "GiveUp",
    "Join",
    "Move",
    "Page",
    "PageState",
    "Ring",
    "Skip",
    "State",
    "Tell",
    "Wait",
    "What",
    "close",
    "diagram",
    "find",
    "from_json",
    "heard",
    "next",
    "outcome",
    "push",
    "rechain",
    "record",
    "to_json",
]

NO_CALLS: Mapping[str, Sequence[datetime]] = MappingProxyType({})


def next(  # noqa: A001 - it is read as paging.next
    page: Page, policy: Policy, now: datetime, calls: Mapping[str, Sequence[datetime]] = NO_CALLS
) -> Move:
    """What to do now; the same for the same arguments. A ring that is due comes before a question to the provider. A closed
    page rings nobody; it is done when it is known what became of the calls that were under way.

    `calls`: when each number was rung for OTHER pages, as far back as the longest cap.
    """
    live = tuple(attempt for attempt in page.attempts if _is_live(attempt, policy, now))
    closed = page.state in ("accepted", "cancelled")
    if closed and not live:
        return Done(page.accepted_by)
    if page.state == "exhausted":
        return GiveUp("all rounds used up" if page.attempts else "nobody to ring")
    due, spots = (now, []) if closed else _upcoming(page, policy, now, calls)
    times = [max(due, _free_from(page, page.chain[link].number, policy, now)) for _, link in spots]
    for spot, time in zip(spots, times, strict=True):
        if time <= now:
            return _turn(page, policy, now, spot, calls)
    asks = [(_ask_at(attempt, policy), attempt) for attempt in live]
    for time, attempt in asks:
        if time <= now:
            return Ask(attempt)
    wake = [*times, *(time for time, _ in asks), *(_lost_at(attempt, policy) for attempt in live)]
    wake += [due] if due > now else []
    if not wake:
        return GiveUp("all rounds used up" if page.attempts else "nobody to ring")
    return Wait(min(wake))


def record(page: Page, move: Move, now: datetime) -> Page:
    """Writes down a move before it is done. A ring decided on another state of the page is a ValueError."""
    if isinstance(move, GiveUp) and page.state == "open":
        return replace(page, state="exhausted", closed_at=now)
    if not isinstance(move, Ring | Skip | Tell | Join):
        return page
    if page.state != "open" or move.attempt_id != _new_id(page):
        raise ValueError(f"{move.attempt_id}: the page has moved on since this was decided")
    attempt = Attempt(move.attempt_id, move.person, move.number, now, move.round, move.link)
    if isinstance(move, Skip):
        attempt = replace(attempt, state="failed", provider_code="capped", ended_at=now, rung=False)
    if isinstance(move, Tell):
        attempt = replace(attempt, state="told", rung=False)
    if isinstance(move, Join):
        attempt = replace(attempt, state="placed", rung=False, bundle=move.bundle)
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
        reason=event.reason or before.reason,
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


def push(page: Page, at: datetime) -> Page:
    """The next is rung now, whoever else is being rung; nobody's call is cut off by that."""
    return replace(page, pushed_at=at) if page.state == "open" else page


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
    return _plain(page)


def from_json(data: Mapping[str, Any]) -> Page:
    """The page that `to_json` wrote."""
    attempts = tuple(Attempt(**_instants(a)) for a in data["attempts"])
    chain = tuple(Link(**{**link, "channels": tuple(link.get("channels", PHONE))}) for link in data["chain"])
    planned = tuple(data.get("planned", ()))
    return Page(**{**_instants(data), "attempts": attempts, "chain": chain, "planned": planned})


def diagram() -> str:
    """The life of an attempt as a Mermaid state diagram, from the table."""
    lines = ["stateDiagram-v2", "    [*] --> intended"]
    lines += [f"    {state} --> {to}: {what}" for states, what, to in TRANSITIONS for state in states]
    lines += [f"    {state} --> [*]" for state in ("accepted", "passed", "ended", "failed")]
    return "\n".join(lines) + "\n"


_CLOSED: Mapping[What, What] = MappingProxyType({"accepted": "late", "ended": "over"})
_INSTANTS = ("started_at", "closed_at", "pushed_at", "placed_at", "asked_at", "ended_at")


def _upcoming(
    page: Page, policy: Policy, now: datetime, calls: Mapping[str, Sequence[datetime]]
) -> tuple[datetime, list[tuple[int, int]]]:
    """From when the next is rung, and whom then: places as (round, link), the first whose telephone is free."""
    every = range(len(page.chain))
    if len(page.attempts) >= policy.max_attempts:
        return now, []
    if not page.attempts:
        return now, [(0, link) for link in every]
    last = page.attempts[-1]
    same = [a for a in page.attempts if (a.round, a.link) == (last.round, last.link)]
    wait_over = same[0].placed_at + timedelta(seconds=page.chain[last.link].wait_seconds)
    pushed = page.pushed_at is not None and page.pushed_at > last.placed_at
    lives = (_is_live(last, policy, now) or last.state == "told") and not pushed
    redial = None if _capped(page, policy, now, last.number, calls) else _redial_at(page, policy, same)
    if not lives and not pushed and redial and max(now, redial) < wait_over:
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
    calls = [a for a in page.attempts if a.number == number and _reached(a)]
    ends = [
        _lost_at(a, policy) if _is_live(a, policy, now) else (a.ended_at or _lost_at(a, policy)) + rest for a in calls
    ]
    return max(ends, default=now)


def _turn(
    page: Page, policy: Policy, now: datetime, spot: tuple[int, int], calls: Mapping[str, Sequence[datetime]]
) -> Ring | Skip | Tell:
    link = page.chain[spot[1]]
    if "phone" not in link.channels:
        return Tell(link.person, link.number, _new_id(page), *spot)
    reason = _capped(page, policy, now, link.number, calls)
    if reason:
        return Skip(link.person, link.number, _new_id(page), *spot, reason)
    return Ring(link.person, link.number, _new_id(page), *spot)


def _capped(
    page: Page, policy: Policy, now: datetime, number: str, calls: Mapping[str, Sequence[datetime]]
) -> str | None:
    """The cap that forbids to ring this number now, None when none does."""
    own = [a.placed_at for a in page.attempts if a.number == number and a.rung and a.provider_code not in NOT_CALLED]
    rung = [*own, *calls.get(number, ())]
    for cap in policy.caps:
        recent = sum(at > now - timedelta(seconds=cap.seconds) for at in rung)
        if recent >= cap.calls and (cap.hard or not page.urgent):
            return f"{recent} calls in {cap.seconds} s"
    return None


def _reached(attempt: Attempt) -> bool:
    """Whether the telephone of this attempt rang, or may ring."""
    return attempt.provider_code not in NOT_CALLED and (attempt.rung or attempt.bundle is not None)


def _new_id(page: Page) -> str:
    return f"{page.id}-{len(page.attempts) + 1}"


def _is_live(attempt: Attempt, policy: Policy, now: datetime) -> bool:
    return attempt.state in LIVE and now < _lost_at(attempt, policy)


def _expected_end(attempt: Attempt, policy: Policy) -> datetime:
    talk = policy.call_seconds if attempt.state == "answered" else 0
    return attempt.placed_at + timedelta(seconds=policy.ring_seconds + talk)


def _lost_at(attempt: Attempt, policy: Policy) -> datetime:
    """When a call without news no longer holds anything up."""
    return _expected_end(attempt, policy) + LOST


def _ask_at(attempt: Attempt, policy: Policy) -> datetime:
    """When the provider is asked: about an intent once nobody can still be ordering it, else when the end is overdue."""
    pause = timedelta(seconds=policy.ask_seconds)
    if attempt.bundle is not None:
        return (attempt.asked_at or attempt.placed_at) + BUNDLE_ASK
    if attempt.asked_at:
        again = attempt.asked_at + pause
        return again if attempt.state in ("intended", "unknown") else max(again, _expected_end(attempt, policy) + pause)
    if attempt.state == "intended":
        return attempt.placed_at + UNDER_WAY
    return (attempt.placed_at if attempt.state == "unknown" else _expected_end(attempt, policy)) + pause


def _is_old(attempt: Attempt, event: Event) -> bool:
    return event.sequence is not None and attempt.sequence is not None and event.sequence <= attempt.sequence


_SLOTS: Mapping[type, tuple[str, ...]] = MappingProxyType(
    {kind: tuple(one.name for one in fields(kind)) for kind in (Page, Attempt, Link)}
)


def _plain(value: Page | Attempt | Link) -> dict[str, Any]:
    """`dataclasses.asdict` for what a page is made of, twenty times as fast: it is written at every step."""
    found = {name: getattr(value, name) for name in _SLOTS[type(value)]}
    for name, one in found.items():
        if isinstance(one, datetime):
            found[name] = one.isoformat()
        elif isinstance(one, tuple):
            found[name] = [_plain(inner) if type(inner) in _SLOTS else inner for inner in one]
    return found


def _instants(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: datetime.fromisoformat(v) if k in _INSTANTS and v else v for k, v in data.items()}
