"""A page told afterwards: every attempt with what the provider said, the time to an acceptance, who slept through; and what
a month of pages comes to. Refuses to ask for anything: pages in, words and figures out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from statistics import median

from routing.paging import Attempt, Page, outcome

SLEPT = frozenset({"no-answer", "likely voicemail"})


@dataclass(slots=True)
class Figures:
    """What came to one person (or all) in a span of time. `nights`, `weekends`: pages that began then. Times in seconds."""

    pages: int = 0
    rung: int = 0
    accepted: int = 0
    passed: int = 0
    slept: int = 0
    exhausted: int = 0
    nights: int = 0
    weekends: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def middle(self) -> float | None:
        """The median time to an acceptance."""
        return median(self.seconds) if self.seconds else None


def lines(page: Page, names: Mapping[str, str], zone: tzinfo) -> tuple[str, ...]:
    """The report: one line that sums it up, then one for each attempt."""
    told = [_line(one, names, zone) for one in page.attempts]
    asleep = list(dict.fromkeys(names.get(one.person, one.person) for one in page.attempts if outcome(one) in SLEPT))
    more = f"; did not wake: {', '.join(asleep)}" if asleep else ""
    return (f"page: {_end(page, names)}; {len(page.attempts)} attempts{more}", *told)


def _end(page: Page, names: Mapping[str, str]) -> str:
    if page.state == "accepted":
        who = names.get(page.accepted_by or "", page.accepted_by or "somebody")
        return f"accepted by {who} after {span(to_accept(page) or 0)}"
    if page.state == "exhausted":
        return "nobody accepted"
    return "not needed any more" if page.state == "cancelled" else "still open"


def _line(one: Attempt, names: Mapping[str, str], zone: tzinfo) -> str:
    """One attempt: when, who, what came of it, and the provider's own words."""
    said = [outcome(one)]
    said += [f"carrier: {one.provider_code}"] if one.provider_code and one.provider_code != said[0] else []
    said += [f"call {one.provider_sid}"] if one.provider_sid else []
    said += ["written to, not rung"] if not one.rung and one.bundle is None and one.provider_code != "capped" else []
    said += [f"in the call of {one.bundle}"] if one.bundle else []
    said += [f"key {one.key}"] if one.key else []
    said += [f"reason: {one.reason}"] if one.reason else []
    said += [f"over after {span((one.ended_at - one.placed_at).total_seconds())}"] if one.ended_at else []
    at = one.placed_at.astimezone(zone)
    return f"{at:%H:%M:%S}  {names.get(one.person, one.person)}, round {one.round + 1}: {', '.join(said)}"


def to_accept(page: Page) -> float | None:
    """Seconds from the first intent to the acceptance."""
    return (page.closed_at - page.started_at).total_seconds() if page.state == "accepted" and page.closed_at else None


def span(seconds: float) -> str:
    """95 -> "1 min 35 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def month(pages: Iterable[Page], zone: tzinfo) -> Mapping[str, Figures]:
    """Figures by person, and under "" those of all pages."""
    found: dict[str, Figures] = {"": Figures()}
    for page in pages:
        took, local = to_accept(page), page.started_at.astimezone(zone)
        for who in {"", *(one.person for one in page.attempts)}:
            mine = [one for one in page.attempts if who in ("", one.person)]
            theirs = found.setdefault(who, Figures())
            theirs.pages += 1
            theirs.nights += _is_night(local)
            theirs.weekends += local.weekday() >= 5
            theirs.rung += sum(one.rung for one in mine)
            theirs.passed += sum(one.state == "passed" for one in mine)
            theirs.slept += sum(outcome(one) in SLEPT for one in mine)
            theirs.exhausted += page.state == "exhausted"
            if page.state == "accepted" and who in ("", page.accepted_by):
                theirs.accepted += 1
                theirs.seconds += [took] if took is not None else []
    return found


def _is_night(local: datetime) -> bool:
    return local.hour >= 22 or local.hour < 7
