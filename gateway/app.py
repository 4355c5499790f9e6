"""Composition, by hand, once: every object is built here with its constructor. Nothing else in the shell builds anything.

`build` makes what the commands and the tests need (engine, handlers, calls); `serve` adds the doors and runs them until told
to stop. Starting checks everything first: nothing starts half.
"""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

import httpx2
import structlog
import uvicorn
from sqlalchemy import Connection
from starlette.routing import Route
from starlette.types import ASGIApp

import ivr
from gateway import demo
from gateway.calls import silence
from gateway.calls.callbacks import PROOF, Callbacks
from gateway.calls.recordings import Recordings
from gateway.calls.story import Calls
from gateway.calls.transcribing import Whisper
from gateway.engine import Arrival, Engine, Outcome
from gateway.errors import Permanent, Temporary
from gateway.filing import secret_of
from gateway.handlers import PATIENCE, PATIENT, Handlers
from gateway.jobs import Lane, Runner
from gateway.mail import authenticate, held, promises
from gateway.mail.porter import Handed, Porter, Told
from gateway.mail.promises import Promises
from gateway.oncall import calendars as oncall_calendars
from gateway.oncall import notices as oncall_notices
from gateway.oncall import watch as oncall_watch
from gateway.paging import drills as paging_drills
from gateway.paging import notes as paging_notes
from gateway.paging import rooms as paging_rooms
from gateway.paging import watchdog
from gateway.paging.pager import Pager
from gateway.paging.telephone import Lines, Telephone
from gateway.people import importing
from gateway.phone import carriers, sounds, switchboard
from gateway.phone.carrier import Carrier as Company
from gateway.phone.carrier import Orders
from gateway.phone.exchange import Exchange
from gateway.phone.simulator import Line
from gateway.phone.sounds import Sounds
from gateway.phone.timeline import Timeline
from gateway.post import send
from gateway.settings import Settings
from gateway.smtp import Limits, Listener
from gateway.store import alarms, desks, jobs, users
from gateway.store import recordings as stored_recordings
from gateway.store.database import Database
from gateway.store.directory import Difference
from gateway.store.migrate import migrate
from gateway.upkeep import retention
from gateway.web import callback_link, console, intake, page_doors
from gateway.web import phone as phone_door
from gateway.web.app import Web, make_app
from gateway.web.callbacks import CallbackPages
from gateway.web.cards_desk import CardDesk
from gateway.web.desk import DeskBackend
from gateway.web.duty_desk import DutyDesk
from gateway.web.held_desk import HeldDesk
from gateway.web.house import house_of
from gateway.web.phone_page import PhonePages
from gateway.web.related_desk import RelatedDesk
from gateway.web.visits import Draw
from identity.directory import Directory
from routing import paging
from routing.desk import Desk

if TYPE_CHECKING:
    from gateway.sip.line import SipLine

log = structlog.get_logger(__name__)

SMARTHOST_SECONDS = 20.0  # a whole letter; never more than two thirds of a lease, so that nobody else sends it too
CARRIER_SECONDS = 4.0  # one request; less than the time after which a page asks what became of it
# They wait for the carrier and for nobody else. An order takes CARRIER_SECONDS; an older intent than UNDER_WAY is asked about.
PAGES = Lane(frozenset(("page", watchdog.KIND)), workers=12, lease=paging.UNDER_WAY + timedelta(seconds=5))
PAUSE_SECONDS = 0.1  # between two mails of one wave
TURN_SECONDS = 0.0005  # that a thread keeps the interpreter while another wants it; Python's own 5 ms make commits wait


@dataclass(frozen=True, slots=True)
class Parts:
    """The working parts of one process, without doors."""

    settings: Settings
    database: Database
    engine: Engine
    calls: Calls
    handlers: Handlers
    runner: Runner
    recordings: Recordings
    pepper: bytes
    line: "SipLine | None" = None
    sounds: Sounds = field(default_factory=Sounds)


