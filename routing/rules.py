"""A desk's own rules: conditions on the facts of a report, and what follows from them.

A rule only adds: votes for a kind or a priority, marks, facts for later rules and routes, a queue. It takes nothing away, so
rules cannot undo each other and the order in which they stand matters only for what one adds for the next. A condition is a set
of values of which the report must have one; a rule holds when all of its conditions do and none of `unless`. Refuses to know
where the facts come from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Facts = Mapping[str, frozenset[str]]
"""What is known of a report by its name (`plans`, `signs`, `words`, ...): the values that it has."""

LATE = frozenset(("kinds", "priorities"))  # known only once every vote is in
NEARLY = 3  # rules that nearly held and are told


@dataclass(frozen=True, slots=True)
class Rule:
    """`points`: what its vote for a kind or priority weighs; 2 are enough, 3 is what a desk's own words have."""

    name: str
    when: Facts
    unless: Facts = field(default_factory=dict)
    kind: str | None = None
    priority: str | None = None
    points: int = 3
    queue: str | None = None
    marks: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def late(self) -> bool:
        return bool(LATE & (self.when.keys() | self.unless.keys()))


@dataclass(frozen=True, slots=True)
class RuleTest:
    """A report as a desk's file gives it, what is expected of it, and where that stands (file:line:column)."""

    where: str
    report: Mapping[str, str]
    expect: Mapping[str, frozenset[str]]


@dataclass(slots=True)
class Applied:
    """What the rules of one pass came to."""

    fired: list[Rule] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def apply(rules: Iterable[Rule], facts: dict[str, frozenset[str]], *, late: bool) -> Applied:
    """Each rule in turn, those that ask for kinds and priorities `late`; what one adds to the facts is there for the next."""
    done, nearly = Applied(), []
    for rule in rules:
        if rule.late != late:
            continue
        missing = [name for name, wanted in rule.when.items() if not wanted & facts.get(name, frozenset())]
        against = [name for name, wanted in rule.unless.items() if wanted & facts.get(name, frozenset())]
        if not missing and not against:
            done.fired.append(rule)
            done.told.append(f"rule: «{rule.name}» fired: {_why(rule.when, facts)}")
            facts["facts"] = facts.get("facts", frozenset()).union(rule.facts)
            facts["reasons"] = facts.get("reasons", frozenset()).union(rule.marks)
        elif len(missing) + len(against) == 1 and len(rule.when) + len(rule.unless) > 1:
            nearly.append(f"rule: «{rule.name}» nearly: {missed(missing, against, rule.when, rule.unless)}")
    done.told += nearly[:NEARLY]
    return done


def missed(missing: Sequence[str], against: Sequence[str], when: Facts, unless: Facts = {}) -> str:  # noqa: B006 - never written
    """What kept a rule from holding, in words."""
    told = [f"{name} is none of {', '.join(sorted(when[name]))}" for name in missing]
    return "; ".join((*told, *(f"{name} is one of {', '.join(sorted(unless[name]))}" for name in against)))


def _why(when: Facts, facts: Facts) -> str:
    return "; ".join(f"{name} {', '.join(sorted(wanted & facts[name]))}" for name, wanted in when.items()) or "always"
