"""What of the telephone is made from the configuration: the carrier or the line, the desk's dialogue, the demo's telephones.

`gateway.app` puts it together with the rest. Refuses to ring anybody.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import httpx2

import ivr
from gateway.calls.transcribing import Whisper
from gateway.errors import Permanent
from gateway.phone import carriers, sounds, switchboard
from gateway.phone.carrier import Carrier as Company
from gateway.phone.exchange import Exchange
from gateway.phone.simulator import Line
from gateway.phone.sounds import Sounds
from gateway.phone.timeline import Timeline
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.web import phone as phone_door
from gateway.web.phone_page import PhonePages
from gateway.web.visits import Draw
from routing.desk import Desk

if TYPE_CHECKING:
    from gateway.sip.line import SipLine

CARRIER_SECONDS = 4.0  # one request; less than the time after which a page asks what became of it


def carrier_of(settings: Settings, database: Database) -> Company:
    """The configured carrier; for the demo, our own simulated one."""
    assert settings.carrier is not None
    return carriers.of(
        settings.carrier, settings.public_url, lambda: database.clock.now().timestamp(), seconds=CARRIER_SECONDS
    )


def sip_line_of(settings: Settings) -> "SipLine":
    """The telephone line without a carrier. Raises Permanent where the extra is not installed."""
    try:
        from gateway.sip.line import SipLine
    except ImportError as missing:
        raise Permanent(
            f"'kind: sip' in presa.yaml needs the extra 'sip' ({missing.name} is missing): pip install 'presa[sip]'"
        ) from missing
    ours, where = settings.carrier, addresses_of(settings)
    assert ours is not None
    assert ours.sip is not None
    paths = where.voice, where.status
    return SipLine(ours.sip, ours.number, settings.public_url, ours.account_sid or "", ours.auth_tokens[0], paths)


def addresses_of(settings: Settings) -> phone_door.Addresses:
    """Where the carrier's webhooks come in."""
    path = settings.carrier.path if settings.carrier else "/phone/twilio"
    return phone_door.Addresses(settings.public_url, path)


def transcriber_of(settings: Settings) -> Whisper | None:
    """Who writes recordings down here; the carrier does it by itself."""
    asked = settings.transcription
    return Whisper(asked.model) if asked is not None and asked.kind == "whisper" else None


def rules_of(desk: Desk, number: str, transcribe: bool = False, heard: Sounds = sounds.NOTHING) -> ivr.Rules:
    """The desk's phone as the dialogue needs it. `transcribe`: the carrier writes recordings down."""
    assert desk.phone is not None
    return ivr.Rules(
        languages=desk.phone.languages,
        desk=desk.name,
        severities=desk.phone.severities,
        labels=desk.priorities,
        record=desk.phone.record,
        transcribe=transcribe,
        zone=desk.zone,
        caller_id=number,
        reasons=desk.on_call is not None and desk.on_call.policy.reasons,
        menu=desk.phone.menu,
        greets=desk.phone.greets,
        maintenance=desk.phone.maintenance_key or "",
        recorded=heard.prompts(desk.id),
        music=heard.music(desk.id),
    )


def remembered(made: Callable[[Desk], ivr.Rules]) -> Callable[[Desk], ivr.Rules]:
    """Made once for each desk: a call asks at every step."""
    kept: dict[str, tuple[Desk, ivr.Rules]] = {}

    def of(desk: Desk) -> ivr.Rules:
        found = kept.get(desk.id)
        if found is None or found[0] is not desk:
            found = kept[desk.id] = desk, made(desk)
        return found[1]

    return of


def renderer(where: phone_door.Addresses, region: str) -> Callable[[ivr.Call, ivr.Speak], str]:
    def render(call: ivr.Call, spoken: ivr.Speak) -> str:
        return ivr.render(spoken.document, lambda step: where.step(call.sid, step), region)

    return render


def telephone_of(settings: Settings, exchange: Exchange) -> Callable[[Draw], PhonePages]:
    """The demo's telephone page; the people on file are who may call, and whose telephones ring."""
    where, ours = addresses_of(settings), settings.carrier
    assert ours is not None
    people = [desk.on_call.people for desk in settings.desks.values() if desk.on_call]
    names = {one.number: one.name for some in people for one in some.values() if one.number}
    agents = [desk.phone.agents for desk in settings.desks.values() if desk.phone]
    names |= {one.number: one.name for some in agents for one in some.values()}
    people_on_file = [(who, one) for who in settings.people.customers for one in who.contacts]
    callers = {number: f"{one.name or who.name}, {who.name}" for who, one in people_on_file for number in one.phones}
    known = tuple(sorted(callers.items(), key=lambda caller: caller[1]))
    return partial(PhonePages, exchange, where.voice, where.status, ours.number, {**callers, **names}, known)


def exchange_of(settings: Settings) -> Exchange | None:
    """The demo's simulated telephones, when the carrier is the simulator."""
    ours = settings.carrier
    if ours is None or ours.kind != "simulator":
        return None
    client = httpx2.Client(timeout=10)

    def fetch(url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        answer = client.post(url, data=dict(form), headers=dict(headers))
        return answer.status_code, answer.text

    return Exchange(Line(fetch, Timeline(time.time()), ours.auth_tokens[0], ours.account_sid or ""))


@contextlib.contextmanager
def ringing(exchange: Exchange | None) -> Iterator[None]:
    """The simulated telephones' time goes by as long as the doors are open."""
    if exchange is None:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=switchboard.run, args=(exchange, stop), name="presa-exchange", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=2)