def build(
    settings: Settings,
    database: Database,
    *,
    carrier: Orders | None = None,
    resolver: authenticate.Resolver | None = None,
    workers: int = 4,
) -> Parts:
    """Everything behind the doors, over a database whose schema is up to date."""
    secret = secret_of(settings, database)
    pepper = importing.pepper_of(settings, database)
    engine = Engine(settings, database, secret, resolver)
    ours = settings.carrier
    line = sip_line_of(settings) if carrier is None and ours is not None and ours.kind == "sip" else None
    if carrier is None and ours is not None and ours.ready:
        carrier = line or carrier_of(settings, database).orders
    where = addresses_of(settings)
    lines = Lines(ours.number if ours else "", where.page, where.status)
    telephone = Telephone(carrier, lines, database.clock)
    pager = Pager(engine, telephone)
    host = send.smart_host(settings.smarthost, password=settings.secrets.smarthost_password or "")
    lease = timedelta(seconds=settings.jobs.lease_seconds)
    patience = min(SMARTHOST_SECONDS, settings.jobs.lease_seconds * 2 / 3)
    smarthost = replace(host, reply_seconds=patience / 2, total_seconds=patience)
    handlers = Handlers(engine, pager, smarthost)
    writes = settings.transcription is not None and settings.transcription.kind == "carrier"
    shown = ours.number if ours else ""
    heard = sounds.read(settings)
    for desk, trouble in heard.problems:
        log.warning("phone.sound_not_played", desk=desk, why=trouble)
    rendered = _renderer(where, ours.region if ours else ivr.REGION)
    calls = Calls(engine, _remembered(lambda desk: rules_of(desk, shown, writes, heard)), rendered, pepper)
    recordings = Recordings(engine, carrier, transcriber_of(settings))
    keeping = {
        "held": held.age_alarm(engine),
        "balance": promises.balance(database),
        "retain": retention.daily(engine),
        stored_recordings.KIND: recordings.run,
        silence.KIND: silence.Silence(engine, calls, carrier).run,
        oncall_watch.KIND: oncall_watch.watch(engine),
        oncall_notices.KIND: oncall_notices.notices(engine),
        oncall_calendars.KIND: oncall_calendars.refresh(engine),
    }
    notes = paging_notes.Outside(
        lines.number, settings.paging.ntfy, (settings.secrets.webhook or secret.decode()).encode()
    )
    paged = {
        paging_notes.KIND: paging_notes.Notes(engine, carrier, notes).run,
        paging_rooms.KIND: paging_rooms.Rooms(engine, carrier, where.path).run,
        paging_drills.KIND: paging_drills.Drills(engine, telephone).run,
        watchdog.KIND: watchdog.Watchdog(engine, settings.paging.heartbeat, lease).run,
    }
    table = {
        **handlers.table(),
        **paged,
        **dict.fromkeys(("callback", PROOF), Callbacks(engine, carrier, lines).run),
        **keeping,
        oncall_notices.LETTER: oncall_notices.letter(engine, smarthost),
    }
    if settings.mailboxes:
        from gateway.imap import canary

        table[canary.KIND] = canary.handler(smarthost)
    runner = Runner(
        database, database.clock, table, patient=PATIENT | set(keeping), patience=PATIENCE, workers=workers, lanes=(PAGES,),
        lease=lease,
    )  # fmt: skip
    return Parts(settings, database, engine, calls, handlers, runner, recordings, pepper, line, heard)


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


def _remembered(made: Callable[[Desk], ivr.Rules]) -> Callable[[Desk], ivr.Rules]:
    """Made once for each desk: a call asks at every step."""
    kept: dict[str, tuple[Desk, ivr.Rules]] = {}

    def of(desk: Desk) -> ivr.Rules:
        found = kept.get(desk.id)
        if found is None or found[0] is not desk:
            found = kept[desk.id] = desk, made(desk)
        return found[1]

    return of


def _renderer(where: phone_door.Addresses, region: str) -> Callable[[ivr.Call, ivr.Speak], str]:
    def render(call: ivr.Call, spoken: ivr.Speak) -> str:
        return ivr.render(spoken.document, lambda step: where.step(call.sid, step), region)

    return render


