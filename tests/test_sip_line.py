"""The telephone line without a carrier: a peer of our own in this process calls it and is called, on loopback.

The webhooks behind it are a small application here; the whole Presa is tried with real telephones in test_sip_baresip.
"""

import asyncio
import contextlib
import shutil
import struct
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("aiosipua", reason="the extra 'sip' is not installed (pip install 'presa[sip]')")
pytest.importorskip("aiortp", reason="the extra 'sip' is not installed (pip install 'presa[sip]')")

from sip_peer import Peer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.errors import Permanent
from gateway.phone import twilio
from gateway.phone.carrier import Later, Refused
from gateway.settings.sip import Sip, SipModel, address, sip
from gateway.sip import media, sdp, speech
from gateway.sip.line import SipLine, caller
from gateway.sip.media import Events, Media, Ports

BASE = "http://presa.test"
TOKEN = "a-token-of-the-test"
NUMBER = "+390200000000"
ENGINEER = "+390200000031"
SPEECH_SECONDS = 0.3


class Webhooks:
    """Answers from a table: path -> TwiML; remembers every form, each checked for its signature."""

    def __init__(self, **documents: str) -> None:
        self.documents = {f"/{name}": text for name, text in documents.items()}
        self.forms: list[tuple[str, Mapping[str, str]]] = []
        self.app = Starlette(routes=[Route("/{path:path}", self.answer, methods=["POST", "GET"])])

    async def answer(self, request: Request) -> Response:
        form = dict(await request.form()) if request.method == "POST" else {}
        path = request.url.path
        if request.method == "POST":
            pairs = tuple((name, str(value)) for name, value in form.items())
            query = f"?{request.url.query}" if request.url.query else ""
            signed = twilio.Signatures(BASE, (TOKEN,)).check(path + query, pairs, request.headers["x-twilio-signature"])
            assert signed, "a webhook that is not signed"
            self.forms.append((path + query, {name: str(value) for name, value in form.items()}))
        if path.endswith(".wav"):
            return Response(speech.wav(bytes(16_000)), media_type="audio/wav")
        inner = self.documents.get(path)
        return Response("", 204) if inner is None else Response(f"<Response>{inner}</Response>", media_type="text/xml")

    def posted(self, path: str) -> list[Mapping[str, str]]:
        return [form for where, form in self.forms if urlsplit(where).path == path]


class Mumble(speech.Speech):
    """Says everything as the same third of a second of a loud tone, without a program."""

    said: list[tuple[str, str]]

    def __init__(self) -> None:
        super().__init__(speech.Voices())
        self.said = []

    def say(self, text: str, language: str, law: speech.Law) -> bytes:
        self.said.append((text, language))
        return speech.tone(law, SPEECH_SECONDS)


class Scene:
    """A line, its webhooks, and a telephone."""

    def __init__(self, line: SipLine, webhooks: Webhooks, peer: Peer) -> None:
        self.line, self.webhooks, self.peer = line, webhooks, peer
        self.speech: Mumble = line.speech  # type: ignore[assignment]

    async def until(self, ready: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := ready():
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"waited for {what}; heard of {[where for where, _ in self.webhooks.forms]}")

    async def posted(self, path: str, count: int = 1) -> Mapping[str, str]:
        await self.until(lambda: len(self.webhooks.posted(path)) >= count, path)
        return self.webhooks.posted(path)[count - 1]

    async def quiet(self) -> None:
        await self.until(lambda: not self.line._calls, "the end of every call")


def settings(folder: Path, peer_port: int = 0, **more: Any) -> Sip:
    values: dict[str, Any] = {
        "listen": ("127.0.0.1", 0), "peers": ("127.0.0.1",), "prefixes": ("+3902",), "ports": (26_000, 26_199), "calls": 3,
        "phones": {ENGINEER: f"sip:uno@127.0.0.1:{peer_port}"} if peer_port else {}, "recordings": str(folder / "recordings"),
    }  # fmt: skip
    return Sip(**{**values, **more})


