"""The simulated telephone does what the carrier's would: partial digits, barge-in, the hash alone, time-outs, hang-ups."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from dialogues.desk import PUBLIC, STATUS, TOKEN, VOICE

from gateway.phone import twilio
from gateway.phone.simulator import Line, Phone
from gateway.phone.timeline import Timeline


class Script:
    """Documents by path; whatever was posted is kept."""

    def __init__(self, **documents: str) -> None:
        self.documents = {"next": "<Hangup/>", **documents}
        self.posted: list[tuple[str, Mapping[str, str]]] = []
        self.timeline = Timeline(1_000.0)
        self.line = Line(self.fetch, self.timeline, TOKEN)

    def fetch(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        path = url.removeprefix(PUBLIC)
        assert twilio.Signatures(PUBLIC, (TOKEN,)).check(path, tuple(form.items()), headers["X-Twilio-Signature"])
        name = path.rpartition("/")[2]
        self.posted.append((name, form))
        body = self.documents.get(name, "")
        return 200, body if body.startswith("<?") else f"<Response>{body}</Response>"

    def call(self) -> Phone:
        return Phone(self.line, from_="+390612345678", to="+390200000000").call(VOICE, STATUS)

    def last(self, *names: str) -> list[str | None]:
        return [self.posted[-1][1].get(name) for name in names]

    def names(self) -> list[str]:
        return [name for name, _ in self.posted]


GATHER = '<Gather action="next" timeout="5"{}><Say>Key in your code please, and take your time.</Say></Gather><Redirect>silent</Redirect>'


def test_keys_barge_in_and_the_hash_ends_them() -> None:
    script = Script(voice=GATHER.format(""))
    phone = script.call()
    phone.keys("123")
    assert script.names() == ["voice"]
    phone.keys("#")
    assert script.posted[1][0] == "next"
    assert [script.posted[1][1].get(name) for name in ("Digits", "FinishedOnKey")] == ["123", "#"]


def test_a_barge_in_starts_the_time_out_and_partial_digits_are_handed_over() -> None:
    """CASES phone 29."""
    script = Script(voice=GATHER.format(""))
    phone = script.call()
    phone.keys("12")
    script.timeline.advance(4)
    phone.keys("3")
    script.timeline.advance(4)
    assert script.names() == ["voice"]
    script.timeline.advance(1)
    assert (script.posted[1][0], script.posted[1][1]["Digits"]) == ("next", "123")


def test_the_time_out_begins_after_the_prompt() -> None:
    script = Script(voice=GATHER.format(""), silent="")
    script.call()
    script.timeline.advance(5.5)
    assert script.names() == ["voice"]
    script.timeline.advance(5)
    assert script.names() == ["voice", "silent", "status"]


@pytest.mark.parametrize(("attribute", "then"), [("", "silent"), (' actionOnEmptyResult="true"', "next")])
@pytest.mark.parametrize("act", ["hash", "silence"])
def test_the_hash_alone_and_silence_are_the_same(attribute: str, then: str, act: str) -> None:
    script = Script(voice=GATHER.format(attribute), silent="<Hangup/>")
    phone = script.call()
    if act == "hash":
        phone.keys("#")
    else:
        script.timeline.advance(20)
    assert script.names() == ["voice", then, "status"]
    if then == "next":
        assert script.posted[1][1]["Digits"] == ""


def test_so_many_digits_end_a_gather_without_a_hash() -> None:
    script = Script(voice=GATHER.format(' numDigits="1" finishOnKey=""'))
    script.call().keys("#")
    assert script.posted[1][1]["Digits"] == "#"


def test_a_gather_without_barge_in_is_deaf_while_it_speaks() -> None:
    script = Script(voice=GATHER.format(' bargeIn="false" numDigits="1"'))
    phone = script.call()
    phone.keys("1")
    assert script.names() == ["voice"]
    script.timeline.advance(4)
    phone.keys("2")
    assert script.posted[1][1]["Digits"] == "2"


def test_words_are_heard_only_where_speech_is_taken() -> None:
    script = Script(voice=GATHER.format(' input="dtmf speech"'))
    script.call().speak("all is down")
    assert script.posted[1][1]["SpeechResult"] == "all is down"
    deaf = Script(voice=GATHER.format(""))
    deaf.call().speak("all is down")
    assert deaf.names() == ["voice"]


RECORD = '<Record action="next" timeout="4" maxLength="20" finishOnKey="#"/><Redirect>silent</Redirect>'


@pytest.mark.parametrize("act", ["hash", "silence", "too long"])
def test_a_recording_ends_by_a_key_by_silence_or_by_its_longest_time(act: str) -> None:
    script = Script(voice=RECORD)
    phone = script.call()
    for _ in range(30 if act == "too long" else 2):
        phone.speak("one more word")
        script.timeline.advance(1)
    phone.keys("#" if act == "hash" else "")
    script.timeline.advance(10)
    assert script.names() == ["voice", "next", "status"]
    form = script.posted[1][1]
    assert form["Digits"] == ("#" if act == "hash" else "")
    assert 1 <= int(form["RecordingDuration"]) <= 20
    assert script.line.recordings[form["RecordingSid"]].startswith("one more word")
    assert twilio.RECORDING.fullmatch(form["RecordingSid"])


def test_silence_records_nothing() -> None:
    script = Script(voice=RECORD, silent="<Hangup/>")
    script.call()
    script.timeline.advance(5)
    assert script.names() == ["voice", "silent", "status"]


def test_a_recording_comes_in_after_the_hang_up() -> None:
    script = Script(voice=RECORD)
    phone = script.call()
    phone.speak("it burns")
    phone.hang_up()
    assert script.names() == ["voice", "status", "next"]
    assert script.last("Digits", "CallStatus") == ["hangup", "completed"]


def test_the_end_is_told_once_with_the_seconds_of_the_call() -> None:
    script = Script(voice='<Pause length="600"/>')
    phone = script.call()
    script.timeline.advance(61)
    phone.hang_up()
    phone.hang_up()
    script.timeline.advance(1_000)
    assert script.names() == ["voice", "status"]
    assert script.last("CallStatus", "CallDuration", "SequenceNumber") == ["completed", "61", "0"]


def test_a_document_that_ends_ends_the_call() -> None:
    script = Script(voice='<Say language="it-IT">Ciao.</Say><Play>https://x.test/a.mp3</Play><Pause length="2"/>')
    phone = script.call()
    script.timeline.advance(30)
    assert phone.over
    assert [(said.language, said.text) for said in phone.heard] == [
        ("it-IT", "Ciao."),
        ("", "(plays https://x.test/a.mp3)"),
    ]
    assert [said.at for said in phone.heard] == [1000.0, pytest.approx(1000 + 5 / 14)]


@pytest.mark.parametrize(
    "body",
    [
        "<?xml version='1.0'?><Response><Say>",
        "<?xml version='1.0'?><Answer/>",
        "<Shout>hi</Shout>",
        f"<Say>{'a' * 5000}</Say>",
    ],
)
def test_a_document_that_the_carrier_would_refuse_is_an_application_error(body: str) -> None:
    phone = Script(voice=body).call()
    assert phone.over
    assert "application error" in phone.says[0]
    assert phone.errors


def test_a_failing_address_is_an_application_error() -> None:
    script = Script()
    script.line.fetch = lambda url, form, headers: (500, "")
    phone = script.call()
    assert phone.over
    assert phone.errors[0].startswith("500 from")


def test_a_call_may_be_rejected() -> None:
    script = Script(voice='<Reject reason="busy"/>')
    assert script.call().status == "busy"


def test_a_dial_without_anybody_to_ring_fails_and_goes_on() -> None:
    script = Script(voice='<Dial action="next">+390298765432</Dial>')
    script.call()
    script.timeline.advance(1)
    assert script.posted[1][1]["DialCallStatus"] == "failed"


def test_a_caller_stands_in_a_conference_until_they_hang_up() -> None:
    script = Script(voice="<Dial><Conference>room</Conference></Dial>")
    phone = script.call()
    script.timeline.advance(3_600)
    assert not phone.over
    phone.hang_up()
    assert phone.says == ["(conference room)", "(music)"]


def test_a_waiting_caller_hears_the_wait_document_over_and_over_and_may_leave() -> None:
    script = Script(
        voice='<Enqueue waitUrl="wait" action="next">desk</Enqueue>', wait="<Say>Please hold.</Say><Pause length='9'/>"
    )
    phone = script.call()
    script.timeline.advance(35)
    assert phone.says == ["Please hold."] * 4
    phone.leave_queue("bridged")
    assert (script.posted[-2][0], script.posted[-2][1]["QueueResult"]) == ("next", "bridged")
    assert phone.over


def at(timeline: Timeline, seen: list[float]) -> Callable[[], None]:
    return lambda: seen.append(timeline.now)


def test_timers_run_in_order_each_at_its_own_instant() -> None:
    timeline, seen = Timeline(10.0), list[float]()
    timeline.later(3, at(timeline, seen))
    timeline.later(1, lambda: timeline.later(1, at(timeline, seen)))
    gone = timeline.later(2.5, at(timeline, seen))
    gone.cancel()
    timeline.advance(1.5)
    assert (seen, timeline.now, timeline.next_at()) == ([], 11.5, 12.0)
    timeline.advance(10)
    assert (seen, timeline.now, timeline.next_at()) == ([12.0, 13.0], 21.5, None)


def test_time_moved_through_datetimes_reaches_every_timer() -> None:
    timeline, seen = Timeline(datetime(2026, 11, 22, 2, 30, tzinfo=UTC).timestamp()), list[float]()
    for part in range(1, 500):
        timeline.later(part / 14, at(timeline, seen))
    while (due := timeline.next_at()) is not None:
        count = len(seen)
        timeline.advance_to(datetime.fromtimestamp(due, UTC).timestamp())
        assert len(seen) > count
    assert len(seen) == 499
