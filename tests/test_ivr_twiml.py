"""What is spoken and how it is written down: languages, lengths, digits, and XML that no text can break."""

import re
import string
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ivr
from ivr import prompts, states, verbs
from ivr.prompts import TONGUES, one_by_one
from ivr.turn import AFTER_MUSIC
from ivr.turn import document as spoken_in

MENU = {"1": "report", "2": "add", "3": "escalate", "4": "status", "5": "information"}
RULES = ivr.Rules(desk={"it": "Assistenza Prova", "en": "Test support"}, menu=MENU, maintenance="5", greets=True)
FULL = replace(
    ivr.begin("CA1"), name="Consorzio Interregionale", customer="c", greet=True, ticket="PR-1002-4137", why="locked",
    outcome="paging", engineer="Anna Bianchi", look_by=datetime(2026, 11, 23, 8, tzinfo=UTC).isoformat(), ending="5678",
    plan="Platinum", minutes=45, priority="P1", taken_by="Anna", text="All is down.", step=3,
)  # fmt: skip
ALLOWED = {
    "Response": set(),
    "Say": {"language", "voice"},
    "Play": set(),
    "Pause": {"length"},
    "Gather": {
        "action", "actionOnEmptyResult", "finishOnKey", "input", "language", "method", "numDigits",
        "speechTimeout", "timeout",
    },
    "Record": {"action", "finishOnKey", "maxLength", "method", "playBeep", "timeout", "trim", "recordingStatusCallback", "transcribe", "transcribeCallback"},
    "Redirect": {"method"},
    "Dial": {"action", "answerOnBridge", "callerId", "method", "timeout"},
    "Number": {"url", "method"},
    "Conference": {
        "beep", "endConferenceOnExit", "maxParticipants", "region", "startConferenceOnEnter", "statusCallback",
        "statusCallbackEvent", "statusCallbackMethod", "waitMethod", "waitUrl",
    },
    "Enqueue": {"action", "method", "waitUrl", "waitUrlMethod"},
    "Hangup": set(),
}  # fmt: skip


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def documents(call: ivr.Call, record: bool = False) -> dict[str, str]:
    """Every document that can be spoken, by state."""
    rules = replace(RULES, record=record)
    return {
        name: ivr.render(spoken_in(replace(call, state=name), state, rules), lambda n: f"/phone/twilio/step/CA1/{n}")
        for name, state in states.STATES.items()
        if state.expects not in ("answer", "arrival")
    }


def shape(document: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(element.tag, tuple(sorted(element.attrib))) for element in ET.fromstring(document).iter()]


@pytest.mark.parametrize("language", [language for language in TONGUES if language != "en"])
def test_every_language_says_the_same_things_with_the_same_fields(language: str) -> None:
    words, english = TONGUES[language].words, TONGUES["en"].words
    assert set(words) == set(english)
    assert {n: fields(t) for n, t in words.items()} == {n: fields(t) for n, t in english.items()}
    assert (len(TONGUES[language].weekdays), len(TONGUES[language].months)) == (7, 12)


def test_every_prompt_that_the_table_names_is_there() -> None:
    named = {name for state in states.STATES.values() for name in state.says} - {"because", "outcome"}
    reasons = {f"because.{state.why}" for state in states.STATES.values() if state.exits.get("opened") == "message"}
    slips = {f"again.{slip}" for slip in states.SLIPS}
    assert named | reasons | slips <= set(TONGUES["it"].words)


# How a choice is named, in each language: what comes before the first of these is waited through.
CHOICE = {
    "it": "prem|digiti|cancelletto", "en": "press|key in|hash", "de": "drücken|geben sie|raute", "fr": "tapez|dièse",
    "es": "pulse|marque|almohadilla", "pt": "prima|marque|cardinal", "ar": "اضغط|أدخل",
}  # fmt: skip
KEYED = [name for name, state in states.STATES.items() if state.expects in ("key", "digits", "hold")]


@pytest.mark.parametrize("language", sorted(TONGUES))
@pytest.mark.parametrize("name", KEYED)
def test_the_first_choice_comes_within_twelve_seconds(name: str, language: str) -> None:
    """At 14 characters a second (`prompts.CHARACTERS_A_SECOND`), the longest names and a slip before it included."""
    state = states.STATES[name]
    lead = {"which_ticket": "ticket_slip", "waiting": ""}.get(name, "wrong")
    call = replace(FULL, language=language, lead=lead, position=12, wait=125, switched=True)
    said = [said for said in prompts.speech(call, state.says, RULES) if isinstance(said, ivr.verbs.Say)]
    text = said[0].text
    if name == "page_described":
        text = text.replace(call.text, "")
    first = re.search(rf"{CHOICE[language]}|\b1 ", text, re.IGNORECASE)
    if name == "closing":  # nothing need be chosen there: who only listens is done
        first = re.search(r"$", text.partition(one_by_one(FULL.ticket or ""))[0])
    assert first, text
    before = text[: first.start()]
    assert len(before) / prompts.CHARACTERS_A_SECOND <= 12, before


def test_a_menu_of_seven_languages_offers_each_in_its_own() -> None:
    rules = replace(RULES, languages={str(key): language for key, language in enumerate(TONGUES, 1)})
    said = prompts.speech(ivr.begin("CA1"), ("welcome", "languages"), rules)
    assert [one.language for one in said if isinstance(one, verbs.Say)] == [its.voice for its in TONGUES.values()]
    assert all(f" {key}" in one.text for key, one in enumerate(said, 1) if isinstance(one, verbs.Say))


