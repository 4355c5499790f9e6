"""Places simultaneous calls as the carrier would - signed form posts, each to the URL that the last answer named - and
prints one JSON line.

Each call is one kept-alive connection: the first post says that it rings, then one for each key, then one that it is
over. Every answer must be 200; whatever stands behind `action` or `<Redirect>` is where the next post goes.

Without a pace each call posts as soon as it was answered (closed loop: how much is there at most?). With one, its posts are
due at instants that are fixed when it begins, and what is late because the last answer was late counts as slow: the time
of a step runs from when it was due. What follows a PIN is due that much later: how long PINs take is told apart.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import html
import json
import os
import random
import re
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlencode, urljoin

import uvloop
from processes import TOKEN

NEXT = re.compile(rb'<Gather[^>]*\baction="([^"]+)"|<Record[^>]*\baction="([^"]+)"|<Redirect[^>]*>([^<]+)<')
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
PIN = "!"  # before a key that is a PIN: its time is told apart


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--at-once", type=int, required=True)
    parser.add_argument("--keys", required=True, help="with commas between; an empty one is silence, !471108# a PIN")
    parser.add_argument("--name", required=True, help="makes the calls' ids")
    parser.add_argument("--pace", type=float, nargs=2, metavar=("LEAST", "MOST"), help="seconds between a call's posts")
    parser.add_argument("--core", type=int, help="run on this one")
    return parser.parse_args()


class Line:
    """One connection to the server; posts, one after the other."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.base = f"http://127.0.0.1:{port}"

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def post(self, path: str, fields: dict[str, str], due: float | None) -> tuple[int, bytes, float]:
        """Status, body, seconds since `due`. The signature is made before the clock starts: it is the carrier's work."""
        signed = (self.base + path + "".join(name + fields[name] for name in sorted(fields))).encode()
        signature = base64.b64encode(hmac.new(TOKEN.encode(), signed, hashlib.sha1).digest()).decode()
        body = urlencode(fields).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nX-Twilio-Signature: {signature}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        if due is not None and (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
            due = None  # the timer's own lateness is not the server's
        begun = time.perf_counter() if due is None else due
        self.writer.write(head.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(answer)
        text = await self.reader.readexactly(int(length[1])) if length else b""
        return int(answer[9:12]), text, time.perf_counter() - begun


class Measured:
    """Seconds of every post, those that brought a PIN apart, and what went wrong."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.pins: list[float] = []
        self.faults: list[str] = []

    def figures(self, seconds: float) -> dict[str, object]:
        posts = len(self.steps) + len(self.pins)
        told: dict[str, object] = {"posts": posts, "seconds": seconds, "rate": posts / seconds}
        for name, waits in (("", sorted(self.steps)), ("pin_", sorted(self.pins))):
            if waits:
                told[f"{name}p50_ms"] = waits[len(waits) // 2] * 1e3
                told[f"{name}p99_ms"] = waits[len(waits) * 99 // 100] * 1e3
                told[f"{name}max_ms"] = waits[-1] * 1e3
        return {**told, "faults": len(self.faults), "examples": self.faults[:3]}


async def call(line: Line, sid: str, keys: Sequence[str], dues: Sequence[float | None], measured: Measured) -> None:
    fields = {
        "AccountSid": "AC" + "0" * 32,
        "ApiVersion": "2010-04-01",
        "CallSid": sid,
        "CallStatus": "ringing",
        "Direction": "inbound",
        "From": "+390612345678",
        "To": "+390200000000",
    }
    path, looked = "/phone/twilio/voice", 0.0
    for key, due in zip([None, *keys], dues, strict=False):
        more = {"CallStatus": "in-progress", "Digits": key.lstrip(PIN)} if key is not None else {}
        status, text, taken = await line.post(path, fields | more, due and due + looked)
        if key and key.startswith(PIN):
            measured.pins.append(taken)
            looked += taken
        else:
            measured.steps.append(taken)
        found = NEXT.search(text)
        if status != 200 or not found:
            measured.faults.append(f"{status} at {path.partition('?')[0]} after key {key!r}: {text[:120]!r}")
            break
        url = urljoin(line.base + path, html.unescape(next(filter(None, found.groups())).decode().strip()))
        path = url.removeprefix(line.base)
    over = fields | {"CallStatus": "completed", "CallDuration": "9"}
    status, text, taken = await line.post("/phone/twilio/status", over, dues[-1] and dues[-1] + looked)
    measured.steps.append(taken)
    if status >= 300:
        measured.faults.append(f"{status} at the end of the call: {text[:120]!r}")


async def run(given: argparse.Namespace) -> dict[str, object]:
    measured, keys, numbers = Measured(), given.keys.split(","), iter(range(given.calls))
    chance = random.Random(given.name)

    async def caller() -> None:
        line = Line(given.port)
        await line.open()
        if given.pace:
            await asyncio.sleep(chance.uniform(0.0, given.pace[1]))  # not all at the same instant
        for number in numbers:
            dues: list[float | None] = [None] * (len(keys) + 2)
            if given.pace:
                at = time.perf_counter()
                dues = [at := at + chance.uniform(*given.pace) for _ in dues]
            sid = "CA" + hashlib.md5(f"{given.name}-{number}".encode()).hexdigest()
            await call(line, sid, keys, dues, measured)
        line.writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(given.at_once)))
    return {"calls": given.calls, **measured.figures(time.perf_counter() - begun)}


if __name__ == "__main__":
    asked = arguments()
    if asked.core is not None:
        os.sched_setaffinity(0, {asked.core})
    sys.stdout.write(json.dumps(uvloop.run(run(asked))) + "\n")
