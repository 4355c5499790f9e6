"""Calls from outside: signed forms in, TwiML out; what a caller can do, and what an attacker can't."""

import http.server
import json
import re
import select
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from outside_presa import (  # noqa: F401 # fmt: skip
    ACCOUNT,
    ACME_NUMBER,
    DESK_NUMBER,
    PIN,
    TOKEN,
    Call,
    Carrier,
    Leg,
    Presa,
    Raw,
    mail,
    post,
    results,
    signature,
)

GAMMA_NUMBER, STRANGER = "+393331234567", "+390299998888"
HOSTILE = ['"><Dial>+39899</Dial><Say a="', "</Say></Response><Response>", "&xxe;", "]]>", "\x00\x01\x0b\ud7ff", "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>", "'; DROP TABLE calls;--", "\u202e\ufffe🙂" * 50, "x" * 20_000]  # fmt: skip


@pytest.fixture(scope="module")
def carrier() -> Iterator[Carrier]:
    stand_in = Carrier()
    yield stand_in
    stand_in.close()


@pytest.fixture(scope="module")
def presa(tmp_path_factory: pytest.TempPathFactory, carrier: Carrier) -> Iterator[Presa]:
    folder: Path = tmp_path_factory.mktemp("phone")
    with Presa(folder, carrier) as running:
        yield running


def call(presa: Presa, *prompts: str, from_: str = ACME_NUMBER) -> Call:
    return Call(presa.base, from_=from_).dial().pressing(*prompts)


def row(presa: Presa, one: Leg) -> dict[str, Any]:
    return presa.calls()[one.sid]


# The dialogue ---------------------------------------------------------------------------------------------------


def test_a_customer_after_hours_gets_from_the_greeting_to_a_spoken_ticket_number(presa: Presa) -> None:
    one = call(presa, "1", "100001#", f"{PIN}#", "3").record()
    told = row(presa, one)
    assert (told["customer"], told["events"][:1]) == ("ACME", ["code_known"])
    assert [event for event in told["events"] if event in ("pin_ok", "pin_wrong", "recording")] == [
        "pin_ok",
        "recording",
    ]
    ticket = presa.tickets()[told["ticket"]]
    assert (ticket["customer"], ticket["priority"], ticket["plan"], ticket["contact"] is not None) == (
        "ACME",
        "P3",
        "platinum",
        True,
    )
    digits = re.sub(r"\D", "", told["ticket"])
    assert digits in re.sub(r"\D", "", one.said)
    assert ACME_NUMBER not in one.said


@pytest.mark.parametrize(("key", "language", "word"), [("1", "it-IT", "codice"), ("2", "en-GB", "code")])
def test_the_language_is_chosen_by_key(key: str, language: str, word: str, presa: Presa) -> None:
    one = call(presa)
    assert one.language == {"it-IT", "en-GB"}
    one.keys(key)
    assert one.language == {language}
    assert word in one.said


def test_a_wrong_key_a_star_and_silence_say_the_prompt_again(presa: Presa) -> None:
    one = call(presa)
    menu = "For English, press 2."
    assert menu in one.keys("7").said
    assert menu in one.keys("*").said
    one.keys("2")
    again = one.said
    assert again in one.keys("*").said
    assert again in one.silence().said
    assert "PIN" in one.keys("100001#").said


def test_an_unknown_code_is_asked_again_and_then_a_message_is_taken(presa: Presa) -> None:
    one = call(presa, "2", "999999#", "888888#", from_=STRANGER)
    while one.waits_for == "Gather":
        one.keys("777777#")
    one.record()
    told = row(presa, one)
    ticket = presa.tickets()[told["ticket"]]
    assert (ticket["customer"], told["customer"]) == (None, None)
    assert told["events"][0] == "code_unknown"


def test_a_customer_without_on_call_leaves_a_message_and_no_pin_is_asked(presa: Presa) -> None:
    one = call(presa, "2", "100003#", from_=GAMMA_NUMBER)
    assert one.waits_for == "Record"
    assert "PIN" not in one.said
    one.record()
    told = row(presa, one)
    assert (told["customer"], presa.tickets()[told["ticket"]]["customer"]) == ("GAMMA", "GAMMA")
    assert not [event for event in told["events"] if event.startswith("pin")]


