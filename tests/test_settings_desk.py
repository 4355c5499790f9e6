"""Desk files: the ones that ship load and say what they should; what is wrong in one is named with its place."""

import json
from datetime import datetime, time, timedelta
from pathlib import Path

import opening_hours
import phonenumbers
import pytest

from gateway.calls import tolls
from gateway.settings import notation
from gateway.settings.desk import json_schema, load_desk, unkept, unready
from gateway.settings.source import ConfigError
from routing import calendars, oncall
from routing.calendars import Calendar
from routing.desk import Allowance, ClockRules, Telling

DESKS = Path(__file__).parents[1] / "desks"
SHIPPED = ["aruba-enterprise", "aruba-interventions", "demo", "imagicle-care", "ivanti", "mailup", "test"]
AT = datetime.fromisoformat("2026-11-22T03:00:00+01:00")


def shipped(name):
    return load_desk(DESKS / name / "desk.yaml")


@pytest.mark.parametrize("name", SHIPPED)
def test_each_shipped_desk_loads_under_its_own_name(name):
    desk = shipped(name)
    assert desk.id == name
    assert desk == shipped(name)
    assert desk.version


def test_the_schema_beside_the_desks_is_the_one_of_the_models():
    assert json.loads((DESKS / "desk.schema.json").read_text(encoding="utf-8")) == json_schema()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_kind_that_a_customer_may_report_has_a_queue_by_rule(name):
    desk = shipped(name)
    routed = {kind for route in desk.routes if not route.reasons and not route.priorities for kind in route.kinds}
    assert routed == set(desk.kinds)
    assert len({desk.ticket_prefix for desk in map(shipped, SHIPPED)}) == len(SHIPPED)


def test_the_priority_of_an_incident_is_impact_by_urgency():
    matrix = shipped("aruba-enterprise").matrix
    urgencies = ("highest", "high", "medium", "low")
    rows = {
        "extensive": "P1 P1 P2 P4",
        "significant": "P1 P2 P3 P4",
        "moderate": "P2 P2 P3 P4",
        "minor": "P2 P3 P3 P4",
    }
    assert matrix == {
        (impact, u): p for impact, cells in rows.items() for u, p in zip(urgencies, cells.split(), strict=True)
    }


def test_what_each_plan_of_the_aruba_desk_may_use():
    plans = shipped("aruba-enterprise").plans
    assert plans["small-enterprise"].channels == {"phone", "portal"}
    assert all("mail" in plan.channels for name, plan in plans.items() if name != "small-enterprise")
    assert [name for name, plan in plans.items() if "service-manager" in plan.features] == [
        "enterprise-plus",
        "premium",
    ]
    assert plans["cloud-top-enterprise"].add_on
    assert shipped("aruba-enterprise").contacts_only
    assert shipped("aruba-enterprise").channel_kinds == {"phone": {"incident", "information"}}


def test_only_platinum_has_on_call_and_exactly_outside_the_gold_hours():
    plans = shipped("imagicle-care").plans
    assert [name for name, plan in plans.items() if plan.on_call] == ["platinum"]
    rule = plans["platinum"].on_call
    assert (rule.outside, rule.priorities, rule.languages, rule.maintenance, rule.pin) == (
        "gold",
        {"P1", "P2"},
        ("en",),
        True,
        True,
    )
    assert rule.excluded_regions == {"asia-pacific"}
    assert plans["basic"].precedence > plans["gold"].precedence == plans["platinum"].precedence


def test_proactive_events_have_the_documents_priorities():
    events = {event.id: event.priority for event in shipped("imagicle-care").events}
    assert events == {
        "voip-stack-crash": "P1", "application-crash": "P1", "replication-fault": "P3", "disk-low": "P4",
        "disk-near-full": "P3", "database-low": "P4", "database-near-full": "P3", "channels-used-up": "P3",
        "licences-used-up": "P3", "cloud-api-unreachable": "P1",
    }  # fmt: skip


