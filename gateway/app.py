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
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

import structlog
import uvicorn
from sqlalchemy import Connection
from starlette.routing import Route
from starlette.types import ASGIApp

import ivr
from gateway import demo, telephones
from gateway.calls import silence
from gateway.calls.callbacks import PROOF, Callbacks
from gateway.calls.recordings import Recordings
from gateway.calls.story import Calls
from gateway.engine import Engine
from gateway.errors import Temporary
from gateway.filing import secret_of
from gateway.handlers import PATIENCE, PATIENT, Handlers
from gateway.jobs import Lane, Runner
from gateway.mail import authenticate, held, promises
from gateway.mail.intake import Intake
from gateway.mail.porter import Porter
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
from gateway.phone import sounds, switchboard
from gateway.phone.carrier import Orders
from gateway.phone.exchange import Exchange
from gateway.phone.sounds import Sounds
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
from gateway.web.related_desk import RelatedDesk
from identity.directory import Directory
from routing import paging

if TYPE_CHECKING:
    from gateway.sip.line import SipLine

log = structlog.get_logger(__name__)

SMARTHOST_SECONDS = 20.0  # a whole letter; never more than two thirds of a lease, so that nobody else sends it too
# They wait for the carrier and for nobody else. An order takes `telephones.CARRIER_SECONDS`; an older intent than UNDER_WAY is
# asked about.
PAGES = Lane(frozenset(("page", watchdog.KIND)), workers=12, lease=paging.UNDER_WAY + timedelta(seconds=5))
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
    line = telephones.sip_line_of(settings) if carrier is None and ours is not None and ours.kind == "sip" else None
    if carrier is None and ours is not None and ours.ready:
        carrier = line or telephones.carrier_of(settings, database).orders
    where = telephones.addresses_of(settings)
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
    rendered = telephones.renderer(where, ours.region if ours else ivr.REGION)
    calls = Calls(
        engine, telephones.remembered(lambda desk: telephones.rules_of(desk, shown, writes, heard)), rendered, pepper
    )
    recordings = Recordings(engine, carrier, telephones.transcriber_of(settings))
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
    exchange = telephones.exchange_of(parts.settings)
    intake = Intake(parts.engine, pool)
    application = web(parts, state, pool, exchange, intake.promises.note)
    server = _web_server(application)
    limits = Limits(**asdict(parts.settings.limits))
    listeners = (Listener(doors.smtp), *doors.more)
    alarm = partial(alarm_once, parts.database, "certificate")
    porter = Porter(
        listeners, limits, parts.settings.own_addresses, intake.take, parts.settings.door, alarm, parts.database.attend
    )
    loop.add_signal_handler(signal.SIGHUP, porter.reload)
    await porter.start()
    if parts.line is not None:
        await parts.line.open(application)
    serving = asyncio.create_task(server.serve(sockets=[doors.web]))
    parts.runner.start(intake.busy)
    balancing = asyncio.create_task(intake.promises.live())
    close_mailboxes = await _open_mailboxes(parts) if parts.settings.mailboxes else None
    gc.freeze()  # what stands until the end is not looked at again: a full collection held everybody up for 100 ms
    with telephones.ringing(exchange):
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
            parts.calls, desk, telephones.carrier_of(settings, parts.database), telephones.addresses_of(settings), pool,
            secret=parts.engine.secret, recordings=parts.recordings, sounds=parts.sounds,
        ).routes()  # fmt: skip
        phone += page_doors.carrier_routes(
            parts.engine, telephones.carrier_of(settings, parts.database), telephones.addresses_of(settings).path, pool
        )
    phone += page_doors.link_routes(parts.engine, pool)
    phone += callback_link.routes(parts.engine, pool)
    shown = console.Settings(
        demo=settings.demo, secure=settings.public_url.startswith("https:"), hints=demo.HINTS if settings.demo else ()
    )
    simulated = switchboard.router(exchange) if exchange else None
    telephone = telephones.telephone_of(settings, exchange) if exchange else None
    backend, held_mails = DeskBackend(parts.engine, state.closing), HeldDesk(parts.engine)
    incoming = intake.api(house_of(parts.engine, promised), pool)
    return make_app(
        state, backend, shown, phone, pool, held=held_mails, cards=CardDesk(parts.engine, backend),
        related=RelatedDesk(parts.engine), duty=DutyDesk(parts.engine), desks=settings.desks, templates=settings.templates,
        incoming=incoming, simulated=simulated, telephone=telephone, callbacks=partial(CallbackPages, parts.engine),
    )  # fmt: skip


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


def alarm_once(database: Database, kind: str, words: str) -> None:
    """An alarm from outside any transaction, unless the same is there and nobody has seen it: every worker raises it."""
    now = database.clock.now()

    def tell(connection: Connection) -> None:
        if not alarms.waits(connection, kind, words):
            jobs.alarm(connection, now, kind, words)

    database.submit(tell)