def prepare(settings: Settings, database: Database) -> None:
    """Bring the schema up to date, and load the directory file when it is not the one that was loaded last.

    A directory that was imported since stays until the file changes."""
    migrate(database)
    database.write(lambda connection: jobs.keep_going(connection, jobs.COMING_BACK, database.clock.now()))
    database.write(lambda connection: desks.keep(connection, settings.desks.values(), database.clock.now()))
    path = settings.home / "directory.yaml"
    if not path.exists():
        return
    mark = sha256(b"2" + path.read_bytes()).hexdigest()  # another number: what is kept of it has changed
    if database.read(lambda connection: users.fact(connection, "directory")) != mark:
        import_directory(settings, database, settings.people)
        database.write(lambda connection: users.set_fact(connection, "directory", mark))


def import_directory(settings: Settings, database: Database, people: Directory) -> Difference:
    """Make the stored directory exactly `people`."""
    return importing.load(settings, database, people).difference


# Serving --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Doors:
    """Bound sockets to listen on; workers of one Presa share them."""

    smtp: socket.socket
    web: socket.socket
    more: tuple[Listener, ...] = ()  # further mail listeners


def serve(parts: Parts, doors: Doors, ready: Callable[[], None]) -> None:
    """Run every door on one event loop (uvloop where there is one) until SIGTERM or SIGINT."""
    import uvloop

    sys.setswitchinterval(TURN_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(parts, doors, ready))