def test_holidays_are_the_contracts_or_the_laws():
    def dates(desk, calendar, year):
        return [day.strftime("%m-%d") for day, _ in calendars.holidays_in(shipped(desk).calendars[calendar], year)]

    eleven = ["01-01", "01-06", "04-06", "04-25", "05-01", "06-02", "08-15", "11-01", "12-08", "12-25", "12-26"]
    assert dates("imagicle-care", "gold", 2026) == dates("imagicle-care", "basic", 2026) == eleven
    assert dates("aruba-enterprise", "office", 2026) == sorted([*eleven, "04-05", "10-04"])
    assert "10-04" not in dates("aruba-enterprise", "office", 2025)


def test_an_intervention_lives_from_the_request_to_the_charge():
    life = shipped("aruba-interventions").lives["intervention"]
    assert life.start == "requested"
    assert life.moves["quoted"] == ("accepted", "rejected", "expired")
    assert (life.expires_in, life.expires_to) == ("quoted", "expired")
    reachable, frontier = set(), [life.start]
    while frontier:
        state = frontier.pop()
        if state not in reachable:
            reachable.add(state)
            frontier += life.moves[state]
    assert reachable == set(life.moves)


def test_the_check_names_what_stands_in_for_unknown_facts():
    assert unready(shipped("demo")) == unready(shipped("test")) == unready(shipped("aruba-enterprise")) == ()
    said = "\n".join(unready(shipped("ivanti")))
    assert "the hours and holidays of EMEA are not in the document" in said
    assert "response times are not in the document" in said
    assert "Reperibile 1 is on call and has no number" in "\n".join(unready(shipped("imagicle-care")))


@pytest.mark.parametrize(
    ("keyed", "rung"),
    [
        ("0018014561234", "+18014561234"),  # the Americas
        ("0061291234567", "+61291234567"),  # APAC
        ("02079460000", "+442079460000"),  # without a country's prefix: of the first that the desk names
        ("00390612345678", "+390612345678"),
        ("0019005551234", None),  # premium
        ("0018765551234", None),  # Jamaica looks like America and is not
    ],
)
def test_ivanti_calls_back_where_its_three_regions_are(keyed, rung):
    assert tolls.callable_number(keyed, shipped("ivanti").phone.callbacks) == rung


def test_the_test_desk_is_as_its_users_expect():
    desk = shipped("test")
    assert not calendars.is_open(desk.calendars[desk.plans["platinum"].on_call.outside], AT.replace(hour=12, day=24))
    phone = desk.phone
    assert phone.hours is None
    assert phone.languages == {"1": "it", "2": "en"}
    assert phone.severities == {"1": "P1", "2": "P2", "3": "P3", "4": "P4"}
    assert phone.page_priorities == desk.plans["platinum"].on_call.priorities == {"P1"}
    assert phone.record
    calls = phone.callbacks
    assert (calls.countries, calls.types, calls.per_caller_per_hour, calls.per_target_per_hour) == (
        ("IT",),
        {"fixed_line", "mobile"},
        5,
        5,
    )
    policy = desk.on_call.policy
    assert (policy.ring_seconds, policy.caps) == (25, ())
    assert [link.wait_seconds for link in oncall.chain(desk.on_call, AT)] == [6, 6, 6]
    assert list(desk.plans) == ["basic", "gold", "platinum"]


@pytest.mark.parametrize(("name", "wait"), [("demo", 30), ("test", 6)])
def test_three_people_with_italian_numbers_are_on_call(name, wait):
    chain = oncall.chain(shipped(name).on_call, AT)
    assert len({link.person for link in chain}) == 3
    for link in chain:
        number = phonenumbers.parse(link.number)
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.region_code_for_number(number) == "IT"
        assert link.wait_seconds == wait
    assert shipped(name).on_call.policy.ring_seconds == 25


# What is wrong in a file. --------------------------------------------------------------------------------------------

