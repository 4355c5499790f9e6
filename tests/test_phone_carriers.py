"""The three carriers behind one port: each with its signature, its ids, its orders, and whole calls through each of them."""

import base64
import hmac
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha1
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import httpx2
import pytest
from databases import DESKS
from nacl.signing import SigningKey

import ivr
from gateway import settings as configuration
from gateway.phone import carriers, signalwire, telnyx, twilio
from gateway.phone.carrier import Carrier, Later, Refused, Unknown, Webhook
from gateway.settings import ConfigError
from gateway.settings.presa import Carrier as Configured

PUBLIC = "https://desk.example.test"
KEY = SigningKey(b"k" * 32)
PUBLIC_KEY = base64.b64encode(KEY.verify_key.encode()).decode()
NOW = 1_800_000_000
UUID = "d9c2a7b0-1111-2222-3333-444455556666"
CALL = {
    "twilio": "CA" + "1" * 32,
    "signalwire": UUID,
    "telnyx": "v3:9X2vxPDFY2RHSJ1EdMS0RHRksMTg7ldNxdjWbVr9zBjbGjGsSe-aiQ",
}


def configured(kind: str) -> Configured:
    tokens = {"twilio": ("tok", "new"), "signalwire": ("PSK_1", "PSK_2"), "telnyx": (PUBLIC_KEY,)}[kind]
    api = {"signalwire": "http://space.test", "telnyx": "http://api.test", "twilio": "http://twilio.test"}[kind]
    return Configured(kind, "+390200000000", api, "account", tokens, "key", "app-1")  # type: ignore[arg-type]


def carrier(kind: str) -> Carrier:
    return carriers.of(configured(kind), PUBLIC, lambda: float(NOW), seconds=2.0)