@contextlib.asynccontextmanager
async def scene(folder: Path, documents: Mapping[str, str], **more: Any) -> AsyncIterator[Scene]:
    webhooks = Webhooks(**documents)
    peer = await Peer.open()
    line = SipLine(settings(folder, peer.port, **more), NUMBER, BASE, "AC1", TOKEN, (f"{BASE}/voice", f"{BASE}/status"))
    line.speech = Mumble()
    line.trouble = lambda: None  # type: ignore[method-assign]
    await line.open(webhooks.app)
    peer.presa = "127.0.0.1", line.address[1]
    try:
        yield Scene(line, webhooks, peer)
    finally:
        await line.close()
        peer.close()


def play(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 120))


GATHER = '<Gather action="/keyed" finishOnKey="#" timeout="5" actionOnEmptyResult="true"><Say language="it-IT">Codice</Say></Gather>'
BYE = '<Say language="it-IT">Grazie</Say><Hangup/>'


def test_a_call_is_answered_hears_speech_and_its_keys_reach_the_signed_webhook(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {"voice": GATHER, "keyed": BYE}) as here:
            call = await here.peer.calls("+390612345678")
            first = await here.posted("/voice")
            assert (first["From"], first["To"], first["CallStatus"]) == ("+390612345678", NUMBER, "ringing")
            await here.until(lambda: call.loudest() > 3_000, "sound")
            await call.presses("100001#")
            assert (await here.posted("/keyed"))["Digits"] == "100001"
            last = await here.posted("/status")
            assert last["CallStatus"] == "completed"
            await here.until(lambda: call.over, "BYE")
            assert here.speech.said == [("Codice", "it-IT"), ("Grazie", "it-IT")]

    play(story())


def test_keys_that_come_by_sip_info_count_too_and_once_when_a_telephone_sends_both(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {"voice": GATHER, "keyed": GATHER}) as here:
            call = await here.peer.calls("+390612345678", events=False)
            await here.posted("/voice")
            for key in "42#":
                assert await call.info(f"Signal={key}\r\nDuration=160\r\n") == 200
            assert (await here.posted("/keyed"))["Digits"] == "42"
            both = await here.peer.calls("+390612345679")
            await here.posted("/voice", 2)
            for key in "7#":
                await both.presses(key)
                await both.info(f"Signal={key}\r\nDuration=160\r\n")
            assert (await here.posted("/keyed", 2))["Digits"] == "7"

    play(story())


def test_a_key_stops_what_is_being_said(tmp_path: Path) -> None:
    long = GATHER.replace("</Say>", "</Say>" + "<Say>more</Say>" * 40)

    async def story() -> None:
        async with scene(tmp_path, {"voice": long, "keyed": "<Pause length='5'/>"}) as here:
            call = await here.peer.calls("+390612345678")
            await here.until(lambda: call.loudest() > 3_000, "sound")
            await call.presses("1")
            await asyncio.sleep(0.3)
            call.frames.clear()
            await asyncio.sleep(0.3)
            assert call.frames
            assert call.loudest() < 100, "it went on talking"

    play(story())


def test_nobody_presses_anything_and_the_time_out_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {"voice": GATHER.replace('timeout="5"', 'timeout="1"'), "keyed": BYE}) as here:
            await here.peer.calls("+390612345678")
            assert (await here.posted("/keyed"))["Digits"] == ""
            await here.posted("/status")

    play(story())


def test_a_hang_up_is_told_and_a_cancelled_call_leaves_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {"voice": GATHER}) as here:
            call = await here.peer.calls("+390612345678")
            await here.posted("/voice")
            await call.hangs_up()
            assert (await here.posted("/status"))["CallStatus"] == "completed"
            await here.quiet()
            assert not here.line.uas.active_calls

    play(story())