SOUND = """\
id: small
name: {it: Piccolo}
languages: [it]
zone: Europe/Rome
ticket_prefix: SM
holidays:
  ours: [{name: Natale, on: 12-25}]
calendars:
  office: {hours: "Mo-Fr 09:00-18:00; PH off", holidays: ours}
priorities: {P1: {it: alta}, P2: {it: bassa}}
kinds:
  incident: {priorities: [P1, P2], label: {it: guasto}}
  event: {priorities: [P1], label: {it: allarme}}
default: {kind: incident, priority: P2}
matrix:
  urgency: [high, low]
  impact:
    wide: [P1, P2]
plans:
  one: {label: One, calendar: office, channels: [mail]}
  more: {label: More, calendar: office, channels: [mail], add_on: true, stands_on: one}
promises:
  columns: [one, more]
  rows:
    incident P1:
      take_charge: [2h, 30m solar]
    incident P2:
      take_charge: [BE, BE]
updates:
  columns: [one, more]
  rows:
    incident P1: [1h, 1h]
escalations:
  after:
    one: [2h, 1 day]
  matrix:
    P1: [Boss, ~]
teams: {all: {it: tutti}}
levels: [{id: L1, label: {it: primo}}]
queues:
  main: {level: L1, served_by: [all], hours: 24x7, label: {it: Tutto}}
fallback_queue: main
routes: [{queue: main, kinds: [incident, event]}]
screening: [{words: [Fermo], priority: P1}]
phone:
  languages: {1: it}
  severities: {1: P1}
  pages: [P1]
  hours: office
on_call:
  people:
    a: {name: A, number: "+390200000001"}
  rotas:
    duty:
      layers:
        - {name: weekly, people: [a], start: 2026-01-05, handoff: 09:00, length: 7 days}
  policy:
    steps: [{rota: duty, wait: 30s}]
"""


def written(tmp_path, text):
    path = tmp_path / "desk.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_small_sound_file_loads(tmp_path):
    desk = load_desk(written(tmp_path, SOUND))
    one, more = desk.plans["one"], desk.plans["more"]
    assert one.targets["event", "P1"] == {"take_charge": Allowance("business", 7200)}
    assert more.updates["incident", "P1"] == Allowance("solar", 3600), "news runs on the clock of taking charge"
    assert [(step.to, step.after) for step in one.escalations["P1"]] == [("Boss", Allowance("business", 7200))]
    assert desk.screening[0].words == ("fermo",)