def test_who_waits_hears_the_place_then_the_music_and_is_looked_at_again_soon_after() -> None:
    """CASES phone 31."""
    rules, call = (
        replace(RULES, music="https://desk.example.test/hold.wav"),
        replace(FULL, state="waiting", language="en"),
    )
    (gather, _) = spoken_in(call, states.STATES["waiting"], rules)
    assert isinstance(gather, verbs.Gather)
    assert [type(part) for part in gather.prompt] == [verbs.Say, verbs.Play]
    assert gather.seconds == AFTER_MUSIC
    assert "<Play>https://desk.example.test/hold.wav</Play>" in ivr.waiting(("it", "en"), music=rules.music)


def test_a_desks_own_recording_is_played_instead_of_speech_and_fields_are_still_spoken() -> None:
    rules = replace(RULES, recorded={"it": {"code": "https://desk.example.test/code.mp3"}})
    call = replace(ivr.begin("CA1"), language="it")
    assert prompts.speech(call, ("code", "help"), rules)[0] == verbs.Play("https://desk.example.test/code.mp3")
    assert isinstance(prompts.speech(call, ("code", "help"), rules)[1], verbs.Say)
    english = replace(call, language="en")
    assert [type(one) for one in prompts.speech(english, ("code", "help"), rules)] == [verbs.Say]


def test_a_ticket_number_is_spoken_digit_by_digit() -> None:
    assert prompts.one_by_one("PR-1002-4137") == "1 0 0 2, 4 1 3 7"
    assert prompts.one_by_one("41374") == "4 1 3 7 4"


@pytest.mark.parametrize(
    ("minutes", "italian", "english"),
    [
        (45, "Restano 45 minuti.", "45 minutes left."),
        (1, "Restano un minuto.", "one minute left."),
        (0, "Il tempo scade adesso.", "Time is up now."),
        (-5, "Il tempo è scaduto da 5 minuti.", "Time ran out 5 minutes ago."),
        (61, "Restano un'ora e un minuto.", "one hour and one minute left."),
        (480, "Restano 8 ore.", "8 hours left."),
        (6000, "Restano 4 giorni.", "4 days left."),
        (None, "", ""),
    ],
)
def test_minutes_left_are_spoken_in_words(minutes: int | None, italian: str, english: str) -> None:
    assert (prompts.left(minutes, "it"), prompts.left(minutes, "en")) == (italian, english)


def test_an_instant_is_spoken_on_the_desks_own_clock() -> None:
    iso = datetime(2026, 3, 29, 1, 5, tzinfo=UTC).isoformat()
    assert prompts.moment(iso, "it", "Europe/Rome") == "domenica 29 marzo alle ore 3:05"
    assert prompts.moment(iso, "en", "Europe/Rome") == "Sunday 29 March at 3:05"


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize("language", [None, *sorted(TONGUES)])
def test_every_document_has_only_verbs_and_attributes_that_carriers_know(language: str | None, record: bool) -> None:
    for call in (replace(FULL, language=language), replace(FULL, language=language, audio="https://x/1", queue="q")):
        for name, document in documents(call, record).items():
            assert len(document) < 8_000, name
            assert all(said.text for said in ET.fromstring(document).iter("Say")), name
            for tag, attributes in shape(document):
                assert set(attributes) <= ALLOWED[tag], (name, tag)


@pytest.mark.parametrize(
    "name", [name for name, state in states.STATES.items() if state.expects in ("key", "digits", "report")]
)
def test_silence_comes_back_as_the_next_step_with_and_without_the_gathers_help(name: str) -> None:
    document = ET.fromstring(documents(replace(FULL, language="it"))[name])
    gather, redirect = document.find("Gather"), document.find("Redirect")
    assert gather is not None
    assert redirect is not None
    assert gather.get("actionOnEmptyResult") == "true"
    assert gather.get("action") == redirect.text == "/phone/twilio/step/CA1/3"


def test_the_notice_is_spoken_before_the_first_recorded_second() -> None:
    document = ET.fromstring(documents(replace(FULL, language="en"), record=True)["description"])
    tags = [element.tag for element in document]
    assert tags.index("Record") > tags.index("Say")
    assert "recorded" in " ".join(element.text or "" for element in document if element.tag == "Say")


@given(st.text(st.characters(), max_size=60))
def test_no_text_breaks_the_xml_or_changes_its_verbs(text: str) -> None:
    plain, odd = replace(FULL, language="en"), replace(
        FULL, language="en", name=text, engineer=text, taken_by=text, text=text, plan=text, priority=text, audio=""
    )  # fmt: skip
    plain = replace(plain, text="x" if text else "")
    for name, document in documents(odd).items():
        assert shape(document) == shape(documents_of(plain)[name])


KNOWN: dict[ivr.Call, dict[str, str]] = {}


def documents_of(call: ivr.Call) -> dict[str, str]:
    if call not in KNOWN:
        KNOWN[call] = documents(call)
    return KNOWN[call]


@pytest.mark.parametrize(
    "text",
    ["</Say><Dial>+39899000000</Dial>", "]]><Hangup/>", "&#x0;", "\x00\x0b\ufffe\ud800", "{ticket}{0}{", "a" * 9_000],
)
def test_injected_text_is_only_spoken(text: str) -> None:
    document = ET.fromstring(ivr.render((verbs.Say(text, "en-GB"), verbs.Hangup()), str))
    assert [element.tag for element in document] == ["Say", "Hangup"]
    assert len(document[0].text or "") <= 4_096
    spoken = prompts.sentence(replace(FULL, name=text[:100]), "page", "en", RULES)
    assert text[:100] in spoken


def test_the_apology_needs_no_call() -> None:
    assert [element.tag for element in ET.fromstring(ivr.apology(("it", "en")))] == ["Say", "Say", "Hangup"]
