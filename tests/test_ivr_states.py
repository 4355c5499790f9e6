"""The table of states: complete, closed, drawn; and the turns that dialogues do not reach."""

import json
from dataclasses import fields, replace

import pytest
from dialogues.desk import Desk
from hypothesis import given, settings
from hypothesis import strategies as st

import ivr
from ivr import events as e
from ivr.call import replace as call_replace
from ivr.states import AGENT, CALLBACK, CALLER, GONE, HELP, PAGE, SAME, STATES
from ivr.turn import COLUMNS, KEPT, PLAIN

SPOKEN = {name: state for name, state in STATES.items() if state.expects != "answer"}
KEYED = {name: state for name, state in SPOKEN.items() if state.expects in ("key", "digits")}
ASKING = {name: state for name, state in SPOKEN.items() if state.expects in ("key", "digits", "report", "hold")}


def test_every_exit_leads_to_a_state() -> None:
    for name, state in STATES.items():
        for target in (*state.exits.values(), *filter(None, [state.give_up])):
            assert target == SAME or target in STATES, (name, target)


def test_every_state_can_be_reached() -> None:
    reached = {target for state in STATES.values() for target in (*state.exits.values(), state.give_up)}
    assert set(STATES) - reached == {"start", "page", "ring", "agent"}


@pytest.mark.parametrize("name", KEYED)
def test_every_key_prompt_has_exits_for_a_wrong_key_silence_and_hang_up_and_an_end_to_slips(name: str) -> None:
    state = KEYED[name]
    assert {"wrong", "silence", "hang_up", "*"} <= set(state.exits)
    assert state.give_up not in ("", name)
    assert 1 < state.tries <= 3


@pytest.mark.parametrize("name", [name for name in ASKING if name in CALLER or name in CALLBACK])
def test_nine_zero_and_star_mean_the_same_at_every_key_prompt_of_a_customer(name: str) -> None:
    for key, target in HELP.items():
        meant = SAME if name == target else target
        assert ASKING[name].exits[key] == meant


@pytest.mark.parametrize("name", ASKING)
def test_no_state_that_asks_is_without_an_exit_for_a_wrong_key_no_key_and_hang_up(name: str) -> None:
    assert {"wrong", "silence", "hang_up"} <= set(ASKING[name].exits)


def test_no_desk_can_give_nine_zero_or_star_another_meaning() -> None:
    """CASES mail of keys: the help keys come before nothing, whatever a desk configures."""
    rules = ivr.Rules(menu={"1": "report"}, maintenance="5")
    taken = {key for menu in (rules.menu, rules.languages, rules.severities, {rules.maintenance: ""}) for key in menu}
    assert taken.isdisjoint(HELP)


def test_what_a_state_needs_is_known_of_every_desk_or_call_and_its_lack_leads_somewhere() -> None:
    for name, state in STATES.items():
        assert bool(state.needs) == ("skip" in state.exits), name
        assert not state.needs or hasattr(ivr.Rules(), state.needs) or hasattr(ivr.begin("CA1"), state.needs), name


def test_every_state_knows_what_a_hang_up_means() -> None:
    assert [name for name, state in SPOKEN.items() if "hang_up" not in state.exits] == []


def test_every_column_belongs_to_some_state() -> None:
    used = {column for state in STATES.values() for column in state.exits}
    assert set(COLUMNS.values()) <= used
    assert {state.asks for state in STATES.values()} >= set(PLAIN)


def test_the_diagram_names_every_state_and_is_drawn_from_the_table() -> None:
    for leg, table in (("caller", CALLER), ("page", PAGE), ("callback", CALLBACK), ("agent", AGENT)):
        drawn = ivr.mermaid(leg)  # type: ignore[arg-type]
        assert drawn.startswith("stateDiagram-v2\n    [*] --> ")
        assert all(name in drawn for name in table)
    assert "severity --> file_severity: a key of the menu" in ivr.mermaid()
    assert "page_described --> page_described: wrong, star" in ivr.mermaid("page", again=True)


def test_a_wrong_answer_of_the_shell_is_an_error_and_not_a_wrong_key() -> None:
    with pytest.raises(ivr.Unexpected):
        ivr.turn(ivr.begin("CA1"), e.PinRight(), ivr.Rules())


def test_what_was_keyed_is_in_no_repr_and_not_in_the_stored_call() -> None:
    desk = Desk()
    phone = desk.caller()
    for keys in ("1", "100001#", "471108#"):
        phone.keys(keys)
    call = desk.calls[phone.sid]
    assert call.pin_ok
    seen = f"{call!r} {json.dumps(ivr.to_json(call))} {desk.requests!r} {e.Keys('471108')!r} {desk.events}"
    assert "471108" not in seen
    assert "100001" not in seen


def test_a_stored_call_comes_back_the_same() -> None:
    call = replace(
        ivr.begin("CA1"), state="closing", ticket="PR-1002-4137", recordings=("RE1",), minutes=0, pin_ok=True
    )
    assert ivr.from_json(json.loads(json.dumps(ivr.to_json(call)))) == call
    assert ivr.from_json({**ivr.to_json(call), "of_a_newer_version": 1}) == call


def test_what_an_event_leaves_in_a_call_are_fields_of_a_call() -> None:
    """`ivr.call.replace` does not look at the names, for speed."""
    known = {field.name for field in fields(ivr.Call)}
    assert {name for kept in KEPT.values() for name in kept} <= known
    assert call_replace(ivr.begin("CA1"), state="pin", slips=1) == replace(ivr.begin("CA1"), state="pin", slips=1)


def test_a_desk_with_one_language_asks_for_none() -> None:
    desk = Desk(rules=ivr.Rules(languages={"1": "en"}, desk={"en": "Test"}))
    assert desk.caller().says == [
        "Please key in your customer code, then hash. To be called back, press 9. To talk to somebody, 0. To hear this again, star."
    ]