PROMPTS = {
    "language": (),
    "code": ("2",),
    "pin": ("2", "100001#"),
    "severity": ("2", "100001#", f"{PIN}#"),
}


def test_nine_and_zero_alone_hold_at_each_prompt(presa: Presa) -> None:
    made = {}
    for number, prompt in enumerate(PROMPTS):
        for key in "09":
            from_ = ACME_NUMBER if prompt == "severity" else f"+39021117{number}{key}0"
            one = call(presa, *PROMPTS[prompt], f"{key}#" if prompt in ("code", "pin") else key, from_=from_)
            assert one.waits_for == {"9": "Gather", "0": "Record"}[key], (prompt, key)
            made[prompt, key] = one.keys("#") if key == "9" else one.record()
    told, tickets = presa.calls(), presa.tickets()
    for (prompt, key), one in made.items():
        mine = told[one.sid]
        assert mine["ticket"] in tickets
        assert ("callback_taken" in mine["events"]) == (key == "9"), (prompt, key, mine)
        assert (mine["customer"] == "ACME") == (prompt in ("pin", "severity")), (prompt, key, mine)
    assert len({told[one.sid]["ticket"] for one in made.values()}) == len(made)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_star_alone_says_the_prompt_again_and_costs_nothing(prompt: str, presa: Presa) -> None:
    one = call(presa, *PROMPTS[prompt])
    first = one.said
    for _ in range(5):
        one.keys("*#" if prompt in ("code", "pin") else "*")
        assert first.split(".")[-2] in one.said
    assert not [event for event in row(presa, one)["events"] if event == "pin_wrong"]


# what was pressed, is there a ticket, of whom; the number is nobody's but at the severity prompt, where it is ACME's
HANG_UPS: list[tuple[tuple[str, ...], bool, str | None]] = [
    ((), False, None),
    (("2",), False, None),
    (("2", "100001#"), True, "ACME"),
    (("2", "100001#", "000000#"), True, "ACME"),
    (("2", "999999#"), True, None),
    (("2", "9#"), True, None),
    (("2", "0#"), True, None),
    (("2", "100003#"), True, "GAMMA"),
]  # fmt: skip


def test_a_caller_who_hangs_up_leaves_a_ticket_as_soon_as_there_is_something_to_say(presa: Presa) -> None:
    made = [
        (call(presa, *prompts, from_=f"+39024440{n:03}"), opened, who)
        for n, (prompts, opened, who) in enumerate(HANG_UPS)
    ]
    made += [(call(presa, "2", "100001#", f"{PIN}#", *more), True, "ACME") for more in ((), ("4",))]
    for one, _, _ in made:
        assert one.hang_up() in (200, 204)
    told = presa.calls()
    for one, opened, customer in made:
        assert (told[one.sid]["ticket"] is not None) == opened, told[one.sid]
        assert told[one.sid]["customer"] == customer
        assert one.hang_up() in (200, 204)
    assert presa.calls() == told, "said twice, done once"


def test_a_recording_that_comes_after_the_hang_up_is_still_attached(presa: Presa) -> None:
    one = call(presa, "2", "100001#", f"{PIN}#", "4")
    one.hang_up()
    status, _ = post(one._verb("Record").get("action", ""), {
        **one.common, "CallStatus": "completed", "RecordingSid": "RE" + "a" * 32, "RecordingDuration": "4", "Digits": "hangup",
        "RecordingUrl": f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE{'a' * 32}",
    })  # fmt: skip
    assert status == 200
    assert "recording" in row(presa, one)["events"]


def test_a_status_before_the_first_webhook_or_of_nobody_changes_nothing(presa: Presa) -> None:
    one = Call(presa.base, from_=ACME_NUMBER)
    assert one.hang_up() in (200, 204)
    one.dial().pressing("2")
    assert row(presa, one)["ticket"] is None
    assert post(f"{presa.base}/phone/twilio/status", {**one.common, "CallStatus": "nonsense"})[0] in (200, 204)


