"""Requests that no carrier sends, at every address of the phone: what each is answered, and that nothing came of it.

Each row of a table is a request; after it every table of the database has as many rows as before, no telephone was ordered, and
the answer says nothing of us. The rows of CASES: V1 to V5, phone 22 to 26.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from databases import Stock
from telephone import EMMA, staffed
from world import World

from gateway.phone import grammar, twilio
from gateway.rehearsal import ACCOUNT, TOKEN

BASE, PATH = "http://127.0.0.1:8000", "/phone/twilio"
FORM = "application/x-www-form-urlencoded"
STRANGER = "+390299998888"
PIN = "200333"
NOTHING = {"house"}  # the watchdog's mark is not the request's


@dataclass
class Line:
    """A desk at night, one call in the middle of its dialogue, and how to send anything at all."""

    world: World
    sid: str = ""
    step: int = 0
    sids: Iterator[str] = field(default_factory=lambda: (f"CA{n:032x}" for n in range(1, 100_000)))

    def fields(self, **more: str) -> dict[str, str]:
        common = {"CallSid": next(self.sids), "AccountSid": ACCOUNT, "From": STRANGER, "To": "+390200000000"}
        also = {"Caller": STRANGER, "Called": "+390200000000", "CallStatus": "ringing", "Direction": "inbound"}
        return {**common, **also, "ApiVersion": "2010-04-01", **more}

    def send(
        self, path: str, body: bytes | dict[str, str], given: str | None, *, kind: str = FORM, method: str = "POST",
        **headers: str,
    ) -> tuple[int, str]:  # fmt: skip
        raw = urlencode(body).encode() if isinstance(body, dict) else body
        sent = {**({"Content-Type": kind} if kind else {}), **headers}
        if given is not None:
            sent["X-Twilio-Signature"] = given
        client = self.world.rehearsal.client
        shown = {name: value.encode("latin-1") for name, value in sent.items()}
        answer = client.request(method, path, content=raw, headers=shown, follow_redirects=False)
        return answer.status_code, answer.text

    def signed(self, path: str, fields: dict[str, str], **more: Any) -> tuple[int, str]:
        return self.send(path, fields, sign(BASE + path, fields), **more)

    def state(self) -> tuple[dict[str, int], int]:
        rows = {name: count for name, count in self.world.rows().items() if name not in NOTHING}
        return rows, self.world.orders()

    def at(self, *keyed: str, from_: str = EMMA) -> tuple[str, int, str]:
        """A call that has come so far: its id, the step it waits at, and what it was told last."""
        form = self.fields(From=from_)
        told = self.signed(f"{PATH}/voice", form)[1]
        for step, keys in enumerate(keyed, 1):
            told = self.signed(f"{PATH}/step/{form['CallSid']}/{step}", {**form, "Digits": keys})[1]
        return form["CallSid"], len(keyed) + 1, told


@pytest.fixture(scope="module")
def line(stock: Stock) -> Iterator[Line]:
    with stock.fresh("sqlite", "demo") as url:
        made: list[World] = []

        def begin(desk: str = "test", at: str = "2026-11-25 10:00", hours: str | None = None) -> World:
            made.append(World.open(url, desk, at, hours))
            return made[0]

        world = staffed(begin, "2026-11-25 22:00", agents=0)
        found = Line(world)
        found.sid, found.step, _ = found.at("2", "200003")
        yield found
        world.close()


def sign(url: str, fields: dict[str, str], token: str = TOKEN) -> str:
    return twilio.signature(url, tuple(fields.items()), token)


def silent(answer: str, *secrets: str) -> None:
    """Nothing of us in what is said to a stranger."""
    for leak in (
        "Traceback",
        "sqlalchemy",
        "psycopg",
        "sqlite",
        ".py",
        "/work",
        "SELECT",
        "Exception",
        TOKEN,
        PIN,
        *secrets,
    ):
        assert leak not in answer, answer


# V1: not signed, or signed for something else -------------------------------------------------------------------

PLACES = [
    "voice", "status", "status?attempt=page1-1", "recording", "page?attempt=page1-1", "page?attempt=callback1-1", "step/SID/STEP",
    "step/SID/-1", "step/SID/-3", "step/SID/-4", "room/page1-1", "room/page1-1/end", "message",
]  # fmt: skip
SIGNATURES = {
    "none": lambda url, form: None,
    "empty": lambda url, form: "",
    "of another token": lambda url, form: sign(url, form, "another"),
    "of an empty token": lambda url, form: sign(url, form, ""),
    "of another host": lambda url, form: sign(url.replace("127.0.0.1", "presa.example"), form),
    "of another port": lambda url, form: sign(url.replace(":8000", ":8001"), form),
    "of https": lambda url, form: sign(url.replace("http:", "https:"), form),
    "of another path": lambda url, form: sign(url.replace("/phone/", "/phone/x"), form),
    "of another query": lambda url, form: sign(f"{url}{'&' if '?' in url else '?'}again=1", form),
    "of no fields": lambda url, form: sign(url, {}),
    "of one field more": lambda url, form: sign(url, {**form, "Digits": "1"}),
    "of one field less": lambda url, form: sign(url, {**form, "From": ""}),
    "cut": lambda url, form: sign(url, form)[:-2],
    "twice": lambda url, form: f"{sign(url, form)},{sign(url, form)}",
    "in small letters": lambda url, form: sign(url, form).lower(),
    "with spaces": lambda url, form: f" {sign(url, form)} x",
    "not ASCII": lambda url, form: "\xe9" * 28,
    "very long": lambda url, form: "A" * 6_000,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", SIGNATURES)
def test_without_the_right_signature_nothing_is_done_at_any_address(name: str, place: str, line: Line) -> None:
    """CASES V1, phone 24: 234 requests, each 403."""
    path = f"{PATH}/{place.replace('SID', line.sid).replace('STEP', str(line.step))}"
    form = line.fields(CallSid=line.sid, CallStatus="completed", Digits=PIN)
    before = line.state()
    status, answer = line.send(path, form, SIGNATURES[name](BASE + path, form))  # type: ignore[no-untyped-call]
    assert status == 403
    silent(answer, line.sid)
    assert line.state() == before


FIELDS = ["CallSid", "AccountSid", "From", "To", "Caller", "Called", "CallStatus", "Direction", "ApiVersion", "Digits"]
TAMPERED = {
    "changed": lambda form, name: [(n, v + "1" if n == name else v) for n, v in form],
    "emptied": lambda form, name: [(n, "" if n == name else v) for n, v in form],
    "removed": lambda form, name: [(n, v) for n, v in form if n != name],
    "doubled": lambda form, name: [*form, (name, "CA" + "0" * 32)],
    "renamed": lambda form, name: [(n.lower() if n == name else n, v) for n, v in form],
}


@pytest.mark.parametrize("field_", FIELDS)
@pytest.mark.parametrize("how", TAMPERED)
def test_a_field_that_was_changed_after_signing_breaks_it(how: str, field_: str, line: Line) -> None:
    """CASES V1: each field of the form counts, and each of its values."""
    path = f"{PATH}/step/{line.sid}/{line.step}"
    form = line.fields(CallSid=line.sid, Digits=PIN)
    before = line.state()
    tampered = TAMPERED[how](list(form.items()), field_)  # type: ignore[no-untyped-call]
    status, answer = line.send(path, urlencode(tampered).encode(), sign(BASE + path, form))
    assert status == 403
    silent(answer)
    assert line.state() == before


def test_both_tokens_count_while_one_is_being_replaced_and_no_third() -> None:
    """CASES phone 24; the empty half of a list of two is no token."""
    both, form, url = twilio.Signatures(BASE, ("old", "new", "")), {"CallSid": "CA1"}, f"{BASE}{PATH}/voice"
    for token, right in (("old", True), ("new", True), ("third", False), ("", False)):
        assert both.check(f"{PATH}/voice", tuple(form.items()), sign(url, form, token)) is right


PROXIED = {
    "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example;proto=https",
    "X-Original-URL": "/phone/twilio/status", "X-Rewrite-URL": "/phone/twilio/status", "Host": "evil.example",
}  # fmt: skip


@pytest.mark.parametrize("header", PROXIED)
def test_headers_of_a_proxy_neither_help_nor_hinder(header: str, line: Line) -> None:
    """CASES phone 24: only the configured address counts."""
    path, form = f"{PATH}/step/{line.sid}/-1", line.fields(CallSid=line.sid)
    for host in (BASE, "https://evil.example"):
        status, _ = line.send(path, form, sign(host + path, form), **{header: PROXIED[header]})
        assert status == (200 if host == BASE else 403)


# What is no form of a carrier -----------------------------------------------------------------------------------

BODIES: dict[str, tuple[bytes, str]] = {
    "JSON": (b'{"CallSid": "CA1"}', "application/json"),
    "JSON that calls itself a form": (b'{"CallSid": "CA1"}', FORM),
    "multipart": (b'--b\r\nContent-Disposition: form-data; name="CallSid"\r\n\r\nCA1\r\n--b--\r\n', "multipart/form-data; boundary=b"),
    "plain text": (b"CallSid=CA1", "text/plain"),
    "without a type": (b"CallSid=CA1", ""),
    "XML": (b"<Response/>", "text/xml"),
    "half a form type": (b"CallSid=CA1", "application/x-www-form"),
    "no UTF-8": (b"CallSid=%ff%fe", FORM),
    "raw bytes": (bytes(range(256)), FORM),
    "only an ampersand": (b"&", FORM),
    "a name without a value": (b"CallSid", FORM),
    "over 500 kB": (b"CallSid=CA1&SpeechResult=" + b"x" * 500_001, FORM),
    "5,000 fields": (b"&".join(b"f%d=1" % n for n in range(5_000)), FORM),
    "5 MB": (b"a=" + b"b" * 5_000_000, FORM),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_small_form_is_refused_whatever_its_signature(name: str, line: Line) -> None:
    body, kind = BODIES[name]
    before = line.state()
    for path in (f"{PATH}/voice", f"{PATH}/step/{line.sid}/{line.step}", f"{PATH}/message"):
        for given in (None, sign(BASE + path, {}), sign(BASE + path, {"CallSid": "CA1"})):
            if given is not None and name == "half a form type":
                continue
            status, answer = line.send(path, body, given, kind=kind)
            assert status in (400, 403), (path, status)
            silent(answer)
    assert line.state() == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"])
@pytest.mark.parametrize("place", [*PLACES, "fallback"])
def test_only_post_does_anything(place: str, method: str, line: Line) -> None:
    path = f"{PATH}/{place.replace('SID', line.sid).replace('STEP', str(line.step))}"
    form = line.fields(CallSid=line.sid, CallStatus="completed", Digits=PIN)
    query = path + ("&" if "?" in path else "?") + urlencode({**form, "_method": "POST"})
    before = line.state()
    override = {"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST", "X-HTTP-Method": "POST"}
    status, answer = line.send(query, b"", sign(BASE + query, {}), kind="", method=method, **override)
    asked = place == "fallback" and method in ("GET", "HEAD")  # the fallback says sorry to anybody, and does nothing
    assert status in ((200,) if asked else (404, 405)), answer
    silent(answer)
    assert line.state() == before


ELSEWHERE = [
    "/phone/twilio/voice/", "/phone/twilio//voice", "/phone/twilio/./voice2", "/phone/TWILIO/voice", "/phone/twilio/voice%00",
    "/phone/twilio/voice.xml", "/phone/twilio/step/SID", "/phone/twilio/step/SID/1.0", "/phone/twilio/step/SID/abc",
    "/phone/twilio/step/SID/-99", "/phone/twilio/step/SID/1/2", "/phone/telnyx/voice", "/phone/signalwire/voice", "/phone/",
    "/phone/recordings/RE1/mark.mp3", "/phone/recordings/..%2f..%2fetc/passwd.mp3", "/phone/sounds/..%2fdesk.yaml",
]  # fmt: skip


@pytest.mark.parametrize("path", ELSEWHERE)
def test_an_address_that_is_none_does_nothing_though_signed(path: str, line: Line) -> None:
    path = path.replace("SID", line.sid)
    before = line.state()
    for method in ("POST", "GET"):
        form = line.fields(CallSid=line.sid, Digits=PIN)
        status, answer = line.send(path, form, sign(BASE + path, form), method=method)
        # an address that nobody has shows the console's door to whoever asks with GET
        assert status in ((307, 404, 405) if method == "POST" else (303, 307, 404, 405)), answer
        silent(answer)
    assert line.state() == before


# Signed, and still not to be believed ---------------------------------------------------------------------------

SIDS = [
    "", "CA", "CB" + "0" * 32, "ca" + "0" * 32, "CA" + "0" * 300, "../../etc/passwd", "CA<x>", "CA0' OR '1'='1", "CA\x00", "CA\r\nX: y",
    "CA 1", "CA🙂", "CA\u0660\u0661", "%2e%2e", "CA*", "null",
]  # fmt: skip


@pytest.mark.parametrize("sid", SIDS)
def test_a_call_id_that_is_none_is_refused_at_every_address(sid: str, line: Line) -> None:
    before = line.state()
    for place in (
        "voice",
        "status",
        "recording",
        "page?attempt=page1-1",
        f"step/{line.sid}/{line.step}",
        f"step/{line.sid}/-4",
    ):
        status, answer = line.signed(f"{PATH}/{place}", line.fields(CallSid=sid, CallStatus="completed", Digits=PIN))
        assert status == 400, answer
        silent(answer, *filter(None, [sid]))
    assert line.state() == before


def test_a_form_without_a_call_id_is_refused(line: Line) -> None:
    before, form = line.state(), line.fields()
    del form["CallSid"]
    assert line.signed(f"{PATH}/voice", form)[0] == 400
    assert line.state() == before


def test_the_signature_alone_counts_an_account_id_in_the_form_gives_and_takes_nothing(line: Line) -> None:
    """Whoever has our token is our carrier; a form's AccountSid can say anything."""
    for account in ("", "AC" + "f" * 32, "not an account", "x" * 5_000):
        status, told = line.signed(f"{PATH}/voice", line.fields(AccountSid=account))
        assert (status, grammar.faults(told)) == (200, ())
        assert account not in told or not account