def test_a_desk_names_its_own_severities_keys_and_languages() -> None:
    rules = ivr.Rules(languages={"4": "en"}, severities={"1": "urgent", "5": "P4"}, labels={"urgent": {"en": "fire"}})
    desk = Desk(closed=False, rules=rules)
    phone = desk.caller()
    phone.keys("100001#")
    assert "Press 1 if it is level fire, 5 if it is a question" in phone.says[-1]
    phone.keys("5")
    assert desk.tickets[0]["priority"] == "P4"


def test_a_call_that_goes_in_circles_ends_and_keeps_its_ticket() -> None:
    desk = Desk()
    phone = desk.caller()
    phone.keys("1")
    phone.keys("100001#")
    for _ in range(100):
        phone.keys("*#")
    assert phone.over
    assert [ticket["why"] for ticket in desk.tickets] == ["hung_up"]


def test_a_locked_caller_is_not_asked_for_a_pin() -> None:
    call, rules = replace(ivr.begin("CA1"), state="looking_up", language="en"), ivr.Rules()
    call, step = ivr.turn(call, e.CustomerKnown("acme", "Acme", "locked"), rules)
    assert step == e.OpenTicket("acme", None, False, "locked")
    _, step = ivr.turn(call, e.TicketOpened("PR-1002-4137"), rules)
    assert isinstance(step, ivr.Speak)
    assert "Too many wrong PINs" in ivr.render(step.document, str)


def test_the_ticket_of_a_call_is_opened_only_once() -> None:
    desk = Desk(closed=False)
    phone = desk.caller()
    for keys in ("2", "100001#", "1"):
        phone.keys(keys)
    phone.speak("It burns.")
    phone.keys("0")
    phone.speak("Call me.")
    phone.keys("9")
    phone.keys("#")
    assert len(desk.tickets) == 1
    assert [type(asked).__name__ for asked in desk.requests].count("OpenTicket") == 1
    assert desk.callbacks == ["the calling number"]


def test_waiting_in_our_queue_goes_on_until_somebody_takes_the_caller() -> None:
    desk = Desk(closed=False, people=[e.Person(queue="support")])
    phone = desk.caller()
    phone.keys("1")
    phone.keys("0#")
    desk.timeline.advance(60)
    assert phone.says.count("Resti in linea, le rispondiamo appena possibile.") >= 2
    phone.leave_queue("bridged")
    assert phone.says == ["Grazie, a presto."]
    assert desk.tickets[0]["why"] == "person"


ACTS = st.lists(
    st.one_of(
        st.text("0123456789*#", min_size=1, max_size=7).map(lambda keys: ("keys", keys)),
        st.sampled_from(["100001#", "471108#", "1", "9", "0", "*"]).map(lambda keys: ("keys", keys)),
        st.text(max_size=20).map(lambda words: ("speak", words)),
        st.floats(0, 30).map(lambda seconds: ("wait", seconds)),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(ACTS, st.booleans(), st.booleans())
def test_whatever_a_caller_does_the_call_ends_with_one_ticket_a_report_and_no_page_without_a_pin(
    acts: list[tuple[str, str]], closed: bool, record: bool
) -> None:
    desk = Desk(closed=closed, rules=ivr.Rules(record=record))
    phone = desk.caller()
    for act, what in acts:
        if act == "wait":
            desk.timeline.advance(float(what))
        elif not phone.over:
            getattr(phone, act)(what)
    phone.hang_up()
    desk.timeline.advance(600)
    assert phone.over
    assert phone.errors == []
    assert desk.calls[phone.sid].over
    assert len(desk.tickets) <= 1 + sum(what.count("1") for act, what in acts if act == "keys")  # 1: another report
    assert all(not ticket["paging"] or desk.calls[phone.sid].pin_ok for ticket in desk.tickets)
    if desk.calls[phone.sid].customer:
        assert len(desk.tickets) >= 1


def test_after_the_end_only_a_late_recording_counts() -> None:
    call = replace(ivr.begin("CA1"), state=GONE, language="it", ticket="PR-1002-4137", step=5)
    rules = ivr.Rules()
    for event in (e.Keys("1"), e.Silence(), e.HungUp(), e.Words("hello")):
        after, step = ivr.turn(call, event, rules)
        assert isinstance(step, ivr.Speak)
        assert (after.state, after.step) == (GONE, 5)
    _, step = ivr.turn(call, e.Recorded("RE1", 4), rules)
    assert step == e.AttachRecording("PR-1002-4137", "RE1", 4)


def test_what_stands_in_the_list_of_calls_is_one_name_for_each_thing_that_happened() -> None:
    events = [
        e.PinWrong(),
        e.PinLocked(),
        e.PinLocked(looked=False),
        e.PinRight(),
        e.CallbackRefused("PR-1", "cap"),
        e.Keys("1"),
    ]
    assert [ivr.audit(event) for event in events] == [
        ("pin_wrong",), ("pin_wrong", "pin_locked"), ("pin_locked",), ("pin_ok",), ("callback_refused",), (),
    ]  # fmt: skip


def test_an_engineer_who_waits_hears_that_somebody_else_was_quicker() -> None:
    desk = Desk(language="en")
    phone = desk.ring("page")
    assert "45 minutes left" in phone.says[0]
    desk.page = e.PageOpen("PR-1002-4137", "Acme", "Platinum", "P1", 44)
    phone.keys("*")
    assert "44 minutes left" in phone.says[0]
    desk.page = e.PageTaken("PR-1002-4137", "Anna")
    desk.timeline.advance(20)
    assert phone.says == ["It was already taken by Anna. Thank you, rest well."]
