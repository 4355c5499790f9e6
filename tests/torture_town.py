"""A town around Presa for crash tests: customers who mail, a smart host, a telephone company, engineers with telephones.

Everything is on loopback and remembers what it saw, so that the end can be compared with what Presa's database says.
All randomness comes from one seed.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import socketserver
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from nest import Hatched, nest

from gateway.phone import switchboard
from gateway.phone.exchange import Exchange, Handset
from gateway.phone.simulator import Line
from gateway.phone.timeline import Timeline

ROOT = Path(__file__).parent.parent
TOKEN, ACCOUNT = "torture-token", "AC00000000000000000000000000000000"
PUBLIC_URL = "http://desk.torture.test:8000"  # known to the telephone company alone, like a proxy's
LEASE = 3.0
# The test desk in a hurry: nobody waits long for anything.
HASTE = {"wait: 6s": "wait: 2s", "ring: 25s": "ring: 3s\n    ask: 1s\n    redial: 1s\n    call: 5s"}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(what: Callable[[], Any], seconds: float, why: str | Callable[[], str]) -> Any:
    """What `what` says once it is true; fails after so many seconds."""
    end = time.monotonic() + max(seconds, 30.0)
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError(f"after {seconds} s still not: {why if isinstance(why, str) else why()}")


def hasty_desk(folder: Path) -> Path:
    """A copy of the test desk with short waits and a short lease."""
    home = shutil.copytree(ROOT / "desks" / "test", folder / "desk")
    text = (home / "desk.yaml").read_text()
    for slow, fast in HASTE.items():
        assert text.count(slow) == 1
        text = text.replace(slow, fast)
    (home / "desk.yaml").write_text(text)
    with (home / "presa.yaml").open("a") as file:
        file.write(f"\njobs: {{lease_seconds: {LEASE}}}\n")
    return home


# The smart host -------------------------------------------------------------------------------------------------


class SmartHost(socketserver.ThreadingTCPServer):
    """Takes every letter and remembers its Message-ID and whom it is for."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, pause: Callable[[], float]) -> None:
        super().__init__(("127.0.0.1", 0), _Mailman)
        self.pause = pause
        self.letters: list[tuple[str, str]] = []  # (Message-ID, recipient), as often as they came

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Mailman(socketserver.StreamRequestHandler):
    server: SmartHost

    def handle(self) -> None:
        with suppress(OSError):
            self._converse()

    def _converse(self) -> None:
        to = ""
        self._say("220 sink")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                to = line.decode().partition("<")[2].partition(">")[0]
            if verb == b"DATA":
                self._say("354 go on")
                self._take(to)
            self._say("221 bye" if verb == b"QUIT" else "250 ok")
            if verb == b"QUIT":
                return

    def _take(self, to: str) -> None:
        letter = b""
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise ConnectionResetError("killed in the midst of a letter: it was never handed over")
            letter += line
        time.sleep(self.server.pause())
        found = re.search(rb"(?im)^message-id:\s*<([^>]+)>", letter)
        assert found is not None
        self.server.letters.append((found[1].decode(), to))
        time.sleep(self.server.pause())

    def _say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


# The telephone company ------------------------------------------------------------------------------------------