def test_what_is_said_after_the_tone_becomes_a_wav_that_the_gateway_fetches_and_forgets(tmp_path: Path) -> None:
    record = '<Record action="/recorded" timeout="1" maxLength="20" finishOnKey="#"/><Say>nothing</Say>'

    async def story() -> None:
        async with scene(tmp_path, {"voice": record, "recorded": BYE}) as here:
            call = await here.peer.calls("+390612345678")
            await here.posted("/voice")
            await asyncio.sleep(0.5)
            await call.speaks(1.0)
            told = await here.posted("/recorded")
            sid = told["RecordingSid"]
            assert told["RecordingDuration"] in ("1", "2")
            sound = here.line.recording(sid)
            pcm = memoryview(speech.pcm_of(sound)).cast("h")
            assert 0.9 < len(pcm) / 8_000 < 2.6
            assert max(pcm) > 3_000
            here.line.forget(sid)
            with pytest.raises(Refused):
                here.line.recording(sid)
            for wrong in ("../../etc/passwd", "RE/../x", ""):
                with pytest.raises(Refused):
                    here.line.recording(wrong)

    play(story())


def test_silence_after_the_tone_is_no_recording(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {"voice": '<Record action="/recorded" timeout="1"/><Say>nothing</Say>'}) as here:
            call = await here.peer.calls("+390612345678")
            await here.until(lambda: ("nothing", "en-US") in here.speech.said, "the next words")
            assert not here.webhooks.posted("/recorded")
            await here.until(lambda: call.over, "the end")

    play(story())


def test_an_address_of_our_own_is_played_and_a_foreign_one_is_not(tmp_path: Path) -> None:
    async def story() -> None:
        document = f"<Play>{BASE}/hello.wav</Play><Play>http://elsewhere.test/x.wav</Play><Say>end</Say>"
        async with scene(tmp_path, {"voice": document}) as here:
            began = time.monotonic()
            await here.peer.calls("+390612345678")
            await here.until(lambda: here.speech.said, "the words after it")
            assert time.monotonic() - began > 0.9

    play(story())


def test_the_engineer_is_rung_answers_and_presses_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {"page": GATHER, "keyed": BYE}) as here:
            sid = here.line.place(
                to=ENGINEER,
                from_=NUMBER,
                url=f"{BASE}/page",
                status_callback=f"{BASE}/news",
                attempt_id="page7-1",
                timeout=20,
            )
            call = await here.peer.is_rung()
            assert here.line.get(sid).status in ("queued", "ringing")
            await call.rings()
            await call.answers()
            await here.posted("/page")
            await call.presses("1#")
            assert (await here.posted("/keyed"))["Digits"] == "1"
            await here.until(lambda: call.over, "BYE")
            await here.quiet()
            news = here.webhooks.posted("/news")
            assert [one["CallStatus"] for one in news] == ["initiated", "ringing", "in-progress", "completed"]
            assert [one["SequenceNumber"] for one in news] == ["0", "1", "2", "3"]
            assert all(parse_qs(urlsplit(where).query) == {"attempt": ["page7-1"]} for where, _ in here.webhooks.forms if "page" in where and "keyed" not in where)  # fmt: skip
            assert here.line.get(sid).status == "completed"
            found = here.line.find(to=ENGINEER, since=datetime.now(UTC) - timedelta(minutes=1))
            assert [placed.sid for placed in found] == [sid]

    play(story())


@pytest.mark.parametrize(("status", "told"), [(486, "busy"), (603, "busy"), (480, "no-answer"), (500, "failed")])
def test_an_engineer_who_does_not_answer_is_told_as_what_it_was(status: int, told: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {}) as here:
            here.line.place(
                to=ENGINEER, from_=NUMBER, url=f"{BASE}/page", status_callback=f"{BASE}/news", attempt_id="a"
            )
            call = await here.peer.is_rung()
            await call.refuses(status)
            await here.posted("/news", 2)
            assert here.webhooks.posted("/news")[-1]["CallStatus"] == told
            assert call.acknowledged, "the refusal was not acknowledged"

    play(story())


def test_ringing_that_runs_out_is_cancelled_and_so_is_what_is_not_wanted_any_more(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {}) as here:
            order = {"to": ENGINEER, "from_": NUMBER, "url": f"{BASE}/page", "status_callback": f"{BASE}/news"}
            here.line.place(**order, attempt_id="a", timeout=1)  # type: ignore[arg-type]
            call = await here.peer.is_rung()
            await call.rings()
            await here.until(lambda: call.cancelled, "CANCEL")
            assert (await here.posted("/news", 3))["CallStatus"] == "no-answer"
            sid = here.line.place(**order, attempt_id="b", timeout=20)  # type: ignore[arg-type]
            call = await here.peer.is_rung()
            await call.rings()
            await here.posted("/news", 5)
            here.line.cancel(sid)
            await here.until(lambda: call.cancelled, "CANCEL")
            assert (await here.posted("/news", 6))["CallStatus"] == "canceled"
            await here.quiet()

    play(story())


