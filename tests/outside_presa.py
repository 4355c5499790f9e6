"""Drives Presa only from outside, as a stranger who has read the commands, the test desk and nothing else.

`Presa` is a real process with its own database and ports. `Carrier` stands in for Twilio's REST address on loopback and
acts as the telephones that are rung; `Leg` is one end of a call that posts signed forms and reads TwiML with an XML
parser. Written from Twilio's public documentation; imports nothing of Presa, so that it can't share its mistakes. `run` starts
the command itself; what runs beside a `Presa` comes from the nest.
"""

import base64
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit

from nest import Hatched, nest

ROOT = Path(__file__).parents[1]
PRESA = Path(sys.executable).with_name("presa")
TOKEN, ACCOUNT = "outside-token-0123456789abcdef", "AC" + "0" * 31 + "7"
SUPPORT = "support@example.test"
DESK_NUMBER = "+390200000000"
ACME_NUMBER = "+390612345678"
PIN = "471108"
UNO, DUE, TRE = "+390200000031", "+390200000032", "+390200000033"


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


SLOW = 30.0


def until(ready: Callable[[], Any], seconds: float, what: str) -> Any:
    """Wait for something that happens by itself, at most so long; on a slow machine everything takes its time."""
    end = time.monotonic() + max(seconds, SLOW)
    while time.monotonic() < end:
        if found := ready():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


# Presa ----------------------------------------------------------------------------------------------------------


class Presa:
    """`presa up` on the test desk, in a process of its own: a hatched one, which starts faster, or one from the command."""

    def __init__(
        self, folder: Path, carrier: "Carrier", *, config: str = "desks/test", hatched: bool = True, **env: str
    ) -> None:
        self.hatched = hatched
        self.smtp, self.web = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.web}"
        self.database = f"sqlite:///{folder}/presa.db"
        self.log = folder / "stderr.log"
        self.pid_file = folder / "presa.pid"
        self.config = config
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PRESA_")},
            "PRESA_TWILIO_AUTH_TOKEN": TOKEN,
            "PRESA_TWILIO_ACCOUNT_SID": ACCOUNT,
            "PRESA_PUBLIC_URL": self.base,
            "PRESA_TWILIO_API_URL": carrier.url,
            **env,
        }
        self.process: subprocess.Popen[bytes] | Hatched | None = None

    def __enter__(self) -> "Presa":
        doors = ["--smtp", f"127.0.0.1:{self.smtp}", "--web", f"127.0.0.1:{self.web}"]
        arguments = ["up", "--config", self.config, "--database", self.database, "--pid-file", str(self.pid_file)]
        with self.log.open("ab") as log:
            self.process = (
                nest().hatch([*arguments, *doors], self.env, self.log)
                if self.hatched
                else subprocess.Popen([PRESA, *arguments, *doors], cwd=ROOT, env=self.env, stdout=log, stderr=log)
            )
        try:
            until(self._answers, 120, "GET /ready")
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get("/ready")[0] == 200
        except OSError:
            return False

    # Commands

    def run(
        self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command beside the running Presa; configuration and database by the environment."""
        known = {"PRESA_CONFIG": self.config, "PRESA_DATABASE": self.database}
        return nest().run(arguments, {**self.env, **known, **(env or {})}, stdin)

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """JSON lines of a command that must succeed."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def ledger(self) -> list[dict[str, Any]]:
        return self.rows("ledger")

    def tickets(self) -> dict[str, dict[str, Any]]:
        return {row["ticket"]: row for row in self.rows("tickets")}

    def calls(self) -> dict[str, dict[str, Any]]:
        return {row["call_sid"]: row for row in self.rows("calls")}

    def explain(self, ticket: str) -> dict[str, Any]:
        return self.rows("explain", ticket)[0]

    # Web

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self.web, timeout=60)
        try:
            line.request(method, path, body=body or None, headers=dict(headers or {}))
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()

    def get(self, path: str) -> tuple[int, bytes]:
        return self.request("GET", path)

    # Mail

    def send(self, *mails: bytes, sender: str = "bounces@somewhere.example", rcpt: str = SUPPORT) -> None:
        """Each must be answered 250."""
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=60) as door:
            for raw in mails:
                code, words = self._data(door, raw, sender, rcpt)
                assert code == 250, words

    def _data(self, door: smtplib.SMTP, raw: bytes, sender: str, rcpt: str) -> tuple[int, bytes]:
        door.ehlo_or_helo_if_needed()
        utf8 = ["SMTPUTF8"] if not (sender + rcpt).isascii() else []
        door.mail(sender, utf8)
        assert door.rcpt(rcpt)[0] == 250
        return door.data(raw)


