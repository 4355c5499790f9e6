"""What a desk has promised and how it works, as frozen values.

Read by every decision; built once, at start, by ``gateway.settings.desk`` from a desk's YAML file, which also checks
that every reference holds. Refuses to decide anything, to read files and to know any desk by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from routing.calendars import Calendar
from routing.relate_policy import Policy
from routing.rules import Rule, RuleTest

if TYPE_CHECKING:
    from routing.oncall import OnCall

Kind = Literal["incident", "fulfilment", "information", "access", "change", "problem", "intervention", "event"]
Target = Literal["notify", "take_charge", "triage", "technical_contact", "resolution", "execution", "analysis"]
Unit = Literal["solar", "business", "days", "best_effort"]
Channel = Literal["mail", "phone", "portal", "chat", "event"]
Precedence = Literal["plan", "critical", "deadline"]
Assignment = Literal["pull", "round-robin", "least-loaded"]
Ask = Literal["example", "context", "configuration", "steps", "account", "service", "customer_code"]
Command = Literal["priority", "kind", "impact", "urgency"]
NumberType = Literal["fixed_line", "mobile"]
DaysFrom = Literal["opening", "receipt"]

KINDS: tuple[Kind, ...] = get_args(Kind)
TARGETS: tuple[Target, ...] = get_args(Target)

Words = Mapping[str, str]
"""Language code -> words for people."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long something may take: seconds for ``solar`` and ``business``, whole business days for ``days``,
    0 for ``best_effort`` (a clock that shows age and has no deadline)."""

    unit: Unit
    amount: int = 0


Targets = Mapping[tuple[Kind, str], Mapping[Target, Allowance]]
"""(kind, priority) -> target -> allowance; a target that is not there is not in the plan (N/A)."""


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """Who is told when a ticket is still open after the allowance."""

    to: str
    after: Allowance


@dataclass(frozen=True, slots=True)
class OnCallRule:
    """A plan's right to the out-of-hours duty.

    ``outside`` names the calendar whose closed hours are the duty's hours. ``pages_by`` are the channels whose
    verified reports page; ``priorities`` those that do. ``maintenance``: planned maintenance may be asked for too."""

    outside: str
    priorities: frozenset[str]
    pages_by: frozenset[Channel] = frozenset({"phone"})
    kinds: frozenset[Kind] = frozenset({"incident"})
    languages: tuple[str, ...] = ()
    excluded_regions: frozenset[str] = frozenset()
    maintenance: bool = False
    pin: bool = True
    end_users: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan of a desk.

    ``calendar`` is where business allowances and days run (``calendar_by_region`` where the customer's region says
    otherwise). ``scope``: words of a report that an add-on is for. ``on_call_targets`` replace targets of a report that
    came through on-call, ``out_of_hours_targets``
    those of one that came while the calendar was closed. ``substitutes``: a priority the plan does not have -> the one
    it is treated as, and marked. An add-on stands over ``stands_on`` when no base plan is named. ``updates``: cadence
    of news to the customer. ``escalations``: priority -> steps. Lower ``precedence`` goes first in a queue. ``highest``:
    words alone never give a report a more urgent priority than this."""

    id: str
    label: str
    calendar: str
    channels: frozenset[Channel]
    targets: Targets = field(default_factory=dict)
    on_call_targets: Targets = field(default_factory=dict)
    out_of_hours_targets: Targets = field(default_factory=dict)
    updates: Mapping[tuple[Kind, str], Allowance] = field(default_factory=dict)
    escalations: Mapping[str, tuple[EscalationStep, ...]] = field(default_factory=dict)
    substitutes: Mapping[tuple[Kind, str], str] = field(default_factory=dict)
    on_call: OnCallRule | None = None
    precedence: int = 0
    add_on: bool = False
    stands_on: str | None = None
    calendar_by_region: Mapping[str, str] = field(default_factory=dict)
    features: frozenset[str] = frozenset()
    scope: tuple[str, ...] = ()
    highest: str | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """A tier of support; tickets climb to the next one in the desk's order."""

    id: str
    label: Words