STEPS = ["0", "77", "999999999", "99999999999999999999999999"]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_was_never_offered_is_not_there(step: str, line: Line) -> None:
    before = line.state()
    status, answer = line.signed(f"{PATH}/step/{line.sid}/{step}", line.fields(CallSid=line.sid, Digits=PIN))
    # step 0 is the first document: it was given already, and is given again
    assert status == (200 if step == "0" else 404)
    silent(answer)
    assert line.state() == before


def test_another_call_cannot_answer_for_this_one(line: Line) -> None:
    other, _, _ = line.at("2", from_=STRANGER)
    before = line.state()
    for sid in (other, "CA" + "9" * 32):
        for place in (f"step/{line.sid}/{line.step}", f"step/{line.sid}/-4"):
            assert line.signed(f"{PATH}/{place}", line.fields(CallSid=sid, Digits=PIN))[0] == 404
    assert line.state() == before


ATTEMPTS = [
    "page1-1", "page999999999-1", "page1", "page-1", "callback1-1", "callback999999-1", "callback1'--", "callback" + "9" * 400,
    "callback-1", "../x", "drill1-1", "page\u0661-1", "", "%00", "page1-1&attempt=callback1-1", "x" * 3_000,
]  # fmt: skip


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_attempt_that_is_none_of_ours_rings_and_tells_nothing(attempt: str, line: Line) -> None:
    before = line.state()
    query = urlencode({"attempt": attempt})
    assert line.signed(f"{PATH}/page?{query}", line.fields())[0] == 404
    for said in ("ringing", "in-progress", "completed", "busy", "nonsense"):
        status, answer = line.signed(f"{PATH}/status?{query}", line.fields(CallStatus=said, SequenceNumber="3"))
        assert status == 204
        silent(answer)
    assert line.state() == before


