"""The shape of a desk's YAML file: pydantic models, keys not known refused, notations read as they are validated.

These are also the source of the JSON Schema that editors complete from. Refuses to check references between sections
(``gateway.settings.desk_checks``) and to build the desk (``gateway.settings.desk``).
"""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from gateway.settings import notation
from gateway.settings.notation import Cell, Hours
from routing.desk import (
    Allowance,
    Ask,
    Assignment,
    Channel,
    Command,
    DaysFrom,
    Kind,
    Matter,
    NumberType,
    Precedence,
    Target,
    Telling,
)
from routing.oncall import Channel as PageChannel
from routing.relate_policy import JOINS, Join


def _written(description: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description, "examples": list(examples)})


def _text(value: object) -> object:
    """Keys such as 1 are numbers in YAML and names here."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Key = Annotated[str, BeforeValidator(_text)]
Text = Annotated[str, Field(min_length=1)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Words = Annotated[dict[str, Text], Field(min_length=1, description="language -> words")]
CellText = Annotated[Cell, PlainValidator(notation.cell), _written("a promise", "2h", "10m solar", "NBD", "BE", "N/A")]
AllowanceText = Annotated[
    Allowance | None, PlainValidator(notation.allowance), _written("an allowance", "2h", "10m solar", "NBD", "2 days")
]
HoursText = Annotated[
    Hours, PlainValidator(notation.hours), _written("opening hours", "Mo-Fr 09:00-18:00; PH off", "24/7", "off")
]
SpanText = Annotated[timedelta, PlainValidator(notation.span), _written("a time span", "25s", "15m", "7 days")]
DayText = Annotated[date, PlainValidator(notation.day), _written("a date", "2026-12-24")]
MonthDayText = Annotated[tuple[int, int], PlainValidator(notation.month_day), _written("month and day", "12-25")]
TimeText = Annotated[time, PlainValidator(notation.clock_time), _written("a time of day", "09:00")]
MomentText = Annotated[
    datetime, PlainValidator(notation.moment), _written("an instant with its offset", "2026-12-24T18:00:00+01:00")
]
DaysText = Annotated[tuple[int, ...], PlainValidator(notation.days_of_week), _written("days of the week", "Mo-Fr")]
TellingText = Annotated[
    Telling, PlainValidator(notation.telling), _written("how somebody is told", "console", "page", "mail a@b.example")
]
DutyText = Annotated[
    tuple[tuple[int, ...], time, time],
    PlainValidator(notation.duty_hours),
    _written("days and wall-clock times", "Mo-Fr 18:00-09:00"),
]


class Section(BaseModel):
    """A mapping of the file: no key that is not known, no value bent into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class HolidaySection(Section):
    """One day of every year: ``on`` a date, or ``easter`` days after Easter Sunday. Or ``base``: the public holidays of
    a country (IT, or IT-MI with those of a subdivision) from ``since`` to ``until``, ``without`` some (12-26, or the
    English name)."""

    name: Text = ""
    on: MonthDayText | None = None
    easter: int | None = None
    base: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")] | None = None
    without: list[Text] = []
    since: int = 1
    until: int = 9999


class CalendarSection(Section):
    """Weekly hours; what ``PH`` does in them holds for the listed holidays. ``special`` overrules both."""

    label: Words | Text | None = None
    zone: str | None = None
    hours: HoursText
    holidays: str | None = None
    special: dict[str, HoursText] = {}
    placeholder: str | None = Field(None, description="what must still be found out; named by `presa check`")


class KindSection(Section):
    """A kind of ticket and the priorities it may have."""

    label: Words
    priorities: Annotated[list[str], Field(min_length=1)]


class DefaultSection(Section):
    """What a report is when nothing speaks for anything else."""

    kind: Kind
    priority: str


class MatrixSection(Section):
    """Priority by impact (rows) and urgency (columns)."""

    urgency: Annotated[list[str], Field(min_length=1)]
    impact: Annotated[dict[str, list[str]], Field(min_length=1)]