def webhook(path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Webhook:
    return Webhook(path, urlencode(form).encode(), tuple(form.items()), headers)


def signed(kind: str, path: str, form: Mapping[str, str]) -> Mapping[str, str]:
    """As the carrier's own page describes it."""
    url, body = PUBLIC + path, urlencode(form).encode()
    if kind == "telnyx":
        return {
            "telnyx-timestamp": str(NOW),
            "telnyx-signature-ed25519": base64.b64encode(KEY.sign(f"{NOW}|".encode() + body).signature).decode(),
        }
    text = url + "".join(name + form[name] for name in sorted(form))
    token, header = {"twilio": ("new", "x-twilio-signature"), "signalwire": ("PSK_2", "x-signalwire-signature")}[kind]
    return {header: base64.b64encode(hmac.new(token.encode(), text.encode(), sha1).digest()).decode()}


FORM = {"CallSid": "CA1", "Digits": "1", "From": "+390612345678"}
KINDS = ("twilio", "signalwire", "telnyx")


@pytest.mark.parametrize("kind", KINDS)
def test_each_carriers_own_signature_is_taken_and_a_changed_body_is_not(kind: str) -> None:
    """CASES phone 24, V1."""
    ours, path = carrier(kind), f"/phone/{kind}/step/CA1/3?x=%20y"
    right = signed(kind, path, FORM)
    assert ours.genuine(webhook(path, FORM, right))
    assert not ours.genuine(webhook(path, {**FORM, "Digits": "2"}, right))
    assert not ours.genuine(webhook(path, {**FORM, "More": "2"}, right))
    assert not ours.genuine(webhook(path, FORM, {}))
    assert not ours.genuine(webhook(path, FORM, dict.fromkeys(right, "")))
    assert not ours.genuine(webhook(path, FORM, dict.fromkeys(right, "é" * 20)))


@pytest.mark.parametrize("kind", ["twilio", "signalwire"])
def test_the_whole_address_is_signed_where_the_carrier_signs_it(kind: str) -> None:
    ours, path = carrier(kind), f"/phone/{kind}/voice"
    assert not ours.genuine(webhook(f"{path}?x=1", FORM, signed(kind, path, FORM)))


@pytest.mark.parametrize("kind", KINDS)
def test_no_carrier_takes_what_another_signed(kind: str) -> None:
    path = "/phone/any/voice"
    for other in KINDS:
        assert carrier(kind).genuine(webhook(path, FORM, signed(other, path, FORM))) == (kind == other)


def test_signalwire_signs_some_webhooks_as_address_and_raw_body() -> None:
    path = "/phone/signalwire/voice"
    right = hmac.new(b"PSK_1", (PUBLIC + path).encode() + urlencode(FORM).encode(), sha1).hexdigest()
    assert carrier("signalwire").genuine(webhook(path, FORM, {"x-signalwire-signature": right}))


@pytest.mark.parametrize("at", [str(NOW - 301), str(NOW + 301), "", "soon", "-1", "1e9", f"{NOW}.5", "9" * 30])
def test_telnyx_webhooks_hold_five_minutes_and_no_longer(at: str) -> None:
    """CASES V2: a replayed webhook. The signature is right for whatever time it names."""
    body = urlencode(FORM).encode()
    given = base64.b64encode(KEY.sign(f"{at}|".encode() + body).signature).decode()
    headers = {"telnyx-timestamp": at, "telnyx-signature-ed25519": given}
    assert not carrier("telnyx").genuine(webhook("/x", FORM, headers))


@pytest.mark.parametrize("key", ["", "no base64!", "YWJj", base64.b64encode(b"x" * 31).decode()])
def test_a_telnyx_key_that_is_none_takes_nothing_and_is_said_at_check(key: str) -> None:
    ours = replace(configured("telnyx"), auth_tokens=(key,))
    assert not carriers.of(ours, PUBLIC, lambda: float(NOW), seconds=1).genuine(
        webhook("/x", FORM, signed("telnyx", "/x", FORM))
    )
    assert "PRESA_TELNYX_PUBLIC_KEY" in carriers.unfit(ours, PUBLIC)


@pytest.mark.parametrize("kind", KINDS)
def test_the_self_test_is_content_with_a_right_configuration(kind: str) -> None:
    assert carriers.unfit(configured(kind), PUBLIC) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_the_carriers_own_and_nothing_that_could_be_a_path(kind: str) -> None:
    """CASES V4."""
    ours = carrier(kind)
    assert ours.call_id.fullmatch(CALL[kind])
    recording = "RE" + "a" * 32 if kind == "twilio" else UUID
    assert ours.heard({"RecordingSid": recording, "RecordingDuration": "7"}) == ivr.Recorded(recording, 7)
    for bad in ("../../etc/passwd", "RE/1", "http://x.test/1", f"{UUID}/..", "", "RE1\n"):
        assert not ours.call_id.fullmatch(bad)
        assert ours.heard({"RecordingSid": bad, "RecordingUrl": "http://169.254.169.254/"}) == ivr.Silence()
        with pytest.raises(Refused):
            ours.orders.recording(bad)
        with pytest.raises(Refused):
            ours.orders.forget(bad)


# ── orders, against what the carriers publish ──


@dataclass(frozen=True)
class Published:
    """Parameters of "create a call" with the longest or the set of values each may have, as the carrier's page has them."""

    path: str
    required: frozenset[str]
    known: frozenset[str]
    events: str  # how several events are given: "many" fields or one with "spaces"
    authorization: str


EVENTS = {"initiated", "ringing", "answered", "completed"}
# https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource
TWILIO = frozenset(
    [
        "To",
        "From",
        "Method",
        "FallbackUrl",
        "FallbackMethod",
        "StatusCallback",
        "StatusCallbackEvent",
        "StatusCallbackMethod",
        "SendDigits",
        "Timeout",
        "Record",
        "RecordingChannels",
        "RecordingStatusCallback",
        "RecordingStatusCallbackMethod",
        "SipAuthUsername",
        "SipAuthPassword",
        "MachineDetection",
        "MachineDetectionTimeout",
        "RecordingStatusCallbackEvent",
        "Trim",
        "CallerId",
        "MachineDetectionSpeechThreshold",
        "MachineDetectionSpeechEndThreshold",
        "MachineDetectionSilenceTimeout",
        "AsyncAmd",
        "AsyncAmdStatusCallback",
        "AsyncAmdStatusCallbackMethod",
        "Byoc",
        "CallReason",
        "CallToken",
        "RecordingTrack",
        "TimeLimit",
        "Url",
        "Twiml",
        "ApplicationSid",
    ]
)
# https://developer.signalwire.com/compatibility-api/rest/create-a-call
SIGNALWIRE = frozenset(
    [
        "To",
        "From",
        "Url",
        "ApplicationSid",
        "CallerId",
        "FallbackMethod",
        "FallbackUrl",
        "MachineDetection",
        "MachineDetectionTimeout",
        "Method",
        "Record",
        "RecordingChannels",
        "RecordingStatusCallback",
        "RecordingStatusCallbackEvent",
        "RecordingStatusCallbackMethod",
        "SendDigits",
        "SipAuthPassword",
        "SipAuthUsername",
        "StatusCallback",
        "StatusCallbackEvent",
        "StatusCallbackMethod",
        "Timeout",
        "Trim",
    ]
)
# https://developers.telnyx.com/api-reference/texml-rest-commands/initiate-an-outbound-call
TELNYX = frozenset(
    [
        "ApplicationSid",
        "To",
        "From",
        "CallerId",
        "Url",
        "UrlMethod",
        "FallbackUrl",
        "StatusCallback",
        "StatusCallbackMethod",
        "StatusCallbackEvent",
        "MachineDetection",
        "DetectionMode",
        "MachineDetectionTimeout",
        "AsyncAmd",
        "AsyncAmdStatusCallback",
        "AsyncAmdStatusCallbackMethod",
        "Record",
        "RecordingChannels",
        "RecordingStatusCallback",
        "RecordingStatusCallbackEvent",
        "RecordingStatusCallbackMethod",
        "RecordingTimeout",
        "RecordingTrack",
        "SendRecordingUrl",
        "SipAuthPassword",
        "SipAuthUsername",
        "SipRegion",
        "Trim",
        "PreferredCodecs",
        "CustomHeaders",
    ]
)
PUBLISHED = {
    "twilio": Published(
        "/2010-04-01/Accounts/account/Calls.json", frozenset(("To", "From", "Url")), TWILIO, "many", "Basic "
    ),
    "signalwire": Published(
        "/api/laml/2010-04-01/Accounts/account/Calls.json",
        frozenset(("To", "From", "Url")),
        SIGNALWIRE,
        "many",
        "Basic ",
    ),
    "telnyx": Published(
        "/v2/texml/Accounts/account/Calls", frozenset(("ApplicationSid", "To", "From")), TELNYX, "spaces", "Bearer key"
    ),
}
LONGEST_URL = 4_000
ORDER = {
    "to": "+393331234567",
    "from_": "+390200000000",
    "url": f"{PUBLIC}/phone/x/page",
    "status_callback": f"{PUBLIC}/phone/x/status",
    "attempt_id": "page7-1",
}


def orders(kind: str, handler: httpx2.MockTransport) -> twilio.Carrier | signalwire.Carrier | telnyx.Carrier:
    ours = configured(kind)
    if kind == "telnyx":
        return telnyx.Carrier("account", "key", "app-1", ours.api_url, transport=handler)
    made = twilio.Carrier if kind == "twilio" else signalwire.Carrier
    return made("account", "key", ours.api_url, transport=handler)


def placed(kind: str) -> httpx2.Request:
    seen: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(201, json={"sid": CALL[kind]})

    assert orders(kind, httpx2.MockTransport(take)).place(**ORDER) == CALL[kind]
    (only,) = seen
    return only


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_holds_only_parameters_that_the_carrier_publishes_within_its_limits(kind: str) -> None:
    request, published = placed(kind), PUBLISHED[kind]
    fields = parse_qs(request.content.decode(), strict_parsing=True)
    assert request.url.path == published.path
    assert request.headers["Authorization"].startswith(published.authorization)
    assert published.required <= set(fields) <= published.known
    given = fields["StatusCallbackEvent"]
    assert set(given if published.events == "many" else given[0].split(" ")) == EVENTS
    assert published.events == "many" or len(given) == 1
    for name in ("Url", "StatusCallback"):
        assert len(fields[name][0]) <= LONGEST_URL
        assert "attempt=page7-1" in fields[name][0]
    assert int(fields.get("Timeout", ["25"])[0]) in range(5, 601)
    assert all(fields[name] == ["POST"] for name in fields if name.endswith("Method"))


# What each carrier publishes for a call that is there already, for its list, and for a text.
# https://www.twilio.com/docs/voice/api/call-resource (update, list), https://www.twilio.com/docs/messaging/api/message-resource
UPDATE = frozenset(
    (
        "Url",
        "Method",
        "Status",
        "FallbackUrl",
        "FallbackMethod",
        "StatusCallback",
        "StatusCallbackMethod",
        "Twiml",
        "TimeLimit",
    )
)
LIST = frozenset(
    ("To", "From", "ParentCallSid", "Status", "StartTime", "StartTime<", "StartTime>", "EndTime", "EndTime<", "EndTime>", "Page",
     "PageSize", "PageToken")
)  # fmt: skip
TEXT = frozenset(
    ("To", "From", "Body", "MessagingServiceSid", "MediaUrl", "StatusCallback", "ValidityPeriod", "MaxPrice")
)
# https://developer.signalwire.com/compatibility-api/client-sdks/methods/calls/list, .../calls/update: as Twilio's, without TimeLimit
# https://developers.telnyx.com/api-reference/texml-rest-commands/update-call: Texml instead of Twiml
# https://developers.telnyx.com/api-reference/texml-rest-commands/fetch-multiple-call-resources
MORE: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "twilio": (UPDATE, LIST),
    "signalwire": (UPDATE - {"TimeLimit"}, LIST),
    "telnyx": (UPDATE - {"TimeLimit", "Twiml"} | {"Texml"}, LIST - {"ParentCallSid"}),
}
LONGEST_TEXT = 1_600  # characters of a Body