def test_who_picks_up_while_the_call_is_cancelled_is_hung_up_on_and_not_left_in_silence(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {}) as here:
            here.line.place(
                to=ENGINEER, from_=NUMBER, url=f"{BASE}/page", status_callback=f"{BASE}/news", attempt_id="a", timeout=1
            )
            call = await here.peer.is_rung()
            await call.rings()
            await here.until(lambda: call.cancelled, "CANCEL")
            await call.answers()
            await here.until(lambda: call.over, "BYE")

    play(story())


def test_a_trunk_that_asks_for_the_password_gets_it_and_a_challenge_that_comes_twice_is_no_refusal(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        peer = await Peer.open()
        trunk = {"trunk": ("127.0.0.1", peer.port), "user": "presa", "password": "secret"}
        async with scene(tmp_path, {"page": BYE}, **trunk) as here:
            peer.presa = here.peer.presa
            here.line.place(
                to="+390212345678", from_=NUMBER, url=f"{BASE}/page", status_callback=f"{BASE}/news", attempt_id="a"
            )
            call = await peer.is_rung()
            await call.challenges("presa", "secret", twice=True)
            await call.answers()
            await here.posted("/page")
            await here.until(lambda: call.over, "BYE")
            assert here.webhooks.posted("/news")[-1]["CallStatus"] == "completed"
        peer.close()

    play(story())


@pytest.mark.parametrize("number", ["+441234567890", "+39899123456", "0212345678", "+3902;x", "sip:x@y", ""])
def test_what_is_not_allowed_is_never_rung(number: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {}, trunk=("127.0.0.1", 9)) as here:
            with pytest.raises(Refused):
                here.line.place(to=number, from_=NUMBER, url=f"{BASE}/p", status_callback=f"{BASE}/n", attempt_id="a")

    play(story())


def test_an_order_before_the_line_is_open_is_put_off_and_a_call_of_an_earlier_life_is_over(tmp_path: Path) -> None:
    line = SipLine(settings(tmp_path, 5_999), NUMBER, BASE, "AC1", TOKEN, ("", ""))
    with pytest.raises(Later):
        line.place(to=ENGINEER, from_=NUMBER, url="", status_callback="", attempt_id="a")
    assert line.get("CA" + "0" * 32).status == "failed"


def test_more_calls_than_allowed_hear_the_busy_tone_and_the_others_go_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {"voice": GATHER, "keyed": BYE}) as here:
            calls = await asyncio.gather(*(here.peer.calls(f"+39061234567{n}") for n in range(3)))
            more = [here.peer.calls(f"+39061234560{n}") for n in range(5)]
            refused = await asyncio.gather(*more, return_exceptions=True)
            assert all("486" in str(one) for one in refused), refused
            await here.posted("/voice", 3)
            await calls[0].presses("1#")
            await here.posted("/keyed")

    play(story())


