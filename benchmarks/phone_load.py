"""Places simultaneous calls as the carrier would - signed form posts, each to the URL that the last answer named - and
prints one JSON line. Arguments: port, calls, at once, keys with commas between (an empty one is silence), run.

Each call is one kept-alive connection: the first post says that it rings, then one for each key, then one that it is
over. Every answer must be 200; whatever stands behind `action` or `<Redirect>` is where the next post goes.
"""

import asyncio
import base64
import hashlib
import hmac
import html
import json
import re
import sys
import time
from urllib.parse import urlencode, urljoin

import uvloop
from processes import TOKEN

NEXT = re.compile(rb'<Gather[^>]*\baction="([^"]+)"|<Record[^>]*\baction="([^"]+)"|<Redirect[^>]*>([^<]+)<')
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Line:
    """One connection to the server; posts, one after the other."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.base = f"http://127.0.0.1:{port}"

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def post(self, path: str, fields: dict[str, str]) -> tuple[int, bytes, float]:
        """Status, body, seconds. The signature is made before the clock starts: it is the carrier's work."""
        signed = (self.base + path + "".join(name + fields[name] for name in sorted(fields))).encode()
        signature = base64.b64encode(hmac.new(TOKEN.encode(), signed, hashlib.sha1).digest()).decode()
        body = urlencode(fields).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nX-Twilio-Signature: {signature}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        begun = time.perf_counter()
        self.writer.write(head.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(answer)
        text = await self.reader.readexactly(int(length[1])) if length else b""
        return int(answer[9:12]), text, time.perf_counter() - begun


async def call(line: Line, sid: str, keys: list[str], waits: list[float], faults: list[str]) -> None:
    fields = {
        "AccountSid": "AC" + "0" * 32,
        "ApiVersion": "2010-04-01",
        "CallSid": sid,
        "CallStatus": "ringing",
        "Direction": "inbound",
        "From": "+390612345678",
        "To": "+390200000000",
    }
    path = "/phone/twilio/voice"
    for key in [None, *keys]:
        more = {"CallStatus": "in-progress", "Digits": key} if key is not None else {}
        status, text, taken = await line.post(path, fields | more)
        waits.append(taken)
        found = NEXT.search(text)
        if status != 200 or not found:
            faults.append(f"{status} at {path.partition('?')[0]} after key {key!r}: {text[:120]!r}")
            break
        url = urljoin(line.base + path, html.unescape(next(filter(None, found.groups())).decode().strip()))
        path = url.removeprefix(line.base)
    over = fields | {"CallStatus": "completed", "CallDuration": "9"}
    status, text, taken = await line.post("/phone/twilio/status", over)
    waits.append(taken)
    if status >= 300:
        faults.append(f"{status} at the end of the call: {text[:120]!r}")


async def run(port: int, calls: int, at_once: int, keys: list[str], name: str) -> dict[str, object]:
    waits: list[float] = []
    faults: list[str] = []
    numbers = iter(range(calls))

    async def caller() -> None:
        line = Line(port)
        await line.open()
        for number in numbers:
            await call(line, "CA" + hashlib.md5(f"{name}-{number}".encode()).hexdigest(), keys, waits, faults)
        line.writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    seconds = time.perf_counter() - begun
    waits.sort()
    return {
        "calls": calls,
        "posts": len(waits),
        "faults": len(faults),
        "examples": faults[:3],
        "seconds": seconds,
        "rate": len(waits) / seconds,
        "p50_ms": waits[len(waits) // 2] * 1e3,
        "p99_ms": waits[len(waits) * 99 // 100] * 1e3,
    }


if __name__ == "__main__":
    at, count, together = map(int, sys.argv[1:4])
    print(json.dumps(uvloop.run(run(at, count, together, sys.argv[4].split(","), sys.argv[5]))))