ORDERS = [("completed", "9"), ("ringing", "0"), ("initiated", "-1"), ("completed", ""), ("no-answer", "NaN"), ("busy", "9" * 30), ("", "1"), ("<x>", "2")]  # fmt: skip


def test_statuses_of_unknown_calls_in_any_order_leave_nothing(line: Line) -> None:
    """CASES phone 23: news of nobody's call."""
    before, sid = line.state(), "CA" + "e" * 32
    for said, sequence in [*ORDERS, *reversed(ORDERS)]:
        told = line.fields(CallSid=sid, CallStatus=said, SequenceNumber=sequence)
        assert line.signed(f"{PATH}/status", told)[0] == 204
    assert line.state() == before


def test_statuses_of_a_known_call_in_any_order_end_it_once(line: Line) -> None:
    """CASES phone 22, 23: the end is sticky, and said again and again it opens no second ticket."""
    sid, _, _ = line.at("2", "200003")
    tickets = len(line.world.tickets())
    for said in ("completed", "ringing", "in-progress", "completed", "busy", "failed", "completed"):
        assert line.signed(f"{PATH}/status", line.fields(CallSid=sid, CallStatus=said))[0] == 204
    after = line.state()
    for said in ("canceled", "completed", "in-progress"):
        line.signed(f"{PATH}/status", line.fields(CallSid=sid, CallStatus=said))
    assert len(line.world.tickets()) == tickets + 1
    assert line.state() == after