def test_garbage_never_stops_the_line(tmp_path: Path) -> None:
    """Bytes that are no SIP, SIP that says nonsense, RTP that is none: the next call is answered as if nothing had been."""
    good = f"INVITE sip:{NUMBER}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK%d\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: g%d\r\nCSeq: 1 INVITE\r\nContact: <sip:a@127.0.0.1:1>\r\n"
    bodies = (
        "v=0\r\nm=audio x RTP/AVP 8\r\n",
        "m=audio 99999999 RTP/AVP 8\r\nc=IN IP4 127.0.0.1\r\n",
        "\x00" * 500,
        "c=IN IP4\r\n" * 300,
    )
    rubbish = [
        b"",
        b"\r\n\r\n",
        b"\x00" * 2_000,
        b"\xff" * 65_000,
        b"INVITE",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"SIP/2.0 xx\r\nVia: x\r\n\r\n",
    ]
    rubbish += [
        b"INVITE sip:x SIP/2.0\r\n" + b"Via: SIP/2.0/UDP a;branch=z9hG4bKx\r\n" * 400 + b"\r\n",
        b"BYE x SIP/2.0\r\nCSeq: -1 \xc3\r\n\r\n",
    ]
    rubbish += [
        b"CANCEL sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK1;rport=99999999\r\nFrom: a\r\nTo: b\r\nCall-ID: c\r\nCSeq: 99999999999999999999 CANCEL\r\n\r\n"
    ]
    rubbish += [
        (good % (n, n) + f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()
        for n, body in enumerate(bodies)
    ]

    async def story() -> None:
        async with scene(tmp_path, {"voice": GATHER, "keyed": BYE}) as here:
            for one in rubbish:
                with contextlib.suppress(OSError):
                    here.peer.sends(one)
            call = await here.peer.calls("+390612345678")
            await here.posted("/voice")
            for one in (
                b"",
                b"\x80",
                b"\x80" * 12,
                b"\xff" * 1_400,
                b"\x80\x65" + bytes(10),
                b"\x90\x08" + b"\xff" * 12,
            ):
                call.sends(one)
            await call.presses("12#")
            assert (await here.posted("/keyed"))["Digits"] == "12"
            assert here.line.wire.counts["broken"] + here.line.wire.counts["dropped"] > 5

    play(story())


def test_strangers_are_refused_few_times_a_second_and_never_answered_otherwise(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {"voice": GATHER}, peers=("192.0.2.1",), phones={}) as here:
            with pytest.raises(AssertionError, match="403"):
                await here.peer.calls("+390612345678")
            before = len(here.peer.raw)
            for n in range(200):
                here.peer.sends(f"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{here.peer.port};branch=z9hG4bK{n}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: {n}\r\nCSeq: 1 OPTIONS\r\n\r\n".encode())  # fmt: skip
            await asyncio.sleep(0.3)
            assert len(here.peer.raw) - before <= 20
            assert all(b" 403 " in one for one in here.peer.raw[before:])
            assert not here.webhooks.forms

    play(story())


def test_an_invite_that_comes_twice_is_one_call(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {"voice": GATHER}) as here:
            call = await here.peer.calls("+390612345678", twice=True)
            await here.posted("/voice")
            await asyncio.sleep(0.3)
            assert len(here.webhooks.posted("/voice")) == 1
            assert len(here.line._calls) == 1
            assert not call.over

    play(story())


def test_an_invite_that_nobody_answers_is_sent_again_and_given_up_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.sip.line.NO_ANSWER_AT_ALL", 1.2)

    async def story() -> None:
        async with scene(tmp_path, {}) as here:
            here.peer.deaf = True
            here.line.place(
                to=ENGINEER, from_=NUMBER, url=f"{BASE}/page", status_callback=f"{BASE}/news", attempt_id="a"
            )
            assert (await here.posted("/news", 2))["CallStatus"] == "failed"
            assert sum(one.startswith(b"INVITE") for one in here.peer.raw) == 2

    play(story())


def test_two_in_one_room_hear_each_other_and_the_end_of_one_ends_both(tmp_path: Path) -> None:
    room = '<Dial action="/after"><Conference startConferenceOnEnter="true" endConferenceOnExit="true">ticket-7</Conference></Dial>'

    async def story() -> None:
        async with scene(tmp_path, {"voice": room, "after": "<Hangup/>"}) as here:
            one = await here.peer.calls("+390612345678")
            await here.posted("/voice")
            two = await here.peer.calls("+390612345679")
            await here.posted("/voice", 2)
            await asyncio.sleep(0.2)
            await one.speaks(0.5)
            await here.until(lambda: two.loudest() > 3_000, "the other's voice")
            assert one.loudest() < 100
            await one.hangs_up()
            await here.until(lambda: two.over, "the other's end")

    play(story())


def test_a_call_that_is_sent_elsewhere_goes_on_there(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(tmp_path, {"voice": GATHER, "other": BYE}) as here:
            call = await here.peer.calls("+390612345678")
            sid = (await here.posted("/voice"))["CallSid"]
            here.line.send_to(sid, f"{BASE}/other")
            await here.posted("/other")
            await here.until(lambda: call.over, "the end")

    play(story())


def test_a_call_that_is_moved_to_another_telephone_goes_on_there(tmp_path: Path) -> None:
    async def story() -> None:
        async with scene(
            tmp_path, {"voice": GATHER.replace("</Say>", "</Say>" + "<Say>more</Say>" * 40), "keyed": BYE}
        ) as here:
            call = await here.peer.calls("+390612345678")
            await here.until(lambda: call.loudest() > 3_000, "sound")
            await call.holds()
            await here.until(lambda: call.loudest() > 3_000, "sound at the new address")
            await call.presses("5#")
            assert (await here.posted("/keyed"))["Digits"] == "5"

    play(story())


def test_the_line_registers_with_its_password_and_takes_its_leave(tmp_path: Path) -> None:
    async def story() -> None:
        peer = await Peer.open()
        line = SipLine(
            settings(tmp_path, trunk=("127.0.0.1", peer.port), user="presa", password="secret", register=True),
            NUMBER, BASE, "AC1", TOKEN, ("", ""),
        )  # fmt: skip
        line.trouble = lambda: None  # type: ignore[method-assign]
        opening = asyncio.get_running_loop().create_task(line.open(Webhooks().app))
        peer.presa = "127.0.0.1", 0
        await opening
        peer.presa = "127.0.0.1", line.address[1]
        for _ in range(100):
            if peer.registered:
                break
            await asyncio.sleep(0.02)
        assert 'username="presa"' in peer.registered[0]
        assert "secret" not in peer.registered[0]
        assert f"sip:presa@127.0.0.1:{line.address[1]}" in peer.registered[0]
        await line.close()
        peer.close()

    play(story())


# The parts -------------------------------------------------------------------------------------------------------


def packet(sequence: int, stamp: int, event: int, duration: int, end: bool = False) -> Any:
    payload = struct.pack("!BBH", event, 0x80 if end else 0, duration)
    return media.RtpPacket(101, 0, sequence, stamp, 1, payload)


@pytest.mark.parametrize(
    ("packets", "heard"),
    [
        pytest.param(
            [(1, 10, 5, 160), (2, 10, 5, 320, True), (3, 10, 5, 320, True), (4, 10, 5, 320, True)],
            "5",
            id="three ends, one key",
        ),
        pytest.param(
            [(1, 10, 5, 160), (2, 10, 5, 320, True), (9, 50, 5, 160), (10, 50, 5, 320, True)],
            "55",
            id="twice the same key",
        ),
        pytest.param([(1, 10, 5, 160), (2, 10, 5, 320)], "", id="no end yet"),
        pytest.param(
            [(1, 10, 5, 160), (5, 50, 6, 160), (6, 50, 6, 320, True)],
            "56",
            id="every end lost: told when the next begins",
        ),
        pytest.param(
            [(1, 10, 5, 0), (2, 10, 5, 320, True), (9, 10, 5, 0), (10, 10, 5, 320, True)],
            "55",
            id="a sender that starts its time-stamps again",
        ),
        pytest.param([(2, 10, 5, 320, True), (1, 10, 5, 160), (3, 10, 5, 320, True)], "5", id="out of order"),
        pytest.param(
            [(1, 10, 15, 160, True), (2, 30, 16, 160, True), (3, 50, 99, 160, True), (4, 70, 10, 160, True)],
            "*",
            id="no keys but the twelve",
        ),
    ],
)
def test_a_key_is_told_once(packets: list[tuple[Any, ...]], heard: str) -> None:
    told: list[str] = []
    events = Events(told.append)
    for one in packets:
        events.take(packet(*one))
    assert "".join(told) == heard


def test_a_recording_puts_late_packets_in_their_place_and_leaves_out_the_silent_end() -> None:
    loud, still = speech.tone(8, 0.02), speech.SILENCE[8] * 160
    kept = [media._Kept(stamp & 0xFFFFFFFF, 8, sound) for stamp, sound in (
        (0xFFFFFF60, loud), (160, still), (0, loud), (160 * 3, loud), *((160 * n, still) for n in range(4, 400)),
    )]  # fmt: skip
    pcm = memoryview(speech.pcm_of(media.assembled(kept))).cast("h")
    assert max(pcm[:160]) > 3_000
    assert max(pcm[160:320]) > 3_000
    assert max(pcm[320:640]) < 100
    assert max(pcm[640:800]) > 3_000
    assert 0.1 < len(pcm) / 8_000 < 1.0
    assert media.assembled([media._Kept(0, 8, still)]) == b""


def test_a_time_stamp_far_away_is_another_source_and_costs_no_memory() -> None:
    loud = speech.tone(8, 0.02)
    sound = media.assembled(
        [media._Kept(0, 8, loud), media._Kept(2_000_000_000, 8, loud), media._Kept(4_000_000_000, 8, loud)]
    )
    assert len(sound) < 10_000


def test_rtp_from_elsewhere_too_big_or_too_much_is_dropped() -> None:
    async def story() -> None:
        box = Media(Ports(26_400, 26_420), lambda host: host == "127.0.0.1")
        await box.open("127.0.0.1")
        box.start(("127.0.0.1", 9), 8, frozenset({101}))
        good = media.RtpPacket(8, 0, 1, 1, 1, b"\xd5" * 160).serialize()
        box.datagram_received(good, ("192.0.2.9", 4_000))
        assert (box.received, box.dropped) == (0, 1)
        box.datagram_received(good, ("127.0.0.1", 4_000))
        box.datagram_received(good, ("127.0.0.1", 4_002))
        box.datagram_received(good + bytes(2_000), ("127.0.0.1", 4_000))
        assert (box.received, box.dropped) == (1, 3)
        for _ in range(1_000):
            box.datagram_received(good, ("127.0.0.1", 4_000))
        assert box.received <= 2 * media.PACKETS_A_SECOND
        box.close()

    play(story())


def test_ports_run_out_plainly_and_come_back() -> None:
    async def story() -> None:
        ports = Ports(26_440, 26_443)
        boxes = [Media(ports, lambda _: True) for _ in range(3)]
        await boxes[0].open("127.0.0.1")
        await boxes[1].open("127.0.0.1")
        with pytest.raises(Exception, match="RTP port"):
            await boxes[2].open("127.0.0.1")
        boxes[0].close()
        await asyncio.sleep(0)
        await boxes[2].open("127.0.0.1")
        for box in boxes:
            box.close()

    play(story())


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100])
def test_speech_of_any_rate_becomes_a_telephones(rate: int) -> None:
    pcm = struct.pack(f"<{rate}h", *((i % 64) * 100 for i in range(rate)))
    assert abs(len(speech.resampled(pcm, rate)) / 2 - 8_000) <= 2