@dataclass(frozen=True, slots=True)
class Queue:
    """Where tickets wait. ``served_by``: the teams or roles that look at it; ``hours``: the calendar in which they do
    (``24x7`` for always). ``assign``: whether people take tickets or get them in turn or by load. ``skills``: what whoever
    gets one must know. ``restricted``: nobody outside its teams may get its tickets."""

    id: str
    label: Words
    level: str | None
    served_by: tuple[str, ...]
    hours: str
    assign: Assignment = "pull"
    skills: tuple[str, ...] = ()
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who can be given tickets; ``id`` is their login. ``customers``: of whom they are the named engineer, and
    ``substitute`` is asked first when they are away. ``regions`` and ``products`` empty: all; ``languages`` empty: the desk's."""

    id: str
    name: str
    teams: frozenset[str]
    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    customers: frozenset[str] = frozenset()
    substitute: str | None = None
    most: int | None = None
    products: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Route:
    """To which queue; the first route whose every non-empty condition holds wins, else the desk's fallback queue.
    ``reasons`` are marks of a report such as ``expired`` or ``channel-not-in-plan``, ``facts`` what the desk's rules found."""

    queue: str
    kinds: frozenset[Kind] = frozenset()
    priorities: frozenset[str] = frozenset()
    plans: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WordRule:
    """Words in a report (lower case, whole words) that speak for a priority, a kind, or both, with how many points (2 are
    enough). The most urgent priority that has enough wins; never above what the plan allows."""

    words: tuple[str, ...]
    priority: str | None = None
    kind: Kind | None = None
    points: int = 3


@dataclass(frozen=True, slots=True)
class EventRule:
    """A monitoring event that opens a ticket by itself: any of ``words`` in the alarm names it."""

    id: str
    label: Words
    words: tuple[str, ...]
    priority: str


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """Which numbers may be called back: ISO countries (a number without a country's prefix is of the first), number types, and
    caps an hour and a day.

    ``costs``: prefix -> hundredths a minute, the longest prefix that fits counts; ``money_per_day`` is the desk's cap on
    their sum, each call taken for ``minutes``. A request is tried ``tries`` times, ``rest_minutes`` apart, for
    ``give_up_days`` at the most, and never outside these hours of the customer's own clock."""

    countries: tuple[str, ...]
    types: frozenset[NumberType]
    per_caller_per_hour: int = 5
    per_target_per_hour: int = 5
    per_day: int = 200
    per_caller_per_day: int = 20
    per_target_per_day: int = 20
    costs: Mapping[str, int] = field(default_factory=dict)
    money_per_day: int | None = None
    minutes: int = 10
    tries: int = 4
    rest_minutes: int = 15
    give_up_days: int = 3
    from_hour: int = 8
    to_hour: int = 20


