"""Every document that Presa can answer with is one that the carriers take: elements, attributes, values, lengths."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ivr
from gateway.phone import grammar
from gateway.web.phone import Addresses
from ivr import states
from ivr.prompts import TONGUES
from ivr.turn import document as spoken_in

WHERE = Addresses("https://desk.example.test", "/phone/telnyx")
SID = "v3:9X2vxPDFY2RHSJ1EdMS0RHRksMTg7ldNxdjWbVr9zBjbGjGsSe-aiQ"
CALL = replace(
    ivr.begin(SID), name="Consorzio", customer="c", greet=True, ticket="PR-1002-4137", why="locked", outcome="paging",
    engineer="Anna", look_by="2026-11-23T08:00:00+00:00", ending="5678", plan="Gold", minutes=45, priority="P1",
    taken_by="Bruno", text="All is down.", step=3, queue="desk", person="+390612345678", room="page12-1",
)  # fmt: skip
RULES = ivr.Rules(desk={"it": "Assistenza", "en": "Support"}, caller_id="+390200000000", maintenance="5")


def every(call: ivr.Call, rules: ivr.Rules) -> dict[str, str]:
    """The document of each state that speaks."""
    return {
        name: ivr.render(spoken_in(replace(call, state=name), state, rules), lambda step: WHERE.step(SID, step))
        for name, state in states.STATES.items()
        if state.expects not in ("answer", "arrival")
    }


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize("language", [None, *sorted(TONGUES)])
def test_every_state_in_every_language_speaks_what_carriers_take(language: str | None, record: bool) -> None:
    rules = replace(RULES, record=record, transcribe=record)
    for call in (
        CALL,
        replace(CALL, queue=""),
        replace(CALL, audio="https://desk.example.test/phone/recordings/RE1/x.mp3"),
    ):
        for name, document in every(replace(call, language=language), rules).items():
            assert grammar.faults(document) == (), name
            for element in ET.fromstring(document).iter():
                for attribute in (
                    "action",
                    "waitUrl",
                    "recordingStatusCallback",
                    "transcribeCallback",
                    "statusCallback",
                ):
                    assert element.get(attribute, WHERE.voice).startswith(WHERE.public_url), name


def test_what_no_call_is_needed_for_is_taken_too() -> None:
    for languages in (("it",), ("it", "en"), tuple(TONGUES)):
        for document in (
            ivr.apology(languages),
            ivr.waiting(languages),
            ivr.moment(languages, "https://desk.example.test/phone/twilio/step/CA1/3?again=1&kept=abc=="),
        ):
            assert grammar.faults(document) == ()


NASTY = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "</Say><Dial>+39899</Dial>",
            "]]>",
            "&#0;",
            "\x00\x0b\ufffe",
            '"><Hangup/>',
            "{ticket}",
            "%s",
            "\ud800",
            "x" * 5_000,
        ]
    ),
)


@settings(max_examples=60, deadline=None)
@given(name=NASTY, text=NASTY, engineer=NASTY, plan=NASTY, queue=NASTY, person=NASTY)
def test_no_value_of_any_field_changes_a_document_or_makes_a_long_say(
    name: str, text: str, engineer: str, plan: str, queue: str, person: str
) -> None:
    """CASES V3."""
    call = replace(
        CALL, name=name, text=text, engineer=engineer, plan=plan, language="en", queue="", person=CALL.person
    )
    plain = every(replace(call, name="A", text="B", engineer="C", plan="D"), RULES)
    for state, document in every(call, RULES).items():
        root = ET.fromstring(document)
        assert [element.tag for element in root.iter() if element.tag != "Say"] == [
            element.tag for element in ET.fromstring(plain[state]).iter() if element.tag != "Say"
        ], state
        assert all(len(said.text or "") <= 4_000 for said in root.iter("Say")), state
        assert grammar.faults(document) == (), state


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        ("<Speak>x</Speak>", "Speak in Response"),
        ("<Say><Dial>1</Dial></Say>", "Dial in Say"),
        ('<Say colour="red">x</Say>', "Say colour='red'"),
        (f"<Say>{'x' * 4_097}</Say>", "Say is 4097 characters long"),
        ('<Gather timeout="0"/>', "Gather timeout='0'"),
        ('<Gather timeout="soon"/>', "Gather timeout='soon'"),
        ('<Gather numDigits="²"/>', "Gather numDigits='²'"),
        ('<Gather input="ears"/>', "Gather input='ears'"),
        ("<Gather><Hangup/></Gather>", "Hangup in Gather"),
        ("<Gather>press 1</Gather>", "text in Gather"),
        ('<Dial timeout="2">+390612345678</Dial>', "Dial timeout='2'"),
        ("<Dial>112</Dial>", "text of Dial: '112'"),
        ("<Dial><Number>sip:x</Number></Dial>", "text of Number: 'sip:x'"),
        ("<Redirect>a b</Redirect>", "text of Redirect: 'a b'"),
        (f"<Redirect>/{'x' * 4_000}</Redirect>", "Redirect is 4001 characters long"),
        (f"<Enqueue>{'q' * 65}</Enqueue>", "text of Enqueue: 'qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq'"),
    ],
)
def test_what_carriers_do_not_take_is_named(inside: str, fault: str) -> None:
    assert fault in grammar.faults(f"<Response>{inside}</Response>")


@pytest.mark.parametrize(
    "document", ["", "<Response>", "<Answer/>", "<Response>\x00</Response>", "<Response/>" + " " * 70_000]
)
def test_what_is_no_document_at_all_is_said_so(document: str) -> None:
    assert len(grammar.faults(document)) == 1