@pytest.mark.parametrize("kind", KINDS)
def test_every_other_request_holds_only_published_names_too(kind: str) -> None:
    """Cancel, hang up, send elsewhere, list and look: nothing that this carrier would not know."""
    seen: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={"sid": CALL[kind], "calls": []})

    ours, (update, listed) = orders(kind, httpx2.MockTransport(take)), MORE[kind]
    ours.cancel(CALL[kind])
    ours.hang_up(CALL[kind])
    ours.send_to(CALL[kind], f"{PUBLIC}/phone/x/room/page1-1")
    ours.find(to=ORDER["to"], since=datetime(2027, 1, 15, tzinfo=UTC))
    ours.get(CALL[kind])
    told = [parse_qs(request.content.decode()) for request in seen[:3]]
    assert [fields.get("Status") for fields in told] == [["canceled"], ["completed"], None]
    assert all(set(fields) <= update for fields in told)
    assert told[2]["Method"] == ["POST"]
    assert set(parse_qs(seen[3].url.query.decode())) <= listed
    assert [request.method for request in seen] == ["POST", "POST", "POST", "GET", "GET"]
    assert not seen[4].url.query
    assert all(request.headers["Authorization"].startswith(PUBLISHED[kind].authorization) for request in seen)


@pytest.mark.parametrize("kind", ["twilio", "signalwire"])
def test_a_text_holds_only_published_names_within_its_limit(kind: str) -> None:
    seen: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(201, json={"sid": "SM1"})

    orders(kind, httpx2.MockTransport(take)).message(to=ORDER["to"], from_=ORDER["from_"], body="PR-1002-4137 " * 20)
    fields = parse_qs(seen[0].content.decode())
    assert {"To", "From", "Body"} == set(fields) <= TEXT
    assert len(fields["Body"][0]) <= LONGEST_TEXT


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_whose_answer_is_lost_is_in_doubt_and_found_by_listing(kind: str) -> None:
    """CASES phone 21: never placed a second time; the carrier is asked for the calls to that number."""
    created = {"telnyx": "2027-01-15T08:00:00+00:00"}.get(kind, "Fri, 15 Jan 2027 08:00:00 +0000")
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        if request.method == "POST":
            raise httpx2.ReadTimeout("lost")
        row = {
            "sid": CALL[kind],
            "to": ORDER["to"],
            "from": ORDER["from_"],
            "status": "ringing",
            "date_created": created,
        }
        return httpx2.Response(200, json={"calls": [row, {**row, "to": "+390000"}]})

    ours = orders(kind, httpx2.MockTransport(answer))
    with pytest.raises(Unknown):
        ours.place(**ORDER)
    at = datetime(2027, 1, 15, 8, tzinfo=UTC)
    (found,) = ours.find(to=ORDER["to"], since=at)
    assert (found.sid, found.created) == (CALL[kind], at)
    assert ours.find(to=ORDER["to"], since=at.replace(hour=9)) == ()
    assert [request.method for request in seen] == ["POST", "GET", "GET"]
    assert seen[1].url.params["To"] == ORDER["to"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_is_fetched_by_its_id_and_removed_and_gone_is_no_trouble(kind: str) -> None:
    recording = "RE" + "a" * 32 if kind == "twilio" else UUID
    asked: list[tuple[str, str, str]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append((request.method, request.url.path, request.headers.get("Authorization", "")))
        if request.method == "DELETE":
            return httpx2.Response(204) if len(asked) < 4 else httpx2.Response(404, json={})
        if request.url.path.endswith(".json"):
            where = "https://s3.amazonaws.com/telephony-recorder-prod/a/b.mp3?X-Amz-Signature=1"
            return httpx2.Response(200, json={"status": "completed", "media_url": where})
        return httpx2.Response(200, content=b"ID3 sound")

    ours = orders(kind, httpx2.MockTransport(answer))
    assert ours.recording(recording) == b"ID3 sound"
    ours.forget(recording)
    ours.forget(recording)
    ours.forget(recording)
    account = PUBLISHED[kind].path.rpartition("/Calls")[0]
    assert all(f"/Recordings/{recording}" in path for _, path, _ in asked if path.startswith(account))
    if kind == "telnyx":  # the store is not told who we are
        assert asked[1] == ("GET", "/telephony-recorder-prod/a/b.mp3", "")


@pytest.mark.parametrize(
    "where",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://s3.amazonaws.com.evil.test/telephony-recorder-prod/1",
        "https://s3.amazonaws.com/somebody-elses/1",
        "http://s3.amazonaws.com/telephony-recorder-prod/1",
        "https://user@evil.test/telephony-recorder-prod/",
        "file:///etc/passwd",
        "",
    ],
)
def test_telnyx_sounds_are_followed_nowhere_but_to_its_store(where: str) -> None:
    """CASES V4."""
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(200, json={"media_url": where})

    with pytest.raises(Refused):
        orders("telnyx", httpx2.MockTransport(answer)).recording(UUID)
    assert len(asked) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_that_is_not_ready_is_asked_for_later(kind: str) -> None:
    recording = "RE" + "a" * 32 if kind == "twilio" else UUID
    answers = {"telnyx": httpx2.Response(200, json={"status": "in-progress"})}
    not_yet = answers.get(kind, httpx2.Response(404, json={"code": 20404}))
    with pytest.raises(Later):
        orders(kind, httpx2.MockTransport(lambda _request: not_yet)).recording(recording)


def test_a_redirect_of_the_carrier_is_not_followed() -> None:
    away = httpx2.Response(302, headers={"Location": "http://169.254.169.254/"})
    with pytest.raises(Refused):
        orders("twilio", httpx2.MockTransport(lambda _request: away)).recording("RE1")


# ── configuration ──


def test_signalwire_needs_its_space_and_telnyx_its_application(tmp_path: Path) -> None:
    home = shutil.copytree(DESKS / "test", tmp_path / "test")
    written = (home / "presa.yaml").read_text()
    for kind, missing in (("signalwire", "api_url"), ("telnyx", "application")):
        (home / "presa.yaml").write_text(written.replace("kind: twilio", f"kind: {kind}"))
        with pytest.raises(ConfigError, match=f"{kind} without {missing}"):
            configuration.load(home, {})
    (home / "presa.yaml").write_text(
        written.replace("kind: twilio", "kind: telnyx, application: '1'".replace(", ", "\n  "))
    )
    env = {
        "PRESA_TELNYX_ACCOUNT_SID": "a",
        "PRESA_TELNYX_API_KEY": "b",
        "PRESA_TELNYX_PUBLIC_KEY": f"{PUBLIC_KEY},{PUBLIC_KEY}",
    }
    ours = configuration.load(home, env).carrier
    assert ours is not None
    assert (ours.ready, ours.path, ours.api_url) == (True, "/phone/telnyx", "https://api.telnyx.com")
    assert not configuration.load(home, {}).carrier.ready  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("transcription: {kind: whisper}", "whisper without a model"),
        ("transcription: {kind: carrier}", "a carrier that does not write down here"),
        ("transcription: {kind: parrot}", "parrot"),
    ],
)
def test_a_transcription_that_cannot_be_is_refused_at_start(tmp_path: Path, asked: str, said: str) -> None:
    home = shutil.copytree(DESKS / "test", tmp_path / "test")
    written = (home / "presa.yaml").read_text().replace("kind: twilio", "kind: telnyx\n  application: '1'")
    (home / "presa.yaml").write_text(f"{written}\n{asked}\n")
    with pytest.raises(ConfigError, match=said):
        configuration.load(home, {})
