"""The carrier port: whose webhook is this, what did it bring, and what became of an order."""

import base64
import hmac
from datetime import UTC, datetime
from hashlib import sha1
from urllib.parse import parse_qs, parse_qsl, urlencode

import httpx2
import pytest
from dialogues.desk import PUBLIC, TOKEN, Desk
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

import ivr
from gateway.errors import Permanent, Temporary
from gateway.phone import twilio
from gateway.phone.exchange import Exchange

FORM = (("CallSid", "CA1"), ("Digits", "1"), ("From", "+390612345678"))
SIGNATURES = twilio.Signatures("https://desk.example.test", ("first", "second"))
ORDER = {
    "to": "+393331234567",
    "from_": "+390200000000",
    "url": f"{PUBLIC}/phone/twilio/page",
    "status_callback": f"{PUBLIC}/s?x=1",
    "attempt_id": "p7.1",
}


def signed(url: str, pairs: tuple[tuple[str, str], ...] = FORM, token: str = "first") -> str:
    """Written from the carrier's description: the address, then each name and value in order of names."""
    text = url + "".join(name + value for name, value in sorted(pairs))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), sha1).digest()).decode()


# ── signatures ──


@pytest.mark.parametrize("token", ["first", "second"])
@pytest.mark.parametrize("base", ["https://desk.example.test", "https://desk.example.test:443"])
def test_either_token_and_either_way_to_write_the_port_is_right(token: str, base: str) -> None:
    path = "/phone/twilio/step/CA1/3?a=%20b&c="
    assert SIGNATURES.check(path, FORM, signed(base + path, token=token))


def test_a_field_that_comes_twice_is_signed_as_the_carriers_own_validator_has_it() -> None:
    pairs = (("b", "2"), ("a", "z"), ("a", "y"), ("a", "y"), ("aa", ""))
    assert SIGNATURES.check("/x", pairs, signed("https://desk.example.test/x", tuple(set(pairs))))


def test_it_agrees_with_the_carriers_own_validator() -> None:
    path = "/phone/twilio/voice?attempt=p7.1"
    ours = twilio.signature(PUBLIC + path, FORM, "first")
    assert RequestValidator("first").validate(PUBLIC + path, dict(FORM), ours)
    assert SIGNATURES.check(path, FORM, RequestValidator("first").compute_signature(PUBLIC + path, dict(FORM)))


URL = "https://desk.example.test/phone/twilio/voice"


@pytest.mark.parametrize(
    ("path", "pairs", "given"),
    [
        ("/phone/twilio/voice", FORM, ""),
        ("/phone/twilio/voice", FORM, "nonsense"),
        ("/phone/twilio/voice", FORM, "é" * 28),
        ("/phone/twilio/voice", FORM, signed(URL, token="")),
        ("/phone/twilio/voice", FORM, signed(URL, token="third")),
        ("/phone/twilio/voice", (*FORM[:1], ("Digits", "2"), FORM[2]), signed(URL)),
        ("/phone/twilio/voice", (*FORM, ("Extra", "1")), signed(URL)),
        ("/phone/twilio/voice", FORM[:2], signed(URL)),
        ("/phone/twilio/voice?x=1", FORM, signed(URL)),
        ("/phone/twilio/status", FORM, signed(URL)),
        ("/phone/twilio/voice", FORM, signed(URL.replace("desk", "other"))),
        ("/phone/twilio/voice", FORM, signed(URL.replace("https", "http"))),
        ("/phone/twilio/voice", FORM, signed(URL).lower()),
    ],
)
def test_anything_else_is_refused(path: str, pairs: tuple[tuple[str, str], ...], given: str) -> None:
    assert not SIGNATURES.check(path, pairs, given)


def test_without_a_token_nothing_is_right() -> None:
    nothing = twilio.Signatures("https://desk.example.test", ("", ""))
    assert not nothing.check("/phone/twilio/voice", FORM, signed(URL, token=""))


def test_a_port_that_is_not_the_usual_one_counts() -> None:
    here = twilio.Signatures("http://127.0.0.1:8000/", ("first",))
    assert here.check("/phone/twilio/voice", FORM, signed("http://127.0.0.1:8000/phone/twilio/voice"))
    assert not here.check("/phone/twilio/voice", FORM, signed("http://127.0.0.1:8001/phone/twilio/voice"))