RECORDINGS = [
    {"RecordingSid": "RE1", "RecordingUrl": "http://169.254.169.254/latest/meta-data"}, {"RecordingSid": "../../x"},
    {"RecordingSid": "RE" + "0" * 200}, {"RecordingSid": "RE1", "TranscriptionText": "<Dial>+39899</Dial>" * 500}, {"RecordingSid": ""},
    {"RecordingSid": "RE1", "RecordingUrl": "file:///etc/passwd"}, {"RecordingSid": "RE1\r\nX: y"},
]  # fmt: skip


@pytest.mark.parametrize("told", RECORDINGS, ids=range(len(RECORDINGS)))
def test_news_of_a_recording_that_nobody_made_is_not_taken(told: dict[str, str], line: Line) -> None:
    """CASES V4: an id that no call of ours has brought is nobody's, wherever its address leads."""
    before = line.state()
    assert line.signed(f"{PATH}/recording", line.fields(**told))[0] == 204
    assert line.state() == before


# V3: what fields may hold ---------------------------------------------------------------------------------------

PAYLOADS = [
    '"><Dial>+39899</Dial><Say a="', "</Say></Response><Response><Hangup/>", "&xxe;", "]]>", "<!--", "<speak><break time='9s'/></speak>",
    "<![CDATA[<Dial/>]]>", "\x00\x01\x0b\ud7ff", "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>", "'; DROP TABLE calls;--",
    "\u202e\ufffe🙂" * 50, "x" * 20_000, "\r\nSet-Cookie: a=b\r\n\r\n", "sip:+39899@evil.example", "{number}{0}%s%n${jndi:x}", "\ud83d",
]  # fmt: skip
HOSTILE_FIELDS = [
    "From",
    "To",
    "Caller",
    "CallerName",
    "FromCity",
    "StirVerstat",
    "ForwardedFrom",
    "ApiVersion",
    "Digits",
    "SpeechResult",
]