class TelephoneCompany:
    """Its REST address on loopback, and the engineers' telephones, whose webhooks go to whoever of Presa lives."""

    def __init__(self, pause: Callable[[], float], engineer: Callable[[Handset], None]) -> None:
        self.pause = pause
        self.engineer = engineer
        self.webs: list[str] = []  # where Presa may be; the first that answers gets the webhook
        self.public_url = ""
        self.held: Callable[[str, str], None] = lambda account, attempt: None  # called once an order stands
        self.attempts: list[str] = []  # of every order, as often as it came
        self.asked = threading.Event()  # an order comes in just now
        self._lock = threading.Lock()
        self._client = httpx2.Client(timeout=3.0)
        self.exchange = Exchange(Line(self._webhook, Timeline(time.time()), TOKEN, ACCOUNT))
        company = self

        class Desk(_RestDesk):
            town = company

        self._server = _RestServer(("127.0.0.1", 0), Desk)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True),
            threading.Thread(target=switchboard.run, args=(self.exchange, self._stop), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join(timeout=5)
        self._client.close()

    def order(self, account: str, posted: Mapping[str, list[str]]) -> tuple[int, Mapping[str, Any]]:
        attempt = parse_qs(urlsplit(posted["Url"][0]).query)["attempt"][0]
        self.asked.set()
        time.sleep(self.pause())
        with self._lock:
            self.attempts.append(attempt)
            self.exchange.behaviour.setdefault(posted["To"][0], self.engineer)
            answer = self.exchange.create(posted)
        self.held(account, attempt)
        time.sleep(self.pause())
        return answer

    def look(self, path: str, query: str) -> tuple[int, Mapping[str, Any]]:
        sid = path.rpartition("/Calls/")[2].removesuffix(".json") if "/Calls/" in path else ""
        with self._lock:
            return self.exchange.get(sid) if sid else self.exchange.list(parse_qs(query).get("To", [""])[0])

    def _webhook(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        for web in tuple(self.webs):
            with suppress(httpx2.HTTPError):
                answer = self._client.post(url.replace(self.public_url, web, 1), data=dict(form), headers=dict(headers))
                return answer.status_code, answer.text
        return 502, ""


class _RestServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked was killed meanwhile; anything else is worth reading."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _RestDesk(BaseHTTPRequestHandler):
    town: TelephoneCompany
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        account = self.path.split("/")[3]
        self._answer(*self.town.order(account, parse_qs(body.decode(), keep_blank_values=True)))

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._answer(*self.town.look(parts.path, parts.query))

    def _answer(self, status: int, body: Mapping[str, Any]) -> None:
        data = json.dumps(body).encode()
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


class Engineers:
    """What engineers do when their telephone rings, by chance."""

    HABITS = ("accepts", "accepts", "passes", "rejects", "sleeps", "voicemail")

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.done: list[str] = []

    def __call__(self, handset: Handset) -> None:
        habit = self.chance.choice(self.HABITS)
        self.done.append(habit)
        later = handset.line.timeline.later
        after = self.chance.uniform(0.05, 1.5)
        if habit == "rejects":
            later(after, handset.reject)
        elif habit != "sleeps":
            later(after, lambda: self._picks_up(handset, {"accepts": "1", "passes": "3"}.get(habit, "")))

    def _picks_up(self, handset: Handset, key: str) -> None:
        handset.answer()
        if key:
            self._presses(handset, key)
        else:
            handset.line.timeline.later(3.0, handset.hang_up)

    def _presses(self, handset: Handset, key: str) -> None:
        """Again and again, for one presses too early or is not heard."""
        if not handset.over:
            handset.keys(key)
            handset.line.timeline.later(0.3, lambda: self._presses(handset, key))


# Presa ----------------------------------------------------------------------------------------------------------


@dataclass
class Replica:
    """One `presa up` that is started, killed and started again, always at the same addresses."""

    argv: list[str]
    env: Mapping[str, str]
    log: Path
    smtp: int = field(default_factory=free_port)
    web: int = field(default_factory=free_port)
    process: Hatched | None = None

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web}"

    def start(self) -> None:
        self.hatch()
        until(self.ready, 120, f"Presa is ready; its log is {self.log}")

    def hatch(self) -> None:
        """Begins to start."""
        doors = ["--smtp", f"127.0.0.1:{self.smtp}", "--web", f"127.0.0.1:{self.web}"]
        argv = ["up", *self.argv, *doors, "--pid-file", str(self.log.with_suffix(".pid"))]
        self.process = nest().hatch(argv, {**os.environ, **self.env}, self.log)

    def ready(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
        return False

    def kill(self) -> None:
        """At once, without a word. Its mail door ends by itself: nobody is left to promise anything."""
        doors = self.doors()
        os.kill(self.pid, signal.SIGKILL)
        assert self._ended() == -signal.SIGKILL
        until(lambda: not any(map(_is_door, doors)), 10, "the door of a killed Presa ends")

    def kill_door(self) -> None:
        """The mail door's process alone; Presa opens another one."""
        doors = self.doors()
        for one in doors:
            os.kill(one, signal.SIGKILL)
        until(lambda: set(self.doors()).difference(doors), 30, "another mail door")

    def doors(self) -> list[int]:
        """The mail door's process, while there is one."""
        with suppress(OSError):
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            return [int(one) for one in children if _is_door(int(one))]
        return []

    def stop(self) -> int:
        """Asks it to end; its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self._ended()

    def _ended(self) -> int:
        assert self.process is not None
        code, self.process = self.process.wait(timeout=120), None
        return code


@dataclass
class Town:
    """All of it. `pause` is how long smart host and telephone company think, so that kills fall in between."""

    folder: Path
    database: str
    seed: int

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.home = hasty_desk(self.folder)
        self._closing = ExitStack()

    def open(self, replicas: int = 1) -> None:
        pause = self._pauses(random.Random(self.seed + 1))
        self.smarthost = SmartHost(pause)
        thread = threading.Thread(target=self.smarthost.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self._closing.callback(self.smarthost.server_close)
        self._closing.callback(self.smarthost.shutdown)
        self.engineers = Engineers(random.Random(self.seed + 2))
        self.company = TelephoneCompany(pause, self.engineers)
        self._closing.callback(self.company.close)
        self.company.public_url = PUBLIC_URL
        for one in self.add_replicas(replicas):
            one.start()

    def add_replicas(self, count: int) -> Sequence["Replica"]:
        """So many replicas, not started yet."""
        argv = ["--config", str(self.home), "--database", self.database]
        logs = [self.folder / f"presa-{n}.log" for n in range(count)]
        self.replicas = [Replica(argv, self._env(n), log) for n, log in enumerate(logs)]
        self.company.webs = [one.url for one in self.replicas]
        return self.replicas

    def close(self) -> None:
        for one in self.replicas:
            if one.pid:
                one.kill()
        self._closing.close()

    def _env(self, n: int) -> dict[str, str]:
        return {
            "PRESA_SMARTHOST": self.smarthost.url,
            "PRESA_TWILIO_API_URL": self.company.url,
            "PRESA_TWILIO_ACCOUNT_SID": account_of(n),
            "PRESA_TWILIO_AUTH_TOKEN": TOKEN,
            "PRESA_PUBLIC_URL": PUBLIC_URL,
        }

    def _pauses(self, chance: random.Random) -> Callable[[], float]:
        lock = threading.Lock()

        def pause() -> float:
            with lock:
                return chance.choice((0.0, 0.0, 0.02, 0.1))

        return pause


def _is_door(pid: int) -> bool:
    with suppress(OSError):
        return b"gateway.mail.porter" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def account_of(replica: int) -> str:
    """Each replica calls itself by another account, so that the telephone company can tell them apart."""
    return f"AC{replica:032d}"


@contextmanager
def town(folder: Path, database: str, seed: int, replicas: int = 1) -> Iterator[Town]:
    made = Town(folder, database, seed)
    try:
        made.open(replicas)
        yield made
    finally:
        made.close()