class PlanOnCallSection(Section):
    """A plan's right to the out-of-hours duty: outside the hours of which calendar, for what, how asked."""

    outside: str
    priorities: Annotated[list[str], Field(min_length=1)]
    pages_by: list[Channel] = ["phone"]
    kinds: list[Kind] = ["incident"]
    languages: list[str] = []
    excluded_regions: list[str] = []
    maintenance: bool = False
    pin: bool = True
    end_users: bool = False


class PlanSection(Section):
    """One plan. ``substitutes``: row -> the priority it is treated as."""

    label: Text
    calendar: str
    channels: Annotated[list[Channel], Field(min_length=1)]
    precedence: int = 0
    add_on: bool = False
    stands_on: str | None = None
    calendar_by_region: dict[str, str] = {}
    substitutes: dict[str, str] = {}
    features: list[str] = []
    scope: list[Text] = Field([], description="an add-on: words of a report that it is for")
    highest: str | None = Field(None, description="words alone never give a more urgent priority than this")
    on_call: PlanOnCallSection | None = None


class PromisesSection(Section):
    """The table of promises: for each row (kind and priority) and target, one cell for each plan."""

    columns: Annotated[list[str], Field(min_length=1)]
    rows: dict[str, dict[Target, list[CellText]]]


class UpdatesSection(Section):
    """How often the customer hears of an open ticket: one cell for each plan."""

    columns: Annotated[list[str], Field(min_length=1)]
    rows: dict[str, list[AllowanceText]]


class EscalationsSection(Section):
    """Who is told (``matrix``: priority -> a name a step, or ``~``) after how long (``after``: plan -> steps).
    ``told_by``: how (``console`` if nothing is said). ``goes_to``: the queue where the ticket goes with that step."""

    after: Annotated[dict[str, list[AllowanceText]], Field(min_length=1)]
    matrix: Annotated[dict[str, list[Text | None]], Field(min_length=1)]
    told_by: dict[str, TellingText] = {}
    goes_to: dict[str, str] = {}


class ClocksSection(Section):
    """``warn_at``: a warning when so many per cent of an allowance are used up, ``~`` for none. ``close_after``: silence
    after which a resolved ticket is closed, ``N/A`` for never. ``reopen_within``: later, an answer opens a new ticket."""

    warn_at: Annotated[int, Field(ge=1, le=99)] | None = 80
    close_after: Annotated[AllowanceText, Field(validate_default=True)] = "5 days"  # type: ignore[assignment]
    reopen_within: Annotated[SpanText, Field(validate_default=True)] = "14 days"  # type: ignore[assignment]


class RelatingSection(Section):
    """``join``: the rules that may join two reports of one customer without asking; the rest is suggested. ``again_within``: a
    mail sent again, ``alert_within``: an alert again, ``matter_within``: a call and a mail, or two reports, of one thing.
    ``fault_customers`` with the same trouble ``fault_within`` are proposed as a wider fault."""

    join: list[Join] = list(JOINS)
    alert_within: Annotated[SpanText, Field(validate_default=True)] = "24h"  # type: ignore[assignment]
    again_within: Annotated[SpanText, Field(validate_default=True)] = "72h"  # type: ignore[assignment]
    matter_within: Annotated[SpanText, Field(validate_default=True)] = "24h"  # type: ignore[assignment]
    fault_within: Annotated[SpanText, Field(validate_default=True)] = "2h"  # type: ignore[assignment]
    fault_customers: Annotated[int, Field(ge=2, le=1000)] = 3


class LevelSection(Section):
    """A tier of support."""

    id: Text
    label: Words


class QueueSection(Section):
    """Where tickets wait, who looks at it, and in which calendar."""

    label: Words
    level: str | None = None
    served_by: list[str]
    hours: str
    assign: Assignment = "pull"
    skills: list[Text] = []
    restricted: bool = False


class WorkerSection(Section):
    """Somebody who can be given tickets, by their login. ``most``: open tickets from which they get no more."""

    name: Text
    teams: Annotated[list[str], Field(min_length=1)]
    skills: list[Text] = []
    languages: list[str] = []
    regions: list[Text] = []
    products: list[Text] = []
    customers: list[Text] = Field([], description="ids of the customers whose named engineer they are")
    substitute: str | None = None
    most: Annotated[int, Field(ge=1)] | None = None


