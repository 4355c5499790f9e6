"""The line: calls in, calls out, all of one process, behind the port that every carrier has (`gateway.phone.carrier.Orders`).

A call in fetches the number's voice address, as a carrier would, and a call out the page's; both inside this process, signed
all the same. Refuses calls from anybody but the configured peers, to anything but the allowed prefixes, and more at once
than allowed.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from aiosipua.auth import SipDigestAuth
from aiosipua.dialog import DialogState, dialog_matches
from aiosipua.incoming_call import IncomingCall
from aiosipua.message import SipRequest
from aiosipua.outgoing_call import OutgoingCall
from aiosipua.registration import Registration
from aiosipua.uac import SipUAC
from aiosipua.uas import SipUAS
from aiosipua.utils import format_addr

from gateway.errors import Permanent, Temporary
from gateway.phone.carrier import Later, Placed, Refused
from gateway.phone.rest import with_attempt
from gateway.phone.simulator import Line as Account
from gateway.phone.timeline import Timeline
from gateway.settings.sip import Sip
from gateway.sip import sdp, speech
from gateway.sip.call import Call
from gateway.sip.media import Media, Ports
from gateway.sip.peers import Peers, phone_address
from gateway.sip.registrar import AGAIN_SECONDS, register
from gateway.sip.spool import Spool
from gateway.sip.telephone import Leg, Outgoing, Telephone
from gateway.sip.webhooks import Webhooks
from gateway.sip.wire import FINAL_SECONDS, Wire, reply

log = structlog.get_logger(__name__)

AGENT: Final = "Presa"
CLOSING_SECONDS: Final = 3.0
NO_ANSWER_AT_ALL: Final = 6.0  # not even "trying": nobody is there, and the next one is rung
REMEMBERED: Final = 1_000  # calls, for `find` and `get`
DEAD_SECONDS: Final = 90.0  # without one packet from the other side
E164: Final = re.compile(r"\+[1-9][0-9]{3,14}")
BUSY, NO_ANSWER = frozenset({486, 600, 603}), frozenset({408, 480, 487})
Address = tuple[str, int]


class SipLine:
    """Made at once, opened when there is an event loop. Orders before that are put off."""

    def __init__(self, settings: Sip, number: str, public_url: str, account: str, token: str, told: tuple[str, str]):
        """`told`: where calls that come in ask what to say, and where their end is told."""
        self.settings, self.number = settings, number
        self.speech = speech.Speech(speech.Voices(settings.espeak, settings.piper, settings.models))
        self._url, self._account, self._token, self._told = public_url, account, token, told
        self.peers = Peers(settings.peers, ipv6=":" in settings.listen[0])
        self._ports = Ports(*settings.ports)
        self.spool = Spool(settings.recordings)
        self._calls: dict[str, Call] = {}
        self._known: OrderedDict[str, Placed] = OrderedDict()
        self._shared: dict[str, Any] = {"rooms": {}, "told_of_rooms": {}, "queues": {}}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._registration: Registration | None = None
        self._offset = time.time() - time.monotonic()

    # Open and closed ----------------------------------------------------------------------------------------------

    async def open(self, web: Any) -> None:
        """Listens; `web` is Presa's own web application. Raises Permanent when it cannot."""
        if problem := self.trouble():
            raise Permanent(f"the telephone line cannot speak: {problem}")
        host, port = self.settings.listen
        self.wire = Wire(local_addr=(host, port), allowed=self.peers.allowed, on_request=self._asked)
        shown = self.settings.advertise or host
        self.uac = self.wire.uac = SipUAC(self.wire)
        self.uas = SipUAS(self.wire, user_agent=AGENT, uac=self.uac)
        self.uas.on_invite, self.uas.on_reinvite = self._invited, self._invited_again
        self.uas.on_bye = lambda call, _request: self._gone(call.call_id)
        self.uas.on_cancel = lambda request, _addr: self._gone(request.call_id or "")
        self.uas.on_ack_timeout = lambda call: self._gone(call.call_id)
        try:
            await self.uas.start()
        except OSError as trouble:
            raise Permanent(
                f"cannot listen for SIP on {host}:{port}: {trouble.strerror}; stop what uses that port or change 'listen' in presa.yaml"
            ) from trouble
        self.address = shown, self.wire.local_addr[1]
        self.uac.advertised_addr = self.uas.advertised_addr = self.address
        self._loop = asyncio.get_running_loop()
        self.webhooks = Webhooks(web, self._url)
        self.spool.open()
        await self.peers.know(self.settings.trunk, *(phone_address(uri) for uri in self.settings.phones.values()))
        if self.settings.register:
            await self._register()
        self._spawn(self._watch())
        log.info("sip.open", port=self.address[1], calls=self.settings.calls)

    def trouble(self) -> str | None:
        """Why it could not be opened on this machine, as far as can be told before."""
        return speech.missing(self.speech.voices)

    async def close(self) -> None:
        """Every call is hung up, and its end told."""
        if self._loop is None:
            return
        for call in list(self._calls.values()):
            call.put(call.phone.hang_up)
        for _ in range(int(CLOSING_SECONDS / 0.05)):
            if not self._calls:
                break
            await asyncio.sleep(0.05)
        for task in self._tasks:
            task.cancel()
        if self._registration is not None:
            self._registration.unregister()
        self._loop = None
        await self.uas.stop()
        await self.webhooks.close()

    async def _register(self) -> None:
        ours = self.settings
        assert ours.trunk is not None
        try:
            registrar = await self.peers.resolve(ours.trunk)
        except Later:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, lambda: self._spawn(self._register()))
            return
        contact = format_addr(*self.address)
        self._registration = register(self.uac, ours.user, ours.trunk[0], registrar, contact, self._credentials())

    def _credentials(self) -> SipDigestAuth | None:
        ours = self.settings
        return SipDigestAuth(ours.user, ours.password) if ours.user and ours.password else None

    async def _watch(self) -> None:
        """A call from whose other side nothing has come for long is over: its BYE was lost."""
        assert self._loop is not None
        while True:
            await asyncio.sleep(5)
            for call in list(self._calls.values()):
                if call.started and self._loop.time() - call.media.last_heard > DEAD_SECONDS:
                    call.put(call.phone.hang_up)

    def _spawn(self, what: Any) -> None:
        task = asyncio.get_running_loop().create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Calls in -----------------------------------------------------------------------------------------------------

    def _invited(self, sip: IncomingCall) -> None:
        if len(self._calls) >= self.settings.calls:
            log.warning("sip.full", calls=len(self._calls))
            self._turn_away(sip, 486)
        elif sip.sdp_offer is None:
            self._turn_away(sip, 488)
        else:
            call = Call(self, Media(self._ports, self.peers.allowed), sip)
            call.phone = Telephone(self._line(call), call, from_=caller(sip.invite), to=self.number, sid=call.sid)
            self._calls[call.sid] = call  # at once: it counts
            self._spawn(self._pick_up(call, sip))

    async def _pick_up(self, call: Call, sip: IncomingCall) -> None:
        media = call.media
        try:
            await media.open(self.settings.listen[0])
            answer, spoken = sdp.answer(sip.sdp_offer, self.address[0], media.port)
        except Exception as trouble:  # whatever was offered, it is one call
            log.warning("sip.not_answered", why=type(trouble).__name__)
            self._turn_away(sip, 503 if isinstance(trouble, Temporary) else 488)
            call.drop()
            return
        if sip.dialog.state == DialogState.TERMINATED:  # cancelled meanwhile
            call.drop()
            return
        phone, (voice, status) = call.phone, self._told
        sip.accept(answer)
        call.start(self._near(spoken, sip.source_addr[0]))
        call.run(lambda: phone.call(voice, status))

    def _near(self, spoken: sdp.Spoken, host: str) -> sdp.Spoken:
        """Sound goes to peers only: to where the messages come from, when the address that was named is none (behind NAT)."""
        return spoken if self.peers.allowed(spoken.remote[0]) else replace(spoken, remote=(host, spoken.remote[1]))

    def _turn_away(self, sip: IncomingCall, status: int) -> None:
        sip.reject(status)
        asyncio.get_running_loop().call_later(FINAL_SECONDS, self.uas._calls.pop, sip.call_id, None)

    def _invited_again(self, sip: IncomingCall) -> None:
        """Held, or moved to another address: answered as the first time."""
        call = self._of(sip.call_id)
        if call is None or sip.sdp_offer is None:
            sip._send_response(488, "Not Acceptable Here")
            return
        try:
            answer, spoken = sdp.answer(sip.sdp_offer, self.address[0], call.media.port)
        except (ValueError, sdp.SdpNegotiationError):
            sip._send_response(488, "Not Acceptable Here")
            return
        sip.accept(answer)
        call.start(self._near(spoken, sip.source_addr[0]))

    def _of(self, call_id: str) -> Call | None:
        return next((call for call in self._calls.values() if call.sip and call.sip.call_id == call_id), None)

    def _gone(self, call_id: str) -> None:
        call = self._of(call_id)
        if call is not None:
            call.put(call.phone.hang_up)

    def _asked(self, request: SipRequest) -> bool:
        """SIP INFO: keys, from telephones that do not send them with the sound. All else is the library's."""
        if request.method != "INFO":
            return False
        call = self._of(request.call_id or "")
        if call is None or call.sip is None or not dialog_matches(call.sip.dialog, request):
            self.wire.send_reply(reply(request, 481, "Call/Transaction Does Not Exist"))
            return True
        self.wire.send_reply(reply(request, 200, "OK"))
        key = sdp.key_of(request)
        if key and not call.media.keys:  # a telephone that does both has pressed it once
            call.press(key)
        return True

    # Orders -------------------------------------------------------------------------------------------------------

    def place(self, *, to: str, from_: str, url: str, status_callback: str, attempt_id: str, timeout: int = 25) -> str:
        """Rings `to`; the call's id. Raises Refused or Later; in both cases nothing was rung."""
        loop = self._ready(to)
        made: Callable[[Call], Telephone] = lambda call: Outgoing(  # noqa: E731
            self._line(call), call, from_=from_, to=to, sid=call.sid,
            answer_url=with_attempt(url, attempt_id), status_url=with_attempt(status_callback, attempt_id),
        )  # fmt: skip
        sid = new_id("CA")
        self._remember(Placed(sid, to, from_, "queued", datetime.now(UTC)))
        loop.call_soon_threadsafe(lambda: self._ring(sid, to, made, timeout))
        return sid

    def dial(
        self, call: Call, number: str, from_: str, seconds: float, ended: Callable[[str, float], None], url: str
    ) -> Callable[[], None]:
        """A second telephone for somebody in a call. `ended` is told in the call's own thread."""
        sid = new_id("CA")
        try:
            loop = self._ready(number)
        except (Refused, Later) as trouble:
            log.warning("sip.not_dialled", why=trouble.public)
            call.put(lambda: ended("failed", 0.0))
            return lambda: None

        def leg(other: Call) -> Telephone:
            def over(status: str, talked: float) -> None:
                call.put(lambda: ended(status, talked))

            def joined() -> None:
                loop.call_soon_threadsafe(call.media.bridge, other.media)

            return Leg(self._line(other), other, from_=from_, to=number, sid=sid, ended=over, joined=joined, url=url)

        loop.call_soon_threadsafe(lambda: self._ring(sid, number, leg, seconds))
        return lambda: self.hang_up(sid)

    def _ready(self, to: str) -> asyncio.AbstractEventLoop:
        ours = self.settings
        if not E164.fullmatch(to):
            raise Refused("this is no telephone number")
        if to not in ours.phones and not to.startswith(ours.prefixes):
            raise Refused("calls to this number are not allowed (prefixes in presa.yaml)")
        if to not in ours.phones and ours.trunk is None:
            raise Refused("there is no trunk to call this number by (trunk in presa.yaml)")
        if self._loop is None:
            raise Later("the SIP line is not open")
        if len(self._calls) >= ours.calls:
            raise Later("as many calls as allowed are going on")
        return self._loop

    def _ring(self, sid: str, to: str, made: Callable[[Call], Telephone], seconds: float) -> None:
        media = Media(self._ports, self.peers.allowed)
        call = Call(self, media, None, sid)
        call.phone = phone = made(call)
        self._calls[sid] = call
        call.run(lambda: phone.begin_to_ring(seconds))  # type: ignore[attr-defined]
        self._spawn(self._invite(call, to))

    async def _invite(self, call: Call, to: str) -> None:
        ours = self.settings
        uri = ours.phones.get(to) or f"sip:{to}@{format_addr(*ours.trunk)}"  # type: ignore[misc]
        direct = to in ours.phones
        try:
            target = await self.peers.resolve(phone_address(uri))
            await call.media.open(ours.listen[0])
        except Temporary as trouble:
            log.warning("sip.not_rung", why=trouble.public)
            call.put(lambda: call.phone.end("failed"))
            return
        if call.phone.over:
            return
        name = self.number if direct or not ours.user else ours.user
        home = format_addr(*self.address) if direct or ours.trunk is None else ours.trunk[0]
        sip = self.uac.send_invite(
            f"sip:{name}@{home}", uri, target, sdp.offer(self.address[0], call.media.port), user_agent=AGENT,
            auth=None if direct else self._credentials(),
            extra_headers=None if direct else {"P-Preferred-Identity": f"<sip:{self.number}@{home}>"},
        )  # fmt: skip
        call.sip = sip
        sip.on_ringing = lambda _sip: call.put(call.phone.rings)  # type: ignore[attr-defined]
        sip.on_answer = lambda _sip: self._answered(call, sip)
        sip.on_rejected = lambda _sip, status, _reason: call.put(lambda: call.phone.end(_why(status)))
        asyncio.get_running_loop().call_later(NO_ANSWER_AT_ALL, self._nobody_there, call, sip)

    def _nobody_there(self, call: Call, sip: OutgoingCall) -> None:
        if self.wire.unanswered(sip.invite) and not call.phone.over:
            self.wire.forget(sip.invite)
            call.put(lambda: call.phone.end("failed"))

    def _answered(self, call: Call, sip: OutgoingCall) -> None:
        try:
            spoken = self._near(sdp.read(sip.sdp_answer), sip.remote_addr[0])
        except ValueError:
            log.warning("sip.answer_unfit")
            call.put(lambda: call.phone.end("failed"))
            return
        call.start(spoken)
        call.put(call.phone.answer)  # type: ignore[attr-defined]

    def find(self, *, to: str, since: datetime) -> tuple[Placed, ...]:
        """Calls of this process to that number, newest first."""
        known = [self._now(placed) for placed in list(self._known.values())]
        return tuple(p for p in reversed(known) if p.to == to and p.created and p.created >= since)

    def get(self, sid: str) -> Placed:
        """One call. One that this process does not know ended with the process that carried it."""
        placed = self._known.get(sid)
        return self._now(placed) if placed else Placed(sid, "", "", "failed", None)

    def _now(self, placed: Placed) -> Placed:
        call = self._calls.get(placed.sid)
        status = call.phone.status if call else placed.status
        return Placed(placed.sid, placed.to, placed.from_, status, placed.created)

    def _remember(self, placed: Placed) -> None:
        self._known[placed.sid] = placed
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def cancel(self, sid: str) -> None:
        call = self._calls.get(sid)
        if call is not None:
            call.put(lambda: call.phone.end("canceled") if not call.phone.answered_at else None)

    def hang_up(self, sid: str) -> None:
        call = self._calls.get(sid)
        if call is not None:
            call.put(lambda: call.phone.hang_up() if call.phone.answered_at else call.phone.end("canceled"))

    def send_to(self, sid: str, url: str) -> None:
        call = self._calls.get(sid)
        if call is None:
            raise Refused("this call is over")
        call.put(lambda: None if call.phone.over else call.phone.sent_to(url))

    # Recordings ---------------------------------------------------------------------------------------------------

    def recording(self, sid: str) -> bytes:
        return self.spool.recording(sid)

    def forget(self, sid: str) -> None:
        self.spool.forget(sid)

    # What calls need ----------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Seconds since 1970, by a clock that nobody sets back."""
        return time.monotonic() + self._offset

    def _line(self, call: Call) -> Account:
        return Account(
            self.webhooks.fetch, Timeline(self.now()), self._token, self._account, network=call, **self._shared
        )

    def ended(self, call: Call) -> None:
        self._calls.pop(call.sid, None)
        if call.sid in self._known:
            known = self._known[call.sid]
            self._known[call.sid] = Placed(known.sid, known.to, known.from_, call.phone.status, known.created)

    def stop_ringing(self, sip: OutgoingCall) -> None:
        """CANCEL, once anything has come back; who picks up in that very moment is hung up on, not left in silence."""
        if self.wire.unanswered(sip.invite):
            self.wire.forget(sip.invite)
            return
        early = sip.dialog.state
        self.uac.send_cancel(sip)
        sip.dialog.state = early
        self.uac._calls[sip.call_id] = sip
        sip.on_answer = lambda _sip: sip.hangup(self.uac)
        sip.on_rejected = sip.on_ringing = None
        asyncio.get_running_loop().call_later(FINAL_SECONDS, self.uac.remove_call, sip.call_id)


def new_id(kind: str) -> str:
    return kind + secrets.token_hex(16)


def caller(invite: SipRequest) -> str:
    """The calling number as the trunk asserts it (RFC 3325), else as the caller says; "" for none. A hint in any case."""
    text = invite.get_header("P-Asserted-Identity") or ""
    found = re.search(r"(?:sip|tel):(\+?[0-9]{2,20})(?=[@>;]|$)", text)
    user = invite.from_addr.uri.user if invite.from_addr and invite.from_addr.uri else ""
    said = found[1] if found else user or ""
    return said if re.fullmatch(r"\+?[0-9]{2,20}", said) else ""


def _why(status: int) -> str:
    return "busy" if status in BUSY else "no-answer" if status in NO_ANSWER else "failed"