async def _serve(parts: Parts, doors: Doors, ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="presa-door")
    state = Web()
    exchange = exchange_of(parts.settings)
    intake = Intake(parts.engine, pool)
    application = web(parts, state, pool, exchange, intake.promises.note)
    server = _web_server(application)
    limits = Limits(**asdict(parts.settings.limits))
    listeners = (Listener(doors.smtp), *doors.more)
    alarm = partial(alarm_once, parts.database, "certificate")
    porter = Porter(listeners, limits, parts.settings.own_addresses, intake.take, parts.settings.door, alarm)
    loop.add_signal_handler(signal.SIGHUP, porter.reload)
    await porter.start()
    if parts.line is not None:
        await parts.line.open(application)
    serving = asyncio.create_task(server.serve(sockets=[doors.web]))
    parts.runner.start(intake.busy)
    balancing = asyncio.create_task(intake.promises.live())
    close_mailboxes = await _open_mailboxes(parts) if parts.settings.mailboxes else None
    gc.freeze()  # what stands until the end is not looked at again: a full collection held everybody up for 100 ms
    with _ringing(exchange):
        state.ready = True
        ready()
        await asyncio.wait({serving, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        state.ready = False
        state.closing.set()
        if close_mailboxes is not None:
            await close_mailboxes()
        if parts.line is not None:
            await parts.line.close()
        await porter.stop()
        balancing.cancel()
        with contextlib.suppress(Temporary):
            await loop.run_in_executor(None, intake.promises.look)
        server.should_exit = True
        await serving
    await loop.run_in_executor(None, parts.runner.stop)
    pool.shutdown(wait=True)


async def _open_mailboxes(parts: Parts) -> Callable[[], Awaitable[None]]:
    """Open the mailbox door, where there is a mailbox; returns how it is closed."""
    from gateway import imap

    boxes = [box for box in parts.settings.mailboxes.values() if box.ready]
    return await imap.open_mailboxes(parts.engine, boxes, timedelta(seconds=parts.settings.jobs.lease_seconds))


def web(
    parts: Parts,
    state: Web,
    pool: ThreadPoolExecutor,
    exchange: Exchange | None,
    promised: Callable[[str, str], None] = lambda _door, _key: None,
) -> ASGIApp:
    """The web application of one process; `exchange`: the demo's telephones, if any; `promised`: notes what is promised."""
    settings = parts.settings
    desk = next((desk for desk in settings.desks.values() if desk.phone), None)
    phone: list[Route] = []
    if desk is not None and settings.carrier is not None and settings.carrier.ready:
        phone = phone_door.Door(
            parts.calls, desk, carrier_of(settings, parts.database), addresses_of(settings), pool,
            secret=parts.engine.secret, recordings=parts.recordings, sounds=parts.sounds,
        ).routes()  # fmt: skip
        phone += page_doors.carrier_routes(
            parts.engine, carrier_of(settings, parts.database), addresses_of(settings).path, pool
        )
    phone += page_doors.link_routes(parts.engine, pool)
    phone += callback_link.routes(parts.engine, pool)
    shown = console.Settings(
        demo=settings.demo, secure=settings.public_url.startswith("https:"), hints=demo.HINTS if settings.demo else ()
    )
    simulated = switchboard.router(exchange) if exchange else None
    telephone = telephone_of(settings, exchange) if exchange else None
    backend, held_mails = DeskBackend(parts.engine, state.closing), HeldDesk(parts.engine)
    incoming = intake.api(house_of(parts.engine, promised), pool)
    return make_app(
        state, backend, shown, phone, pool, held=held_mails, cards=CardDesk(parts.engine, backend),
        related=RelatedDesk(parts.engine), duty=DutyDesk(parts.engine), desks=settings.desks, templates=settings.templates,
        incoming=incoming, simulated=simulated, telephone=telephone, callbacks=partial(CallbackPages, parts.engine),
    )  # fmt: skip


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


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: `serve` decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _web_server(app: ASGIApp) -> uvicorn.Server:
    quiet = {"log_config": None, "access_log": False, "server_header": False}
    return _Server(
        uvicorn.Config(app, lifespan="off", timeout_graceful_shutdown=5, http="httptools", ws="none", **quiet)  # type: ignore[arg-type]
    )


class Intake:
    """The mail door's promise: filed by the database, and the words of the 250 when all is durable. No thread waits for it."""

    def __init__(self, engine: Engine, pool: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._pool = pool
        self.promises = Promises(engine.database)
        self._in_hand: set[Handed] = set()
        self._promised = float("-inf")

    def busy(self) -> bool:
        """Does somebody wait for a 250, or did a moment ago? One commit answers many, who then come with the next mail."""
        return bool(self._in_hand) or time.monotonic() - self._promised < PAUSE_SECONDS

    def take(self, handed: Handed, told: Told) -> None:
        self._in_hand.add(handed)
        if self._engine.prover.at_once(handed.delivery.peer):
            self._file(handed, told)  # nothing to wait for: no DNS is asked
        else:
            self._pool.submit(self._file, handed, told)

    def _file(self, handed: Handed, told: Told) -> None:
        delivery = handed.delivery
        try:
            received = self._engine.database.clock.now() - timedelta(seconds=time.monotonic() - handed.at)
            arrival = Arrival(
                delivery.door, delivery.peer, delivery.envelope_from, delivery.recipients, delivery.raw, received,
                delivery.helo, whole=delivery.size,
            )  # fmt: skip
            mail = self._engine.in_hand(arrival, handed.reading())
        except Exception as trouble:  # the edge: nothing was filed, and whoever waits must hear of it
            self._tell(handed, told, trouble)
            return

        def filed(filing: "Future[Outcome]") -> None:
            trouble = filing.exception()
            if trouble is None or isinstance(trouble, Temporary):
                promised(filing)
            else:  # as in `Engine.take_mail`, without a thread that waits for the commit
                self._engine.file_failed(mail, trouble).add_done_callback(promised)

        def promised(filing: "Future[Outcome]") -> None:
            trouble = filing.exception()
            if trouble is None:
                self.promises.note(arrival.door, *self._engine.keys(mail))
            self._tell(handed, told, trouble or f"2.0.0 Ok: {filing.result().outcome}")

        self._engine.file(mail).add_done_callback(filed)

    def _tell(self, handed: Handed, told: Told, outcome: str | BaseException) -> None:
        self._in_hand.discard(handed)
        self._promised = time.monotonic()
        told(outcome)


def alarm_once(database: Database, kind: str, words: str) -> None:
    """An alarm from outside any transaction, unless the same is there and nobody has seen it: every worker raises it."""
    now = database.clock.now()

    def tell(connection: Connection) -> None:
        if not alarms.waits(connection, kind, words):
            jobs.alarm(connection, now, kind, words)

    database.submit(tell)


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
def _ringing(exchange: Exchange | None) -> Iterator[None]:
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