class RouteSection(Section):
    """The first route whose every given condition holds wins."""

    queue: str
    kinds: list[Kind] = []
    priorities: list[str] = []
    plans: list[str] = []
    reasons: list[Text] = []
    regions: list[Text] = []
    languages: list[Text] = []
    channels: list[Channel] = []
    facts: list[Text] = []
    products: list[Text] = []


class WordSection(Section):
    """Words in a report that speak for a priority or a kind. ``points``: 2 are enough, 1 needs company."""

    words: Annotated[list[Text], Field(min_length=1)]
    priority: str | None = None
    kind: Kind | None = None
    points: Annotated[int, Field(ge=1, le=9)] = 3


class ConditionSection(Section):
    """Each given list: the report has at least one of its values. ``signs``: what the house reads from words; ``facts``: what
    earlier rules found."""

    words: list[Text] = []
    signs: list[Text] = []
    facts: list[Text] = []
    channels: list[Channel] = []
    kinds: list[Kind] = []
    priorities: list[str] = []
    plans: list[str] = []
    customers: list[Text] = []
    regions: list[Text] = []
    products: list[Text] = []
    languages: list[Text] = []
    reasons: list[Text] = []
    verified: bool | None = None
    automatic: bool | None = None


class ActionSection(Section):
    """What a rule adds. A kind or priority is a vote of so many ``points``."""

    kind: Kind | None = None
    priority: str | None = None
    points: Annotated[int, Field(ge=1, le=9)] = 3
    queue: str | None = None
    marks: list[Slug] = []
    facts: list[Text] = []


class RuleSection(Section):
    """When every condition of ``when`` holds and none of ``unless``, ``then`` is added."""

    name: Text
    when: ConditionSection
    unless: ConditionSection = Field(default_factory=ConditionSection)
    then: ActionSection


class TestReportSection(Section):
    """A made-up report. ``plan``: of its customer; without one nobody knows the sender."""

    subject: str = ""
    text: str = ""
    channel: Channel = "mail"
    plan: str | None = None
    customer: Text = "CUSTOMER"
    verified: bool = True
    region: Text | None = None
    language: Text | None = None
    kind: Kind | None = None
    priority: str | None = None
    automatic: bool = False
    product: Text | None = None


class ExpectSection(Section):
    """What must come of it; what is not named is not looked at. ``not_fired``: rules that must not hold."""

    kind: Kind | None = None
    priority: str | None = None
    queue: str | None = None
    product: Text | None = None
    marks: list[Text] = []
    fired: list[Text] = []
    not_fired: list[Text] = []


class RuleTestSection(Section):
    """Run by `presa check`."""

    report: TestReportSection
    expect: ExpectSection


class EventSection(Section):
    """A monitoring event by the words in its alarm."""

    id: Slug
    label: Words
    words: Annotated[list[Text], Field(min_length=1)]
    priority: str


class ExpirySection(Section):
    """A ticket in ``state`` goes to ``to`` when its validity date is over."""

    state: str
    to: str


class LifeSection(Section):
    """States of a kind that lives by agreement, and where each may go."""

    start: str
    moves: dict[str, list[str]]
    expires: ExpirySection | None = None


class CallbackSection(Section):
    """Which numbers are called back, and how often. ``costs``: a prefix and its hundredths a minute."""

    countries: Annotated[list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]], Field(min_length=1)]
    types: Annotated[list[NumberType], Field(min_length=1)]
    per_caller_per_hour: Annotated[int, Field(ge=1)] = 5
    per_target_per_hour: Annotated[int, Field(ge=1)] = 5
    per_day: Annotated[int, Field(ge=1)] = 200
    per_caller_per_day: Annotated[int, Field(ge=1)] = 20
    per_target_per_day: Annotated[int, Field(ge=1)] = 20
    costs: dict[Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,14}$")], Annotated[int, Field(ge=0)]] = {}
    money_per_day: Annotated[int, Field(ge=1)] | None = None
    minutes: Annotated[int, Field(ge=1, le=240)] = 10
    tries: Annotated[int, Field(ge=1, le=20)] = 4
    rest_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    give_up_days: Annotated[int, Field(ge=1, le=60)] = 3
    from_hour: Annotated[int, Field(ge=0, le=23)] = 8
    to_hour: Annotated[int, Field(ge=1, le=24)] = 20