# ── bodies ──


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"CallSid": "CA1"}'),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("", b"CallSid=CA1"),
        ("text/plain", b"CallSid=CA1"),
        (twilio.FORM, b"CallSid=%ff"),
        (twilio.FORM, b"\xff=1"),
        (twilio.FORM, b"CallSid=" + b"A" * twilio.MAX_BODY),
        (twilio.FORM, b"&".join(b"a=1" for _ in range(300))),
    ],
)
def test_only_a_modest_form_is_a_form(content_type: str, body: bytes) -> None:
    assert twilio.form(content_type, body) is None


@given(
    st.one_of(
        st.text("ab=&%+2é;\x00", max_size=40),
        st.text(max_size=40),
        st.lists(st.tuples(st.text(), st.text())).map(urlencode),
    )
)
def test_a_form_is_read_as_a_strict_parser_reads_it(text: str) -> None:
    try:
        wanted = tuple(
            parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=200)
        )
    except ValueError:
        wanted = None
    assert twilio.form(twilio.FORM, text.encode("utf-8", "surrogatepass")) == wanted


def test_a_form_keeps_empty_fields_and_order() -> None:
    body = urlencode((("b", ""), ("a", "é &="), ("a", "2"))).encode()
    assert twilio.form(f"{twilio.FORM}; charset=UTF-8", body) == (("b", ""), ("a", "é &="), ("a", "2"))
    assert twilio.form(twilio.FORM, b"") == ()


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({}, ivr.Silence()),
        ({"Digits": ""}, ivr.Silence()),
        ({"Digits": "", "FinishedOnKey": "#"}, ivr.Silence()),
        ({"Digits": "100001"}, ivr.Keys("100001")),
        ({"SpeechResult": "all is down", "Confidence": "0.9"}, ivr.Words("all is down")),
        ({"SpeechResult": "  "}, ivr.Silence()),
        ({"SpeechResult": "a\x00b\x0b"}, ivr.Words("a b ")),
        ({"Digits": "1" * 5_000}, ivr.Keys("1" * 32)),
        (
            {"RecordingSid": "RE" + "a" * 32, "RecordingDuration": "7", "Digits": "hangup"},
            ivr.Recorded("RE" + "a" * 32, 7),
        ),
        ({"RecordingSid": "../../etc", "RecordingUrl": "http://evil.test/1"}, ivr.Silence()),
        ({"RecordingUrl": "http://169.254.169.254/"}, ivr.Silence()),
        ({"RecordingSid": "RE1", "RecordingDuration": "-1e9"}, ivr.Recorded("RE1", 0)),
        ({"DialCallStatus": "no-answer"}, ivr.LegEnded(False)),
        ({"DialCallStatus": "failed"}, ivr.LegEnded(False, True)),
        ({"DialCallStatus": "completed", "RecordingSid": "RE1"}, ivr.LegEnded(True)),
        ({"QueueResult": "bridged"}, ivr.LegEnded(True)),
        ({"QueueResult": "hangup"}, ivr.LegEnded(False)),
        ({"Digits": "hangup"}, ivr.Silence()),
    ],
)
def test_what_a_step_brings(fields: dict[str, str], event: ivr.Heard) -> None:
    assert twilio.heard(fields) == event


# ── orders ──