def run(*arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`presa ARGUMENTS`, from the repository's folder."""
    return subprocess.run(
        [PRESA, *arguments], cwd=ROOT, env=env and dict(env), input=stdin, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


# Mails ----------------------------------------------------------------------------------------------------------


def results(domain: str, dmarc: str = "pass", *, authserv: str = "mx.example.test") -> str:
    """What the edge writes on top about a sender of `domain`."""
    other = "pass" if dmarc == "pass" else "fail"
    return (
        f"Authentication-Results: {authserv}; dkim={other} header.d={domain};\r\n spf={other} smtp.mailfrom={domain};"
        f"\r\n dmarc={dmarc} header.from={domain}"
    )


def mail(
    from_: str | None = "Mario Rossi <mario@acme.example>", *, top: Sequence[str] = (), more: Sequence[str] = (),
    subject: str = "La stampante non stampa", body: str = "Buongiorno,\r\nla stampante del secondo piano non stampa.\r\n",
    id_: str | None = None, to: str = SUPPORT, date: bool = True,
) -> bytes:  # fmt: skip
    """A mail as the edge hands it on: its own headers (`top`) above the author's (`more`)."""
    lines = [*top]
    if from_ is not None:
        lines.append(f"From: {from_}")
    lines += [f"To: {to}", f"Subject: {subject}"]
    if date:
        lines.append(f"Date: {formatdate()}")
    if id_ != "":
        lines.append(f"Message-ID: <{id_ or new_id()}>")
    lines += more
    if not any(line.lower().startswith("content-type") for line in lines):
        lines += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def new_id(host: str = "outside.example") -> str:
    return f"{uuid.uuid4().hex}@{host}"


@dataclass
class Sink:
    """A smart host on loopback that keeps what it is given."""

    port: int = field(default_factory=free_port)
    letters: list[tuple[str, list[str], bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        from aiosmtpd.controller import Controller

        self._door = Controller(self, hostname="127.0.0.1", port=self.port)
        self._door.start()

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802
        self.letters.append((envelope.mail_from, list(envelope.rcpt_tos), bytes(envelope.original_content)))
        return "250 kept"

    def to(self, address: str) -> list[bytes]:
        return [raw for _, rcpt, raw in self.letters if rcpt == [address]]

    def close(self) -> None:
        self._door.stop()


class Raw:
    """A conversation with the mail door, byte by byte."""

    def __init__(self, presa: Presa, greet: bool = True) -> None:
        self.socket = socket.create_connection(("127.0.0.1", presa.smtp), timeout=60)
        self._file = self.socket.makefile("rb")
        self.greeting = self.reply() if greet else ""

    def say(self, text: bytes | str) -> str:
        self.put(text)
        return self.reply()

    def put(self, text: bytes | str) -> None:
        self.socket.sendall((text.encode() if isinstance(text, str) else text) + b"\r\n")

    def reply(self) -> str:
        """One reply, all its lines; "" once the other side has closed."""
        lines = []
        while line := self._file.readline():
            lines.append(line.decode("ascii").rstrip("\r\n"))
            if line[3:4] != b"-":
                break
        return "\n".join(lines)

    def up_to_data(self, sender: str = "a@b.example") -> str:
        for words in ("EHLO outside.example", f"MAIL FROM:<{sender}>", f"RCPT TO:<{SUPPORT}>"):
            assert self.say(words).startswith("250")
        return self.say("DATA")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.close()

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# Telephones -----------------------------------------------------------------------------------------------------


def signature(url: str, fields: Iterable[tuple[str, str]], token: str = TOKEN) -> str:
    """https://www.twilio.com/docs/usage/security: the URL, then each sorted name with its value, HMAC-SHA1, base64."""
    text = url + "".join(name + value for name, value in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def post(
    url: str, fields: Mapping[str, str], *, token: str | None = TOKEN, headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """A webhook as Twilio posts it; without `token`, unsigned."""
    parts = urlsplit(url)
    sent = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "TwilioProxy/1.1"}
    if token is not None:
        sent["X-Twilio-Signature"] = signature(url, fields.items(), token)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        line.request("POST", path, body=urlencode(fields).encode(), headers={**sent, **(headers or {})})
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    finally:
        line.close()


class Leg:
    """One end of a call that Presa steers: it does what the TwiML says, up to where somebody must press or speak."""

    def __init__(
        self,
        base: str,
        *,
        sid: str | None = None,
        from_: str = ACME_NUMBER,
        to: str = DESK_NUMBER,
        direction: str = "inbound",
    ) -> None:
        self.base, self.url = base, base
        self.sid = sid or "CA" + uuid.uuid4().hex
        self.common = {
            "CallSid": self.sid, "AccountSid": ACCOUNT, "From": from_, "To": to, "Caller": from_, "Called": to,
            "Direction": direction, "ApiVersion": "2010-04-01",
        }  # fmt: skip
        self.document: ET.Element | None = None
        self.text = ""
        self.heard: list[str] = []
        self.over = False

    # What the line does

    def fetch(self, url: str, **fields: str) -> "Leg":
        self.url = urljoin(self.url, url)
        status, self.text = post(self.url, {**self.common, "CallStatus": "in-progress", **fields})
        assert status == 200, (status, self.text)
        self.document = ET.fromstring(self.text)
        assert self.document.tag == "Response"
        self._speak()
        return self

    def _speak(self) -> None:
        assert self.document is not None
        self.heard += [" ".join((say.text or "").split()) for say in self.document.iter("Say")]
        if self.document.find("Hangup") is not None and not self.waits_for:
            self.over = True

    @property
    def waits_for(self) -> str:
        """Gather, Record, Dial or Enqueue; "" when the line has nothing to wait for."""
        assert self.document is not None
        return next((verb.tag for verb in self.document if verb.tag in ("Gather", "Record", "Dial", "Enqueue")), "")

    @property
    def said(self) -> str:
        """What the last document spoke."""
        assert self.document is not None
        return " ".join(" ".join((say.text or "").split()) for say in self.document.iter("Say"))

    @property
    def language(self) -> set[str]:
        assert self.document is not None
        return {say.get("language", "") for say in self.document.iter("Say")}

    def _verb(self, name: str) -> ET.Element:
        assert self.document is not None
        verb = self.document.find(name)
        assert verb is not None, f"expected {name}: {self.text}"
        return verb

    # What a person does

    def keys(self, pressed: str) -> "Leg":
        """Keys at a prompt: a Gather takes them up to numDigits or finishOnKey; a Record ends with one."""
        if self.waits_for == "Record":
            record = self._verb("Record")
            assert pressed in record.get("finishOnKey", "1234567890*#")
            return self.record(digits=pressed)
        gather = self._verb("Gather")
        assert "dtmf" in gather.get("input", "dtmf")
        finish = gather.get("finishOnKey", "#")
        if finish and pressed and pressed[-1] in finish:
            digits, more = pressed[:-1], {"FinishedOnKey": pressed[-1]}
            if not digits and gather.get("actionOnEmptyResult") != "true":
                return self.fall_through()
        else:
            digits, more = pressed, {}
        return self.fetch(gather.get("action", ""), Digits=digits, **more)

    def silence(self) -> "Leg":
        """Nothing is pressed or said until the time runs out."""
        if self.waits_for == "Gather" and self._verb("Gather").get("actionOnEmptyResult") == "true":
            return self.fetch(self._verb("Gather").get("action", ""), Digits="")
        return self.fall_through()

    def fall_through(self) -> "Leg":
        """On to the verb after the one that waited."""
        assert self.document is not None
        redirect = self.document.find("Redirect")
        if redirect is None:
            self.over = True
            return self
        return self.fetch((redirect.text or "").strip())

    def record(self, *, digits: str = "#", **fields: str) -> "Leg":
        sid = "RE" + uuid.uuid4().hex
        told = {
            "RecordingSid": sid, "RecordingDuration": "7", "Digits": digits,
            "RecordingUrl": f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/{sid}",
        }  # fmt: skip
        return self.fetch(self._verb("Record").get("action", ""), **{**told, **fields})


class Call(Leg):
    """A customer's call to the desk."""

    def dial(self, **fields: str) -> "Call":
        self.fetch(f"{self.base}/phone/twilio/voice", **{"CallStatus": "ringing", **fields})
        return self

    def pressing(self, *prompts: str) -> "Call":
        for pressed in prompts:
            self.keys(pressed)
        return self

    def hang_up(self, status: str = "completed", **fields: str) -> int:
        """The number's status callback."""
        told = {**self.common, "CallStatus": status, "CallDuration": "30", **fields}
        return post(f"{self.base}/phone/twilio/status", told)[0]


class Handset(Leg):
    """A telephone that Presa rang through the REST address."""

    def __init__(self, order: Mapping[str, Sequence[str]]) -> None:
        one = {name: values[0] for name, values in order.items()}
        base = "{0.scheme}://{0.netloc}".format(urlsplit(one["Url"]))
        super().__init__(base, from_=one["From"], to=one["To"], direction="outbound-api")
        self.order, self.number = order, one["To"]
        self.at = time.monotonic()
        self._answer_url, self._status_url = one["Url"], one["StatusCallback"]
        self.events = set(order.get("StatusCallbackEvent", ["completed"]))
        self.status = "queued"
        self._count = 0

    def news(self, status: str, event: str = "", *, count: int | None = None, **fields: str) -> int:
        """One status callback, numbered as Twilio does unless `count` says otherwise."""
        self.status = status
        if (event or status) not in self.events:
            return 0
        number = self._count if count is None else count
        self._count += 1
        told = {
            **self.common,
            "CallStatus": status,
            "SequenceNumber": str(number),
            "CallbackSource": "call-progress-events",
        }
        return post(self._status_url, {**told, **fields})[0]

    def ring(self) -> "Handset":
        self.news("initiated")
        self.news("ringing")
        return self

    def answer(self) -> "Handset":
        self.news("in-progress", "answered")
        self.fetch(self._answer_url)
        return self

    def end(self, status: str = "completed") -> None:
        self.news(status, "completed", CallDuration="5")

    @property
    def attempt(self) -> str:
        return parse_qs(urlsplit(self._answer_url).query).get("attempt", [""])[0]


class Carrier:
    """Twilio's REST address on loopback. Every accepted call becomes a `Handset`, in order, in `rung`."""

    def __init__(self) -> None:
        self.rung: list[Handset] = []
        self.refuse: dict[str, tuple[int, dict[str, Any]]] = {}
        self.answers: Callable[[Handset], None] | None = None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                order: dict[str, list[str]] = {}
                for name, value in parse_qsl(raw, keep_blank_values=True):
                    order.setdefault(name, []).append(value)
                self._json(*outer._post(self.path, order, self.headers.get("Authorization", "")))

            def do_GET(self) -> None:
                self._json(*outer._get(self.path))

            def _json(self, status: int, body: Mapping[str, Any]) -> None:
                told = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _post(self, path: str, order: dict[str, list[str]], authorization: str) -> tuple[int, Mapping[str, Any]]:
        expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if authorization != expected:
            return 401, {"code": 20003, "message": "Authenticate", "status": 401}
        if path != f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json":
            return self._update(path, order)
        if refusal := self.refuse.get(order["To"][0]):
            return refusal
        handset = Handset(order)
        self.rung.append(handset)
        if self.answers is not None:
            threading.Thread(target=self.answers, args=(handset,), daemon=True).start()
        return 201, self._as_json(handset)

    def _update(self, path: str, order: dict[str, list[str]]) -> tuple[int, Mapping[str, Any]]:
        found = self._one(path)
        if found is None:
            return 404, {"code": 20404, "message": "not found", "status": 404}
        found.status = order.get("Status", [found.status])[0]
        return 200, self._as_json(found)

    def _get(self, path: str) -> tuple[int, Mapping[str, Any]]:
        parts = urlsplit(path)
        if parts.path.endswith("/Calls.json"):
            to = parse_qs(parts.query).get("To", [""])[0]
            return 200, {"calls": [self._as_json(one) for one in reversed(self.rung) if one.number == to]}
        found = self._one(path)
        return (404, {"code": 20404}) if found is None else (200, self._as_json(found))

    def _one(self, path: str) -> Handset | None:
        sid = re.search(r"/Calls/(CA\w+)\.json", path)
        return next((one for one in self.rung if sid and one.sid == sid[1]), None)

    def _as_json(self, handset: Handset) -> Mapping[str, Any]:
        return {
            "sid": handset.sid, "account_sid": ACCOUNT, "to": handset.number, "from": handset.common["From"],
            "status": handset.status, "date_created": formatdate(), "direction": "outbound-api",
        }  # fmt: skip

    def wait_for(self, count: int, seconds: float = 12) -> Handset:
        """The n-th telephone to ring (counted from 1)."""
        until(lambda: len(self.rung) >= count, seconds, f"call {count}; rung: {[one.number for one in self.rung]}")
        return self.rung[count - 1]