@pytest.mark.parametrize(
    ("sound", "broken", "place", "complaint"),
    [
        ("one: {label: One, calendar: office", "one: {label: One, calendar: offfice", "offfice", "there is no calendar 'offfice'; expected one of office, 24x7"),
        ("served_by: [all]", "served_by: []", "[], hours", "a queue nobody serves; expected at least one team"),
        ("served_by: [all]", "served_by: [some]", "some", "there is no team 'some'"),
        ("wide: [P1, P2]", "wide: [P1]", "[P1]\nplans", "a row of 1 cells; expected 2: high, low; fill the hole"),
        ("wide: [P1, P2]", "wide: [P1, P9]", "P9", "there is no priority 'P9'"),
        ("take_charge: [2h, 30m solar]", "take_charge: [2h]", "[2h]", "a row of 1 cells; expected 2: one, more"),
        ("take_charge: [2h, 30m solar]", "take_charge: [2h, soon]", "soon", "expected an allowance such as 2h"),
        ("take_charge: [2h, 30m solar]", "take_charge: [2h, 30m; 1h sometimes]", "30m; 1h", "'... on call' or '... out of hours'"),
        ("    incident P2:\n      take_charge: [BE, BE]\n", "", "incident P1:\n      take", "no row for incident P2"),
        ("    incident P2:\n", "    incident P1+P2:\n", "take_charge: [BE", "incident P1 for the second time"),
        ("    incident P2:\n", "    accident P2:\n", "take_charge: [BE", "the kinds here are incident, event"),
        ("  columns: [one, more]\n  rows:\n    incident P1:\n", "  columns: [one]\n  rows:\n    incident P1:\n", "[one]\n", "no column for the plan more"),
        ("fallback_queue: main", "fallback_queue: nowhere", "nowhere", "there is no queue 'nowhere'"),
        ("stands_on: one", "stands_on: more", "more}\npromises", "there is no plan that is no add-on 'more'"),
        ("holidays: ours}", "holidays: theirs}", "theirs", "there is no list of holidays 'theirs'"),
        ('; PH off"', '"', '"Mo-Fr', "'PH' and 'holidays' not together"),
        ("Mo-Fr 09:00-18:00", "Mo-Fr 9-18", '"Mo-Fr', "write times as 09:00-18:00"),
        ("Mo-Fr 09:00-18:00", "Mo-Fr 09:00-13:00,12:00-18:00", '"Mo-Fr', "periods of one day must not overlap"),
        ("on: 12-25", "on: 02-30", "02-30", "a day of the year such as 12-25"),
        ("on: 12-25", "on: 12-25, easter: 1", "{name: Natale", "'on' and 'easter'"),
        ("zone: Europe/Rome", "zone: Europe/Roma", "Europe/Roma", "there is no time zone 'Europe/Roma'"),
        ("name: {it: Piccolo}", "name: {en: Small}", "{en: Small}", "no words in 'it'"),
        ("ticket_prefix: SM", "ticket_prefix: SM\ncolour: red", "colour", "unknown key 'colour'"),
        ("P1: [Boss, ~]", "P1: [Boss]", "[Boss]", "a row of 1 cells"),
        ("severities: {1: P1}", "severities: {9: P1}", "P1}\n  pages", "the key '9'; expected one of 1 to 8"),
        ("hours: office\non_call", "hours: sometimes\non_call", "sometimes", "there is no calendar 'sometimes'"),
        ('"+390200000001"', '"02 12345"', '"02 12345"', "the number '02 12345'"),
        ("people: [a]", "people: [b]", "b], start", "there is no person 'b'"),
        ("length: 7 days", "length: 90m", "{name: weekly", "length must be whole hours"),
        ("{rota: duty, wait: 30s}", "{wait: 30s}", "{wait: 30s}", "either a rota or a person"),
        ("{rota: duty, wait: 30s}", "{rota: dutty, wait: 30s}", "dutty", "there is no rota 'dutty'"),
        ("screening: [{words: [Fermo], priority: P1}]", "screening: [{words: [Fermo]}]", "{words:", "words that speak for nothing"),
        ("default: {kind: incident, priority: P2}", "default: {kind: event, priority: P2}", "P2}\nmatrix", "there is no priority of event 'P2'"),
        ("channels: [mail]}\n  more", "channels: [fax]}\n  more", "fax", "expected 'mail', 'phone'"),
        ("calendar: office, channels: [mail]}\n", "calendar: office, channels: [mail], on_call: {outside: office, priorities: [P3]}}\n", "P3", "there is no priority 'P3'"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_desk_is_named_with_its_place(tmp_path, sound, broken, place, complaint):
    assert SOUND.count(sound) == 1 or sound.startswith("  columns")
    text = SOUND.replace(sound, broken, 1)
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refusal:
        load_desk(path)
    problems = [problem for problem in refusal.value.problems if complaint in problem]
    assert problems, refusal.value.problems
    before = text[: text.index(place)]
    assert problems[0].startswith(f"{path}:{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}: ")
    assert len(refusal.value.problems) <= 3, refusal.value.problems


def test_every_problem_of_a_file_is_told_at_once(tmp_path):
    text = SOUND.replace("served_by: [all]", "served_by: []").replace("fallback_queue: main", "fallback_queue: x")
    with pytest.raises(ConfigError) as refusal:
        load_desk(written(tmp_path, text))
    assert len(refusal.value.problems) == 2


def test_a_solar_promise_that_nobody_can_keep_at_night_is_named(tmp_path):
    desk = load_desk(written(tmp_path, SOUND.replace("hours: 24x7", "hours: office")))
    assert unkept(desk, 2026) == (
        "desk small: plan more has a solar clock, and at night no queue (24x7) and no on-call",
    )


def test_a_countrys_holidays_are_a_base_with_days_taken_out_and_added_for_named_years(tmp_path):
    listed = "[{base: IT, since: 2025, until: 2027, without: [10-04, Easter Sunday, National Unity Day]}, {name: Patrono, on: 12-07}]"
    desk = load_desk(written(tmp_path, SOUND.replace("[{name: Natale, on: 12-25}]", listed)))
    office = desk.calendars["office"]
    for year, monday in ((2026, "2026-04-06"), (2027, "2027-03-29")):
        law = ["01-01", "01-06", "04-25", "05-01", "06-02", "08-15", "11-01", "12-07", "12-08", "12-25", "12-26"]
        expected = sorted([monday, *(f"{year}-{day}" for day in law)])
        assert [day.isoformat() for day, _ in calendars.holidays_in(office, year)] == expected
    assert [holiday.name for _, holiday in calendars.holidays_in(office, 2028)] == ["Patrono"]


def test_a_list_of_holidays_that_ends_is_told_before_its_last_year_is_over(tmp_path):
    listed = "[{base: IT, since: 2025, until: 2027}]"
    desk = load_desk(written(tmp_path, SOUND.replace("[{name: Natale, on: 12-25}]", listed)))
    assert unkept(desk, 2026) == ()
    assert unkept(desk, 2027) == ("desk small: calendar office knows no holidays after 2027; extend its list",)


@pytest.mark.parametrize(
    ("listed", "complaint"),
    [
        ("[{base: IT}]", "a base without its years"),
        ("[{base: QQ, since: 2026, until: 2027}]", "the country 'QQ', which has no list"),
        ("[{base: IT, since: 2026, until: 2027, without: [12-24]}]", "no holiday '12-24'"),
        ("[{base: IT, on: 12-25}]", "'on' and 'base'"),
        ("[{on: 12-25}]", "a day without a name"),
    ],
)
def test_a_base_that_cannot_be_is_refused(tmp_path, listed, complaint):
    with pytest.raises(ConfigError, match=complaint):
        load_desk(written(tmp_path, SOUND.replace("[{name: Natale, on: 12-25}]", listed)))


def test_what_happens_on_the_clock_is_configured(tmp_path):
    rules = "clocks: {warn_at: 50, close_after: 3 days, reopen_within: 7 days}\nteams:"
    desk = load_desk(written(tmp_path, SOUND.replace("teams:", rules)))
    assert desk.clocks == ClockRules(50, Allowance("days", 3), timedelta(days=7))
    assert load_desk(written(tmp_path, SOUND)).clocks == ClockRules()
    never = SOUND.replace("teams:", "clocks: {warn_at: ~, close_after: N/A}\nteams:")
    assert load_desk(written(tmp_path, never)).clocks == ClockRules(None, None)


@pytest.mark.parametrize(
    ("written_", "told"),
    [("console", Telling()), ("page", Telling("page")), ("mail a@b.example", Telling("mail", "a@b.example"))],
)
def test_who_is_escalated_to_is_told_by_a_channel(written_, told):
    assert notation.telling(written_) == told
    for wrong in ("mail", "mail a", "page me", "fax"):
        with pytest.raises(ValueError, match="write one of the three"):
            notation.telling(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "Mo-Fr 09:00-18:00",
        "Mo-Fr 9:00-18:00",
        "Mo-Fr 09:00-13:00,14:00-18:00; Sa 10:00-12:00; We off",
        "Mo-Fr 09:00-13:00, 14:00-18:00",
        "Mo,We,Fr 08:30-12:15; Tu off",
        "Sa-Mo 10:00-20:00; Su off",
        "Mo-Su 22:00-06:00",
        "Fr 20:00-04:00; Su 10:00-12:00",
        "24/7",
        "Mo-Fr 00:00-24:00",
        "Mo-Fr 09:00-18:00; Sa,Su closed",
    ],
)
def test_hours_mean_what_openstreetmap_means_by_them(text):
    other = opening_hours.OpeningHours(text)
    week = notation.hours(text).week
    at = datetime(2026, 11, 23)
    for quarter in range(7 * 96):
        moment = at + timedelta(minutes=15 * quarter)
        seconds = moment.hour * 3600 + moment.minute * 60
        ours = any(begins <= seconds < ends for begins, ends in week[moment.weekday()])
        assert ours == other.is_open(moment), moment


def test_holidays_may_stand_among_the_days():
    together = notation.hours("Mo-Sa,PH 09:00-18:00")
    assert together == notation.hours("Mo-Sa 09:00-18:00; PH 09:00-18:00")
    assert notation.hours("Mo-Fr 09:00-18:00; Sa,Su,PH off").holiday == ()


# Notations. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("2h", Allowance("business", 7200)), ("1.5h", Allowance("business", 5400)), ("20m", Allowance("business", 1200)),
        ("10m solar", Allowance("solar", 600)), ("30s solar", Allowance("solar", 30)), ("NBD", Allowance("days", 1)),
        ("2 days", Allowance("days", 2)), ("1 day", Allowance("days", 1)), ("BE", Allowance("best_effort", 0)), ("N/A", None),
    ],
)  # fmt: skip
def test_an_allowance_is_written_as_in_the_documents(text, meaning):
    assert notation.allowance(text) == meaning