class AgentSection(Section):
    """Somebody whom callers are connected to."""

    name: Text
    number: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]


# A file beside the desk's own: no way leads out of its folder.
SoundFile = Annotated[
    str, Field(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_][A-Za-z0-9_.-]*\.(mp3|wav)$", max_length=200)
]


class PhoneSection(Section):
    """How the telephone answers. ``hours``: a calendar, or ``never``: it is always after hours."""

    languages: Annotated[dict[Key, str], Field(min_length=1)]
    severities: Annotated[dict[Key, str], Field(min_length=1)]
    pages: list[str]
    hours: str
    record: bool = False
    retention_days: Annotated[int, Field(ge=1)] = 30
    pin_after_hours: bool = True
    maintenance_key: Key | None = None
    callbacks: CallbackSection | None = None
    menu: dict[Key, Matter] = {}
    greets: bool = False
    prompts: dict[str, dict[str, SoundFile]] = {}
    music: SoundFile | None = None
    agents: dict[Slug, AgentSection] = {}
    agent_hours: str | None = None
    wait_minutes: Annotated[int, Field(ge=1, le=60)] = 15


Frequency = Literal["hourly", "daily", "weekly", "monthly"]


class PersonSection(Section):
    """Somebody who can be rung; ``number`` in E.164, empty until somebody enters one.

    ``sms``, ``mail``, ``ntfy`` (a topic) and ``webhook`` (an address): how else they can be told. ``quiet``: hours of
    their zone in which only the highest priority rings them."""

    name: Text
    number: str | None = None
    language: str | None = None
    zone: str | None = None
    sms: bool = False
    mail: str | None = None
    ntfy: str | None = None
    webhook: str | None = None
    quiet: list[DutyText] = []


class LayerSection(Section):
    """People who take turns. ``frequency`` and ``interval`` (FREQ and INTERVAL of RFC 5545): how often the next turn
    starts; ``length``: how long a shift lasts then. Without a frequency turn follows turn, each of that ``length``."""

    name: Text
    people: Annotated[list[str], Field(min_length=1)]
    start: DayText
    handoff: TimeText
    length: SpanText | None = None
    frequency: Frequency | None = None
    interval: Annotated[int, Field(ge=1, le=1000)] = 1
    zone: str | None = None
    hours: list[DutyText] = []
    by_day: DaysText = ()
    until: DayText | None = None


class OverrideSection(Section):
    """This person is on duty then, whatever the layers say."""

    person: str
    start: MomentText
    end: MomentText
    reason: str = ""


class AbsenceSection(OverrideSection):
    """This person is not rung then; ``substitute`` stands in."""

    substitute: str | None = None


class RotaSection(Section):
    """Layers, of which a later one wins, and overrides."""

    name: str = ""
    layers: Annotated[list[LayerSection], Field(min_length=1)]
    overrides: list[OverrideSection] = []
    calendars: list[Text] = Field([], description="iCalendar files or http(s) addresses whose events are overrides")


class StepSection(Section):
    """One step of a policy: a rota, a person, a support level or somebody of the escalation matrix."""

    rota: str | None = None
    person: str | None = None
    level: str | None = None
    manager: str | None = None
    channels: Annotated[list[PageChannel], Field(min_length=1)] = ["phone"]
    wait: SpanText = timedelta(seconds=60)
    redials: Annotated[int, Field(ge=0)] = 0
    then_rest: bool = True


class CapSection(Section):
    """At most so many calls to one number within a time; only a hard cap holds for urgent pages."""

    calls: Annotated[int, Field(ge=1)]
    within: SpanText
    hard: bool = False