# Callbacks ------------------------------------------------------------------------------------------------------

TARGETS = {
    "": "taken",  # the calling number
    "0266660002": "taken",
    "3351234567": "taken",
    "00390266660003": "taken",
    "00441632960961": "refused",
    "0015005550006": "refused",
    "899123456": "refused",
    "00393": "refused",
    "112": "refused",
    "117": "refused",
    "800123456": "refused",
    "892000": "refused",
    "00881612345678": "refused",
    "00870773111111": "refused",
    "199123456": "refused",
    "00378054988": "refused",
    "0037966982": "refused",
}


def test_a_callback_goes_to_ordinary_italian_numbers_only(presa: Presa) -> None:
    made = {number: call(presa, "2", "9#", f"{number}#", from_=f"+390255500{n:03}") for n, number in enumerate(TARGETS)}
    told, tickets = presa.calls(), presa.tickets()
    for number, end in TARGETS.items():
        mine = told[made[number].sid]
        assert [event for event in mine["events"] if event.startswith("callback")] == [f"callback_{end}"], number
        assert mine["ticket"] in tickets


def test_silence_after_nine_means_the_calling_number(presa: Presa) -> None:
    one = call(presa, "2", "9#", from_="+390266660009").silence()
    assert "callback_taken" in row(presa, one)["events"]
    assert "009" in re.sub(r"\D", "", one.said)


def test_a_caller_whose_number_cannot_be_called_back_gets_a_ticket_and_a_refusal(presa: Presa) -> None:
    shown = [
        "anonymous",
        "Restricted",
        "",
        "+266696687",
        "sip:x@evil.example",
        "+441632960961",
        "+39899123456",
        "client:anna",
        *HOSTILE[:6],
    ]
    made = {from_: call(presa, "2", "9#", "#", from_=from_) for from_ in shown}
    told, tickets = presa.calls(), presa.tickets()
    for from_, one in made.items():
        assert [event for event in told[one.sid]["events"] if event.startswith("callback")] == ["callback_refused"], (
            from_
        )
        assert told[one.sid]["ticket"] in tickets


def test_the_sixth_callback_of_a_caller_and_to_a_number_within_an_hour_is_refused(presa: Presa) -> None:
    calls = [call(presa, "2", "9#", f"026777000{n}#", from_="+390288880000") for n in range(6)]
    calls += [call(presa, "2", "9#", "0267770099#", from_=f"+39028888000{n + 1}") for n in range(6)]
    told = presa.calls()
    ends = [next(event for event in told[one.sid]["events"] if event.startswith("callback")) for one in calls]
    assert ends == (["callback_taken"] * 5 + ["callback_refused"]) * 2
    assert all(told[one.sid]["ticket"] for one in calls)
    assert len({told[one.sid]["ticket"] for one in calls}) == 12


# V1: signatures -------------------------------------------------------------------------------------------------


def voice(presa: Presa) -> tuple[str, dict[str, str]]:
    one = Call(presa.base)
    return f"{presa.base}/phone/twilio/voice", {**one.common, "CallStatus": "ringing"}


def test_a_webhook_without_the_right_signature_is_refused_and_does_nothing(presa: Presa) -> None:
    url, fields = voice(presa)
    known = len(presa.calls())
    right = signature(url, fields.items())
    wrong = {
        "none": "", "of another token": signature(url, fields.items(), "another"), "of another host": signature(url.replace("127.0.0.1", "presa.example"), fields.items()),
        "of another path": signature(url.replace("voice", "status"), fields.items()), "of https": signature(url.replace("http:", "https:"), fields.items()),
        "of other fields": signature(url, {**fields, "From": "+390200000099"}.items()), "cut": right[:-2], "of an empty token": signature(url, fields.items(), ""),
        "in a list": f"{right},{right}", "not ASCII": "\xe9" * 28,
    }  # fmt: skip
    for name, given in wrong.items():
        status, _ = post(url, fields, token=None, headers={"X-Twilio-Signature": given} if given else {})
        assert status == 403, name
    assert len(presa.calls()) == known
    assert post(url, fields, token=None, headers={"X-Twilio-Signature": right})[0] == 200