@pytest.mark.parametrize(
    "text", ["", "2", "0h", "0 days", "2 hours", "solar", "-2h", "1.3333s", "2h solare", None, 7, []]
)
def test_what_is_no_allowance_is_refused(text):
    with pytest.raises(ValueError, match="; "):
        notation.allowance(text)


def test_hours_may_have_several_periods_and_go_over_midnight():
    week = notation.hours("Mo-Fr 09:00-13:00,14:00-18:00; Sa 10:00-12:00; We off").week
    assert week[0] == ((32_400, 46_800), (50_400, 64_800))
    assert (week[2], week[5], week[6]) == ((), ((36_000, 43_200),), ())
    night = notation.hours("Su 22:00-06:00").week
    assert (night[6], night[0]) == (((79_200, 86_400),), ((0, 21_600),))
    assert notation.hours("24/7").week == ((notation.WHOLE_DAY,),) * 7
    assert notation.hours("off").week == ((),) * 7
    assert notation.hours("Mo-Sa 09:00-18:00; PH 09:00-18:00").holiday == ((32_400, 64_800),)
    assert notation.hours("Fr-Mo 09:00-24:00").week[1:4] == ((), (), ())


def test_a_night_shift_is_an_hour_shorter_when_the_clocks_go_forward():
    night = Calendar("night", "Europe/Rome", notation.hours("Mo-Su 22:00-06:00").week)
    start = datetime.fromisoformat("2026-03-28T22:00:00+01:00")
    assert calendars.open_seconds(night, start, start + timedelta(hours=12)) == 7 * 3600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mo",
        "Mo-Fr",
        "Mo-Fr 9.00-18.00",
        "Mo-Fr 09:00-25:00",
        "Lu-Ve 09:00-18:00",
        "PH 22:00-06:00",
        "Fr 20:00-04:00; Sa 10:00-12:00",
        "Mo 09:60-10:00",
        "Mo 24:00-06:00",
    ],
)
def test_what_are_no_hours_is_refused(text):
    with pytest.raises(ValueError, match="; "):
        notation.hours(text)


def test_duty_hours_and_spans_are_read():
    assert notation.duty_hours("Mo-Fr 18:00-09:00") == ((0, 1, 2, 3, 4), time(18), time(9))
    assert notation.span("25s") == timedelta(seconds=25)
    assert notation.span("7 days") == timedelta(days=7)
    with pytest.raises(ValueError, match="a time span"):
        notation.span("a while")