# What carriers take for spam begins beyond these; the hard one holds for the highest priority too.
USUAL_CAPS = [
    CapSection.model_validate({"calls": calls, "within": within, "hard": hard})
    for calls, within, hard in (
        (1, "60s", False),
        (3, "15m", False),
        (7, "1h", False),
        (15, "3h", False),
        (10, "15m", True),
    )
]


class PolicySection(Section):
    """How a page goes on."""

    steps: Annotated[list[StepSection], Field(min_length=1)]
    ring: SpanText = timedelta(seconds=25)
    repeat: Annotated[int, Field(ge=0)] = 1
    fallback: list[str] = []
    max_attempts: Annotated[int, Field(ge=1)] = 30
    redial: SpanText = timedelta(seconds=10)
    call: SpanText = timedelta(seconds=300)
    ask: SpanText = timedelta(seconds=5)
    caps: list[CapSection] = Field(default_factory=lambda: list(USUAL_CAPS))
    bundle: SpanText = timedelta(seconds=60)
    tell_customer: bool = True
    reasons: bool = True


class OnCallSection(Section):
    """The desk's out-of-hours duty. ``levels``: which rota serves a support level; ``managers``: who is meant by a name of
    the escalation matrix; ``no_escalation_to``: the queues that nobody on duty may escalate to, in the duty's hours."""

    people: Annotated[dict[str, PersonSection], Field(min_length=1)]
    rotas: dict[str, RotaSection] = {}
    policy: PolicySection
    absences: list[AbsenceSection] = []
    verified_for: SpanText | None = Field(
        None, description="a number counts as verified for so long after a page taken on it"
    )
    levels: dict[str, str] = {}
    managers: dict[str, str] = {}
    no_escalation_to: list[str] = []


class DeskFile(Section):
    """A desk: what it promises to whom, when it is open, who does what."""

    id: Slug
    name: Words
    languages: Annotated[list[str], Field(min_length=1)]
    zone: str
    ticket_prefix: Annotated[str, Field(pattern=r"^[A-Z]{2,4}$")]
    days_from: DaysFrom = "opening"
    precedence: Precedence = "deadline"
    placeholders: list[Text] = []
    holidays: dict[str, list[HolidaySection]] = {}
    calendars: Annotated[dict[str, CalendarSection], Field(min_length=1)]
    priorities: Annotated[dict[str, Words], Field(min_length=1)]
    kinds: Annotated[dict[Kind, KindSection], Field(min_length=1)]
    default: DefaultSection
    matrix: MatrixSection | None = None
    plans: Annotated[dict[Slug, PlanSection], Field(min_length=1)]
    promises: PromisesSection
    updates: UpdatesSection | None = None
    escalations: EscalationsSection | None = None
    clocks: ClocksSection = Field(default_factory=ClocksSection)
    relating: RelatingSection = Field(default_factory=RelatingSection)
    teams: Annotated[dict[Slug, Words], Field(min_length=1)]
    levels: Annotated[list[LevelSection], Field(min_length=1)]
    queues: Annotated[dict[Slug, QueueSection], Field(min_length=1)]
    fallback_queue: str
    routes: list[RouteSection] = []
    channel_kinds: dict[Channel, list[Kind]] = {}
    contacts_only: bool = False
    screening: list[WordSection] = []
    rules: list[RuleSection] = []
    rule_tests: list[RuleTestSection] = []
    severity: dict[str, int] = Field(
        {}, description="points of what words say from which (below zero: to which) a priority is given"
    )
    core_services: list[Text] = Field([], description="words that name a core service")
    products: dict[Text, list[Text]] = Field(
        {}, description="product -> words of a report that name it, besides its name"
    )
    commands: list[Command] = Field([], description="commands that a verified sender may give in a mail's first line")
    asks: dict[Kind, list[Ask]] = Field({}, description="what the first answer asks for where a report lacks it")
    staff: dict[str, WorkerSection] = Field({}, description="who can be given tickets, by their login")
    events: list[EventSection] = []
    lives: dict[Kind, LifeSection] = {}
    phone: PhoneSection | None = None
    on_call: OnCallSection | None = None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a desk's file, for editors."""
    schema = DeskFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Presa desk"}