def tags(document: str) -> list[str]:
    return [element.tag for element in ET.fromstring(document).iter()]


@pytest.mark.parametrize("name", HOSTILE_FIELDS)
@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_first_webhook_has_the_same_verbs_whatever_its_fields_hold(payload: str, name: str, line: Line) -> None:
    """CASES V3: 160 calls."""
    payload = payload.encode("utf-8", "replace").decode()
    plain = line.signed(f"{PATH}/voice", line.fields())[1]
    tickets = len(line.world.tickets())
    status, told = line.signed(f"{PATH}/voice", line.fields(**{name: payload}))
    assert (status, told.replace("CA", "").split("/step/")[0]) == (200, plain.replace("CA", "").split("/step/")[0])
    assert tags(told) == tags(plain)
    assert grammar.faults(told) == ()
    assert len(line.world.tickets()) == tickets


@pytest.mark.parametrize("payload", PAYLOADS[::2], ids=range(len(PAYLOADS[::2])))
def test_what_is_said_to_us_is_read_to_the_engineer_as_words_and_nothing_else(payload: str, line: Line) -> None:
    """CASES V3: the caller's words go into a document of somebody else's call."""
    world, payload = line.world, payload.encode("utf-8", "replace").decode()
    sid, step, _ = line.at("2", "200003", PIN, "1")
    status, told = line.signed(f"{PATH}/step/{sid}/{step}", line.fields(CallSid=sid, SpeechResult=payload))
    assert (status, grammar.faults(told)) == (200, ())
    assert set(tags(told)) <= {"Response", "Gather", "Say", "Redirect"}
    ticket = max(world.tickets(), key=lambda one: one.id)
    world.advance(1)
    (handset,) = world.rehearsal.exchange.ringing(world.engineer("Bruno Serra").number)
    handset.answer()
    world.advance(2)
    handset.keys("2")
    world.advance(1)
    handset.keys("1")
    world.advance(60)
    assert handset.errors == []
    assert world.ticket(ticket.number).state == "taken"
    world.agent().does(world.ticket(ticket.number), "resolve", text="Done.")


# V5: PINs, and digits that are none -----------------------------------------------------------------------------

DIGITS = [
    "abc", "12ab34", "1" * 10_000, "١٢٣٤٥٦", "１２３４５６", "²³", "-200333", "+200333", "200333 ", " 200333", "200 333", "200333\x00", "0x30E8D",
    "2e5", "200333'--", "200333%23", "1;2", "**", "####", "AB CD", "A", "\u200b200333",
]  # fmt: skip


