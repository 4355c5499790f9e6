"""The yardsticks of the phone: a FastAPI route that checks the signature, reads one row and durably writes one.

Arguments: port, SQLite file, `tuned` or `plain`. Tuned: one writer thread, one commit for all the writes that wait. Plain:
as FastAPI's documentation shows it, a route in the thread pool with a connection of its own and one commit a post. Both in
WAL mode with synchronous=FULL.
"""

import asyncio
import queue
import sqlite3
import sys
import threading
from urllib.parse import parse_qsl

import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from processes import TOKEN
from twilio.request_validator import RequestValidator

TWIML = (
    '<?xml version="1.0" encoding="UTF-8"?><Response><Gather action="/phone/twilio/voice" numDigits="1">'
    '<Say language="it-IT">Benvenuto. Per italiano prema uno.</Say></Gather></Response>'
)


class Store:
    """One table of calls."""

    def __init__(self, file: str) -> None:
        self.waiting: queue.SimpleQueue = queue.SimpleQueue()
        self.reading = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self.reading.execute("PRAGMA journal_mode=WAL")
        self.reading.execute("CREATE TABLE steps (id INTEGER PRIMARY KEY, call TEXT, digits TEXT)")
        self.reading.execute("CREATE INDEX by_call ON steps (call)")
        threading.Thread(target=self.run, args=(file,), daemon=True).start()

    def read(self, call: str) -> object:
        return self.reading.execute("SELECT digits FROM steps WHERE call = ? LIMIT 1", (call,)).fetchone()

    async def write(self, call: str, digits: str) -> None:
        done = asyncio.get_running_loop().create_future()
        self.waiting.put((call, digits, done))
        await done

    def run(self, file: str) -> None:
        database = sqlite3.connect(file, isolation_level=None)
        database.execute("PRAGMA synchronous=FULL")
        while True:
            batch = [self.waiting.get()]
            while not self.waiting.empty():
                batch.append(self.waiting.get())
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO steps (call, digits) VALUES (?, ?)", [item[:2] for item in batch])
            database.execute("COMMIT")
            for _, _, done in batch:
                done.get_loop().call_soon_threadsafe(done.set_result, None)


def application(port: int, store: Store) -> FastAPI:
    app, validator = FastAPI(), RequestValidator(TOKEN)

    @app.post("/phone/twilio/voice")
    @app.post("/phone/twilio/status")
    async def voice(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        url = f"http://127.0.0.1:{port}{request.url.path}"
        if not validator.validate(url, form, request.headers.get("x-twilio-signature", "")):
            return Response(status_code=403)
        store.read(form["CallSid"])
        await store.write(form["CallSid"], form.get("Digits", ""))
        return Response(TWIML, media_type="text/xml")

    return app


async def body(request: Request) -> bytes:
    return await request.body()


BODY = Depends(body)


def plain(port: int, file: str) -> FastAPI:
    app, validator, mine = FastAPI(), RequestValidator(TOKEN), threading.local()

    def connection() -> sqlite3.Connection:
        if not hasattr(mine, "connection"):
            mine.connection = sqlite3.connect(file, timeout=30)
            mine.connection.execute("PRAGMA synchronous=FULL")
        return mine.connection

    @app.post("/phone/twilio/voice")
    @app.post("/phone/twilio/status")
    def voice(request: Request, raw: bytes = BODY) -> Response:
        form = dict(parse_qsl(raw.decode(), keep_blank_values=True))
        url = f"http://127.0.0.1:{port}{request.url.path}"
        if not validator.validate(url, form, request.headers.get("x-twilio-signature", "")):
            return Response(status_code=403)
        database = connection()
        database.execute("SELECT digits FROM steps WHERE call = ? LIMIT 1", (form["CallSid"],)).fetchone()
        with database:
            row = form["CallSid"], form.get("Digits", "")
            database.execute("INSERT INTO steps (call, digits) VALUES (?, ?)", row)
        return Response(TWIML, media_type="text/xml")

    return app


if __name__ == "__main__":
    chosen = int(sys.argv[1])
    store = Store(sys.argv[2])
    app = plain(chosen, sys.argv[2]) if sys.argv[3] == "plain" else application(chosen, store)
    uvicorn.run(
        app, host="127.0.0.1", port=chosen, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