def over(exchange: Exchange) -> httpx2.MockTransport:
    """The stand-in carrier behind an HTTP client that opens no socket."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix(f"/2010-04-01/Accounts/{exchange.line.account_sid}/Calls").removesuffix(
            ".json"
        )
        fields = parse_qs(request.content.decode())
        if request.method == "GET":
            status, body = exchange.get(path[1:]) if path else exchange.list(request.url.params.get("To", ""))
        elif path:
            status, body = exchange.update(path[1:], fields["Status"][0])
        else:
            status, body = exchange.create(fields)
        return httpx2.Response(status, json=dict(body))

    return httpx2.MockTransport(answer)


def carrier(handler: httpx2.MockTransport) -> twilio.Carrier:
    return twilio.Carrier("AC" + "0" * 32, TOKEN, "http://carrier.test/", transport=handler)


def raising(error: Exception) -> httpx2.MockTransport:
    def fail(_request: httpx2.Request) -> httpx2.Response:
        raise error

    return httpx2.MockTransport(fail)


def replying(status: int, **what: object) -> httpx2.MockTransport:
    return httpx2.MockTransport(lambda _request: httpx2.Response(status, **what))  # type: ignore[arg-type]


def test_an_order_is_posted_with_the_carriers_own_names_and_the_attempt_in_both_addresses() -> None:
    seen: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(201, json={"sid": "CA" + "1" * 32})

    assert carrier(httpx2.MockTransport(take)).place(**ORDER) == "CA" + "1" * 32
    assert str(seen[0].url) == f"http://carrier.test/2010-04-01/Accounts/AC{'0' * 32}/Calls.json"
    assert seen[0].headers["Authorization"] == "Basic " + base64.b64encode(f"AC{'0' * 32}:{TOKEN}".encode()).decode()
    assert parse_qs(seen[0].content.decode()) == {
        "To": ["+393331234567"],
        "From": ["+390200000000"],
        "Url": [f"{PUBLIC}/phone/twilio/page?attempt=p7.1"],
        "Method": ["POST"],
        "StatusCallback": [f"{PUBLIC}/s?x=1&attempt=p7.1"],
        "StatusCallbackMethod": ["POST"],
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "Timeout": ["25"],
    }


@pytest.mark.parametrize(
    "handler",
    [
        raising(httpx2.ReadTimeout("slow")),
        raising(httpx2.WriteError("cut")),
        raising(httpx2.RemoteProtocolError("gone")),
        replying(500),
        replying(504, text="<html>"),
        replying(201, text="not json"),
        replying(201, json={"status": "queued"}),
        replying(201, json=["sid"]),
    ],
)
def test_an_order_that_may_have_arrived_is_in_doubt(handler: httpx2.MockTransport) -> None:
    with pytest.raises(twilio.Unknown) as raised:
        carrier(handler).place(**ORDER)
    assert not isinstance(raised.value, Permanent | Temporary)


@pytest.mark.parametrize(
    ("handler", "seconds"),
    [
        (raising(httpx2.ConnectError("refused")), 0),
        (raising(httpx2.ConnectTimeout("slow")), 0),
        (replying(429, headers={"Retry-After": "7"}), 7),
        (replying(429, headers={"Retry-After": "soon"}), 0),
    ],
)
def test_an_order_that_surely_did_not_arrive_may_be_given_later(handler: httpx2.MockTransport, seconds: float) -> None:
    with pytest.raises(twilio.Later) as raised:
        carrier(handler).place(**ORDER)
    assert raised.value.seconds == seconds


def test_a_refusal_keeps_the_carriers_code_and_shows_no_number() -> None:
    with pytest.raises(twilio.Refused) as raised:
        carrier(replying(400, json={"code": 21216, "message": "+39333 is on a blacklist"})).place(**ORDER)
    assert raised.value.code == 21216
    assert "+39" not in raised.value.public


def test_a_call_in_doubt_is_found_again_and_not_placed_twice() -> None:
    desk = Desk()
    port = carrier(over(desk.exchange))
    desk.exchange.trouble = ["after"]
    since = datetime.fromtimestamp(desk.timeline.now, UTC)
    with pytest.raises(twilio.Unknown):
        port.place(**ORDER)
    (found,) = port.find(to=ORDER["to"], since=since)
    assert (found.to, found.from_, found.status) == ("+393331234567", "+390200000000", "queued")
    assert port.find(to="+393330000000", since=since) == ()
    assert port.find(to=ORDER["to"], since=since.replace(year=2027)) == ()
    assert desk.exchange.orders == 1


def test_no_log_line_holds_a_telephone_number(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    port = carrier(over(desk.exchange))
    with caplog.at_level(0):
        port.place(**ORDER)
        port.find(to=ORDER["to"], since=datetime.fromtimestamp(desk.timeline.now, UTC))
    assert "3331234567" not in caplog.text


def test_a_ringing_call_is_cancelled_and_one_that_was_answered_goes_on() -> None:
    desk = Desk()
    port = carrier(over(desk.exchange))
    first, second = port.place(**ORDER), port.place(**ORDER)
    desk.timeline.advance(1)
    desk.exchange.calls[second].answer()
    for sid in (first, second):
        port.cancel(sid)
    desk.timeline.advance(1)
    assert [port.get(sid).status for sid in (first, second)] == ["canceled", "in-progress"]
    port.hang_up(second)
    desk.timeline.advance(1)
    assert port.get(second).status == "completed"


def test_looking_and_ending_may_be_repeated_so_trouble_there_is_only_later() -> None:
    port = carrier(replying(503))
    for order in (
        lambda: port.find(to="+39", since=datetime(2026, 1, 1, tzinfo=UTC)),
        lambda: port.cancel("CA1"),
        lambda: port.get("CA1"),
    ):
        with pytest.raises(twilio.Later):
            order()