def test_every_address_of_the_phone_wants_a_signature_and_knows_its_calls(presa: Presa) -> None:
    _, fields = voice(presa)
    told = {**fields, "CallStatus": "completed"}
    known = {
        "status": (200, 204),
        "page": (404,),
        "page?attempt=page1-1": (404,),
        f"step/{fields['CallSid']}/1": (404,),
    }
    for path, right in known.items():
        assert post(f"{presa.base}/phone/twilio/{path}", told, token=None)[0] == 403, path
        assert post(f"{presa.base}/phone/twilio/{path}", told)[0] in right, path
    assert presa.get("/phone/recordings/RE123/guessed.mp3")[0] in (403, 404)


def test_a_key_that_arrives_after_the_hang_up_changes_nothing(presa: Presa) -> None:
    one = call(presa, "2", "100001#", from_="+390244409999")
    one.hang_up()
    told = row(presa, one)
    one.keys(f"{PIN}#")
    assert one.over
    assert row(presa, one) == told


def test_fields_or_a_query_added_to_a_signed_form_break_it(presa: Presa) -> None:
    url, fields = voice(presa)
    headers = {"X-Twilio-Signature": signature(url, fields.items())}
    assert post(url, {**fields, "Digits": "1"}, token=None, headers=headers)[0] == 403
    assert post(f"{url}?x=1", fields, token=None, headers=headers)[0] == 403
    assert post(url, fields, token=None, headers={**headers, "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"})[0] == 200  # fmt: skip


def test_whatever_is_no_small_signed_form_is_refused(presa: Presa) -> None:
    url, fields = voice(presa)
    path, form = "/phone/twilio/voice", "application/x-www-form-urlencoded"

    def answer(body: bytes, given: str, kind: str = form) -> int:
        return presa.request("POST", path, body, {"X-Twilio-Signature": given, "Content-Type": kind})[0]

    right, plain = signature(url, fields.items()), urlencode(fields).encode()
    huge, many = {**fields, "SpeechResult": "x" * 600_000}, {**fields, **{f"X{n}": "1" for n in range(5000)}}
    known = len(presa.calls())
    assert answer(json.dumps(fields).encode(), signature(url, ()), "application/json") in (403, 415)
    assert answer(plain, right, "application/json") in (403, 415)
    assert answer(b"--b\r\n\r\n--b--", right, "multipart/form-data; boundary=b") in (403, 415)
    assert answer(b"CallSid=%ff%fe", right) == 403
    assert answer(urlencode(huge).encode(), signature(url, huge.items())) in (403, 413)
    assert answer(urlencode(huge).encode(), "") in (403, 413)
    assert answer(urlencode(many).encode(), signature(url, many.items())) in (403, 413)
    assert presa.get(f"{path}?{urlencode(fields)}")[0] in (403, 405)
    assert len(presa.calls()) == known


def test_a_call_id_that_is_none_is_refused_though_signed(presa: Presa) -> None:
    url, fields = voice(presa)
    known = len(presa.calls())
    for sid in ("", "CA", "../../etc/passwd", "CA<x>", "CA" + "0" * 300, "CA0' OR '1'='1"):
        assert post(url, {**fields, "CallSid": sid})[0] in (400, 403), sid
    assert len(presa.calls()) == known


def test_another_call_cannot_answer_for_this_one_nor_a_step_that_was_never_offered(presa: Presa) -> None:
    mine, other = call(presa, "2"), call(presa)
    action = mine._verb("Gather").get("action", "")
    assert post(action, {**other.common, "Digits": "100001"})[0] in (403, 404)
    assert post(re.sub(r"\d+$", "77", action), {**mine.common, "Digits": "1"})[0] in (403, 404)
    assert row(presa, mine)["customer"] is None


# V2: replays ----------------------------------------------------------------------------------------------------