@pytest.mark.parametrize("keyed", DIGITS, ids=range(len(DIGITS)))
def test_what_no_keypad_sends_is_never_looked_at_as_a_pin(keyed: str, line: Line) -> None:
    """CASES V5: no other writing of the right PIN is right, and none of them costs a try."""
    sid, step, _ = line.at("2", "200003", from_=STRANGER)
    before = line.state()[0]["pin_tries"]
    status, told = line.signed(f"{PATH}/step/{sid}/{step}", line.fields(CallSid=sid, Digits=keyed))
    assert (status, grammar.faults(told)) == (200, ())
    events = [event for _, event in line.world.read(lambda c: list(calls_events(c, sid)))]
    assert "pin_ok" not in events
    if keyed != "1" * 10_000:
        assert line.state()[0]["pin_tries"] == before
    silent(told, *([keyed] if len(keyed) > 5 else []))


def calls_events(connection: Any, sid: str) -> Any:
    from gateway.store import calls

    return calls.events(connection, sid)


@pytest.mark.parametrize("keyed", DIGITS, ids=range(len(DIGITS)))
def test_what_no_keypad_sends_is_no_code_and_no_number_to_ring(keyed: str, line: Line) -> None:
    """CASES V6: a number that is rung is plain digits, and an ordinary one."""
    sid, step, _ = line.at("2", from_="anonymous")
    status, told = line.signed(f"{PATH}/step/{sid}/{step}", line.fields(CallSid=sid, Digits=keyed))
    assert (status, grammar.faults(told)) == (200, ())
    before = line.state()[0]["callbacks"]
    sid, step, _ = line.at("2", "9", from_="anonymous")
    status, told = line.signed(f"{PATH}/step/{sid}/{step}", line.fields(CallSid=sid, Digits=keyed))
    assert (status, grammar.faults(told)) == (200, ())
    assert line.state()[0]["callbacks"] == before


def test_a_pin_step_that_is_sent_again_and_again_is_one_try(line: Line) -> None:
    """CASES V2, V5, phone 22: a replayed webhook with other digits is answered as before and looked at once."""
    sid, step, _ = line.at("2", "200003", from_=STRANGER)
    path = f"{PATH}/step/{sid}/{step}"
    first = line.signed(path, line.fields(CallSid=sid, Digits="000000"))
    before = line.state()
    for digits in ("000000", PIN, "1", ""):
        assert line.signed(path, line.fields(CallSid=sid, Digits=digits)) == first
    assert line.state() == before


def test_thirty_wrong_pins_of_unknown_numbers_lock_them_all_and_no_number_on_file(line: Line) -> None:
    """CASES V5, phone 25: over calls, over numbers; the owner of a number on file is never locked out by strangers."""
    world = line.world
    world.advance(hours=2)
    right, looked = "200333", 0
    for n in range(16):
        sid, step, _ = line.at("2", "200003", from_=f"+39029990{n:04}")
        for more in range(3):
            line.signed(f"{PATH}/step/{sid}/{step + more}", line.fields(CallSid=sid, Digits="000000"))
        looked += [event for _, event in world.read(lambda c, sid=sid: list(calls_events(c, sid)))].count("pin_wrong")
    assert looked == 30
    sid, step, _ = line.at("2", "200003", from_=STRANGER)
    told = line.signed(f"{PATH}/step/{sid}/{step}", line.fields(CallSid=sid, Digits=right))[1]
    assert "Too many wrong PINs" in told
    sid, step, _ = line.at("2", "200003")
    assert "How bad is it?" in line.signed(f"{PATH}/step/{sid}/{step}", line.fields(CallSid=sid, Digits=right))[1]


def test_ten_wrong_pins_from_a_number_on_file_lock_that_number_alone(line: Line) -> None:
    """CASES V5: 10 an hour per number."""
    world = line.world
    world.advance(hours=2)
    for _ in range(4):
        sid, step, _ = line.at("2", "200003")
        for more in range(3):
            line.signed(f"{PATH}/step/{sid}/{step + more}", line.fields(CallSid=sid, Digits="000000"))
    sid, step, _ = line.at("2", "200003")
    assert "Too many wrong PINs" in line.signed(f"{PATH}/step/{sid}/{step}", line.fields(CallSid=sid, Digits=PIN))[1]
    sid, step, _ = line.at("2", "200003", from_=STRANGER)
    assert "How bad is it?" in line.signed(f"{PATH}/step/{sid}/{step}", line.fields(CallSid=sid, Digits=PIN))[1]