def test_what_cannot_be_spoken_is_silence_and_never_an_error() -> None:
    voice = speech.Speech(speech.Voices(espeak="/nowhere/espeak-ng"))
    assert voice.say("Buongiorno", "it-IT", 8) == b""
    assert "install espeak-ng" in (speech.missing(speech.Voices(espeak="/nowhere/espeak-ng")) or "")


def test_what_was_said_once_is_kept_within_bounds(tmp_path: Path) -> None:
    program = tmp_path / "espeak"
    sound = tmp_path / "sound.wav"
    sound.write_bytes(speech.wav(b"\1\0" * 8_000))
    program.write_text(f"#!/bin/sh\ncat >> {tmp_path}/said; echo >> {tmp_path}/said; cat {sound}\n")
    program.chmod(0o755)
    voice = speech.Speech(speech.Voices(espeak=str(program)), kept_bytes=40_000)
    for text in ("uno", "uno", "due", "tre", "uno", "-v x; rm"):
        assert len(voice.say(text, "it-IT", 0)) == 8_000
    assert (tmp_path / "said").read_text().split("\n")[:-1] == ["uno", "due", "tre", "uno", "-v x; rm"]


def test_piper_speaks_where_a_model_is_given(tmp_path: Path) -> None:
    program, model = tmp_path / "piper", tmp_path / "it.onnx"
    model.write_bytes(b"")
    (tmp_path / "it.onnx.json").write_text('{"audio": {"sample_rate": 16000}}')
    program.write_text("#!/bin/sh\ncat > /dev/null; head -c 32000 /dev/zero\n")
    program.chmod(0o755)
    voices = speech.Voices(espeak="true", piper=str(program), models={"it": str(model)})
    assert speech.missing(voices) is None
    assert len(speech.Speech(voices).say("Buongiorno", "it-IT", 8)) == 8_000


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"listen": "0.0.0.0:5060", "peers": ["192.0.2.1"]}, "advertise"),
        ({"listen": "192.0.2.5", "peers": ["0.0.0.0/0"]}, "the whole world"),
        ({"listen": "192.0.2.5", "peers": []}, "at least 1"),
        ({"listen": "192.0.2.5", "peers": ["192.0.2.1"], "register": True}, "'register' needs"),
        ({"listen": "192.0.2.5", "peers": ["192.0.2.1"], "ports": "20000-20009"}, "too few"),
        ({"listen": "192.0.2.5", "peers": ["192.0.2.1"], "phones": {"+390212": "sip:a@b;c=d\r\nX: y"}}, "sip:anna@"),
        ({"listen": "192.0.2.5", "peers": ["192.0.2.1"], "prefixes": ["39"]}, "pattern"),
    ],
)
def test_a_line_that_would_be_open_to_everybody_is_refused_at_start(written: Mapping[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        SipModel.model_validate(written)


def test_settings_become_values_and_the_password_is_in_no_repr() -> None:
    written = SipModel.model_validate(
        {
            "listen": "192.0.2.5",
            "peers": ["192.0.2.0/24"],
            "trunk": "sip.example.com",
            "user": "presa",
            "register": True,
        }
    )
    made = sip(written, "very secret")
    assert made is not None
    assert (made.listen, made.trunk, made.ports, made.calls) == (
        ("192.0.2.5", 5060),
        ("sip.example.com", 5060),
        (20_000, 20_199),
        25,
    )
    assert "very secret" not in repr(made)
    assert address("[2001:db8::1]:5070") == ("2001:db8::1", 5070)


@pytest.mark.parametrize(
    ("headers", "number"),
    [
        ({"From": "<sip:+390612345678@x>;tag=1"}, "+390612345678"),
        ({"From": "<sip:anonymous@anonymous.invalid>;tag=1"}, ""),
        ({"From": "<sip:a@x>;tag=1", "P-Asserted-Identity": "<tel:+390611111111>"}, "+390611111111"),
        ({"From": '"<script>" <sip:x%0d%0a@x>;tag=1'}, ""),
    ],
)
def test_the_calling_number_is_the_trunks_word_else_the_callers(headers: Mapping[str, str], number: str) -> None:
    request = sdp.SipRequest(method="INVITE", uri="sip:x")
    for name, value in headers.items():
        request.headers.set_single(name, value)
    assert caller(request) == number


def test_without_the_extra_the_configuration_is_refused_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import SimpleNamespace

    from gateway import telephones

    monkeypatch.setitem(sys.modules, "gateway.sip.line", None)
    with pytest.raises(Permanent, match=r"presa\[sip\]"):
        telephones.sip_line_of(SimpleNamespace(carrier=None, public_url=BASE))  # type: ignore[arg-type]


CONFIGURED = (
    "kind: sip\n  from: '+390200000000'\n  sip: {listen: '127.0.0.1:5999', peers: [127.0.0.1], recordings: 'rec'}\n"
)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [("", "one process; use --workers 1"), ("transcription: {kind: carrier}\n", "'carrier' on a line without one")],
)
def test_a_configuration_that_the_line_cannot_serve_is_refused_in_words(
    more: str, complaint: str, tmp_path: Path
) -> None:
    from gateway.cli.running import up

    shutil.copytree(Path(__file__).parents[1] / "desks" / "test", tmp_path / "desk")
    written = tmp_path / "desk" / "presa.yaml"
    text = written.read_text().replace('kind: twilio\n  from: "+390200000000"\n', CONFIGURED)
    written.write_text(text + more)
    with pytest.raises(Exception, match=complaint):
        up(config=tmp_path / "desk", database="postgresql://nobody@127.0.0.1:9/x", workers=2)