def test_the_first_webhook_ten_at_once_gets_the_same_bytes(presa: Presa) -> None:
    url, fields = voice(presa)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: post(url, fields), range(10)))
    assert len(set(answers)) == 1
    assert answers[0][0] == 200


def test_each_step_ten_at_once_gets_the_same_bytes_and_one_ticket(presa: Presa) -> None:
    one = call(presa)
    before = len(presa.tickets())
    for digits in ("2", "100001", PIN, "4"):
        action = one._verb("Gather").get("action", "")
        told = {**one.common, "CallStatus": "in-progress", "Digits": digits}
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _, url=action, form=told: post(url, form), range(10)))
        assert len(set(answers)) == 1, answers
        one.text = answers[0][1]
        one.document = ET.fromstring(one.text)
        again = post(action, {**one.common, "CallStatus": "in-progress", "Digits": "5", "Extra": "other"})
        assert again == answers[0], "a step's answer does not depend on the other fields of its repetition"
    assert len(presa.tickets()) == before + 1
    assert [event for event in row(presa, one)["events"] if event.startswith("pin")] == ["pin_ok"]


def test_a_callback_step_ten_at_once_is_one_request(presa: Presa) -> None:
    one = call(presa, "2", "9#", from_="+390266661234")
    action = one._verb("Gather").get("action", "")
    with ThreadPoolExecutor(10) as pool:
        answers = set(pool.map(lambda _: post(action, {**one.common, "Digits": ""}), range(10)))
    assert len(answers) == 1
    assert [event for event in row(presa, one)["events"] if event.startswith("callback")] == ["callback_taken"]


# V3, V4: what fields may hold -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_the_verbs_are_the_same_whatever_a_field_holds(text: str, presa: Presa) -> None:
    plain = call(presa, "2")
    hostile = Call(presa.base, from_="+390277770000").dial(
        CallerName=text, FromCity=text, SpeechResult=text, StirVerstat=text
    )
    hostile.keys("2")
    assert [verb.tag for verb in hostile.document.iter()] == [verb.tag for verb in plain.document.iter()]  # type: ignore[union-attr]
    action = hostile._verb("Gather").get("action", "")
    status, told = post(action, {**hostile.common, "From": text, "Digits": text})
    assert status == 200
    assert {verb.tag for verb in ET.fromstring(told).iter()} <= {
        "Response",
        "Gather",
        "Say",
        "Redirect",
        "Record",
        "Pause",
    }


def test_a_recording_counts_by_its_id_and_its_address_is_never_followed(presa: Presa) -> None:
    trap = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    trap.timeout = 0.5
    urls = [
        f"http://127.0.0.1:{trap.server_address[1]}/x",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
    ]
    for url in urls:
        one = call(presa, "2", "100001#", f"{PIN}#", "4").record(RecordingUrl=url)
        told = row(presa, one)
        assert "recording" in told["events"]
        assert url not in json.dumps(presa.explain(told["ticket"]))
    assert not select.select([trap.socket], [], [], 0.5)[0], "somebody asked for the recording"
    trap.server_close()


def test_a_recording_id_that_is_none_is_not_attached(presa: Presa) -> None:
    one = call(presa, "2", "100001#", f"{PIN}#", "4").record(RecordingSid="../../../etc/passwd")
    assert "passwd" not in json.dumps(presa.explain(row(presa, one)["ticket"]))


# Afterwards -----------------------------------------------------------------------------------------------------


def test_severities_two_to_four_page_nobody(carrier: Carrier, presa: Presa) -> None:
    assert carrier.rung == []


def test_after_a_full_run_the_log_has_no_pin_no_number_and_no_code(presa: Presa) -> None:
    log = presa.log.read_text()
    for secret in (PIN, "100001", "390612345678", "0612345678", "0266660002", "390288880000", TOKEN, "Traceback"):
        assert secret not in log, [line for line in log.splitlines() if secret in line][:3]
    assert not re.search(r"\+?\d{9,}", re.sub(r"CA[0-9a-f]{32}|\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{64}", "", log))
    done = presa.run("check", "--offline")
    assert done.returncode == 0, done.stdout