Matter = Literal["report", "add", "escalate", "status", "information"]


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody of the desk whom callers are connected to. ``number``: E.164."""

    id: str
    name: str
    number: str


@dataclass(frozen=True, slots=True)
class PhoneRules:
    """How the desk's telephone answers.

    ``languages`` and ``severities`` map a key to a language and to a priority. ``hours`` is the calendar in which
    people answer; ``None``: it is always after hours. ``record``: descriptions are recorded, after the notice. ``menu``:
    key -> matter; without it every call is a report. ``greets``: a caller whose number is on file is greeted by the
    company's name. ``prompts``: language -> prompt -> the file of its recording, beside the desk's; ``music``: the file
    that waiting callers hear. ``agents`` are those whom callers are
    connected to in ``agent_hours`` (None: in ``hours``); who waits does so for ``wait_minutes`` at the most."""

    languages: Mapping[str, str]
    severities: Mapping[str, str]
    page_priorities: frozenset[str]
    hours: str | None
    record: bool = False
    retention_days: int = 30
    pin_after_hours: bool = True
    maintenance_key: str | None = None
    callbacks: CallbackRules | None = None
    menu: Mapping[str, Matter] = field(default_factory=dict)
    greets: bool = False
    prompts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    music: str | None = None
    agents: Mapping[str, Agent] = field(default_factory=dict)
    wait_minutes: int = 15
    agent_hours: str | None = None

    @property
    def staffed(self) -> str | None:
        """The calendar in which somebody can be talked to; None: never."""
        return self.agent_hours or self.hours


@dataclass(frozen=True, slots=True)
class ClockRules:
    """What happens on a ticket's clocks. ``warn_at``: a warning when so many per cent of an allowance are used up (None:
    no warning). ``close_after``: the customer's silence after which a resolved ticket is closed (None: never by itself).
    ``reopen_within``: an answer later than this after the resolution opens a new, linked ticket."""

    warn_at: int | None = 80
    close_after: Allowance | None = Allowance("days", 5)
    reopen_within: timedelta = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Telling:
    """How somebody is told: an alarm in the console, a mail to ``address`` besides, or the people on call are rung."""

    channel: Literal["console", "mail", "page"] = "console"
    address: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """States of a kind that lives by agreement (a quoted intervention): state -> the states it may go to. A ticket in
    ``expires_in`` goes to ``expires_to`` when its validity date is over."""

    kind: Kind
    start: str
    moves: Mapping[str, tuple[str, ...]]
    expires_in: str | None = None
    expires_to: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a desk is.

    The first of ``languages`` is the default. ``kinds``: kind -> the priorities it may have; ``default_priority`` where
    nothing speaks for another (a kind that does not have it takes its own last one). ``matrix``: (impact, urgency) ->
    priority. ``channel_kinds``: a channel that is only for some kinds. ``contacts_only``: only registered contacts may
    open tickets. ``days_from``: N business days are counted from the day on which the report counts as received
    (``opening``), or from the date on which it came (``receipt``). ``placeholders``: what stands in for facts that are
    not known, for ``presa check`` to name. ``version`` identifies the configuration that a ticket was stamped with,
    ``source`` is its text. ``told_by``: how those whom the escalation matrix names are told; who is not there, by an
    alarm in the console. ``goes_to``: into which queue a ticket goes
    when it is escalated to them. ``products``: name -> words that name it."""

    id: str
    name: Words
    languages: tuple[str, ...]
    zone: str
    ticket_prefix: str
    calendars: Mapping[str, Calendar]
    plans: Mapping[str, Plan]
    kinds: Mapping[Kind, tuple[str, ...]]
    kind_labels: Mapping[Kind, Words]
    priorities: Mapping[str, Words]
    default_kind: Kind
    default_priority: str
    matrix: Mapping[tuple[str, str], str]
    levels: tuple[Level, ...]
    teams: Mapping[str, Words]
    queues: Mapping[str, Queue]
    fallback_queue: str
    routes: tuple[Route, ...]
    precedence: Precedence
    days_from: DaysFrom = "opening"
    channel_kinds: Mapping[Channel, frozenset[Kind]] = field(default_factory=dict)
    contacts_only: bool = False
    screening: tuple[WordRule, ...] = ()
    events: tuple[EventRule, ...] = ()
    lives: Mapping[Kind, Life] = field(default_factory=dict)
    phone: PhoneRules | None = None
    on_call: OnCall | None = None
    placeholders: tuple[str, ...] = ()
    version: str = ""
    source: str = field(default="", repr=False, compare=False)
    clocks: ClockRules = field(default_factory=ClockRules)
    relating: Policy = field(default_factory=Policy)
    told_by: Mapping[str, Telling] = field(default_factory=dict)
    goes_to: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    rule_tests: tuple[RuleTest, ...] = field(default=(), repr=False, compare=False)
    severity: Mapping[str, int] = field(default_factory=dict)
    core_services: tuple[str, ...] = ()
    products: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    commands: frozenset[Command] = frozenset()
    asks: Mapping[Kind, tuple[Ask, ...]] = field(default_factory=dict)
    staff: Mapping[str, Worker] = field(default_factory=dict)
    _terms: dict[tuple[Any, ...], Any] = field(default_factory=dict, init=False, repr=False, compare=False, hash=False)
