"""The yardsticks of the phone: FastAPI routes that check the signature, read one row and durably write one. No dialogue.

Arguments: port, SQLite file, `documented` or `tuned`. Documented: as FastAPI and Twilio show it - the form of the request,
Twilio's validator, the database in the thread pool, one commit a post. Tuned: the form read by hand, the row read on the
event loop, one writer thread and one commit for all the writes that wait. Both in WAL mode with synchronous=FULL.
"""

import asyncio
import queue
import sqlite3
import sys
import threading
from urllib.parse import parse_qsl

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from processes import TOKEN
from twilio.request_validator import RequestValidator

TWIML = (
    '<?xml version="1.0" encoding="UTF-8"?><Response><Gather action="/phone/twilio/voice" numDigits="1">'
    '<Say language="it-IT">Benvenuto. Per italiano prema uno.</Say></Gather></Response>'
)
READ = "SELECT digits FROM steps WHERE call = ? LIMIT 1"
WRITE = "INSERT INTO steps (call, digits) VALUES (?, ?)"


def prepare(file: str) -> None:
    """One table of calls."""
    database = sqlite3.connect(file)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE steps (id INTEGER PRIMARY KEY, call TEXT, digits TEXT)")
    database.execute("CREATE INDEX by_call ON steps (call)")
    database.close()


class Writer:
    """One thread that writes, one commit for all that wait."""

    def __init__(self, file: str) -> None:
        self.waiting: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=self.run, args=(file,), daemon=True).start()

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
            database.executemany(WRITE, [item[:2] for item in batch])
            database.execute("COMMIT")
            for _, _, done in batch:
                done.get_loop().call_soon_threadsafe(done.set_result, None)


def tuned(port: int, file: str) -> FastAPI:
    app, validator, writer = FastAPI(), RequestValidator(TOKEN), Writer(file)
    reading = sqlite3.connect(file, check_same_thread=False, isolation_level=None)

    @app.post("/phone/twilio/voice")
    @app.post("/phone/twilio/status")
    async def voice(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        url = f"http://127.0.0.1:{port}{request.url.path}"
        if not validator.validate(url, form, request.headers.get("x-twilio-signature", "")):
            return Response(status_code=403)
        reading.execute(READ, (form["CallSid"],)).fetchone()
        await writer.write(form["CallSid"], form.get("Digits", ""))
        return Response(TWIML, media_type="text/xml")

    return app


def documented(file: str) -> FastAPI:
    app, validator = FastAPI(), RequestValidator(TOKEN)
    database = sqlite3.connect(file, check_same_thread=False)
    database.execute("PRAGMA synchronous=FULL")
    alone = threading.Lock()  # without it the threads would wait for SQLite's lock by sleeping

    def keep(call: str, digits: str) -> None:
        with alone:
            database.execute(READ, (call,)).fetchone()
            with database:
                database.execute(WRITE, (call, digits))

    @app.post("/phone/twilio/voice")
    @app.post("/phone/twilio/status")
    async def voice(request: Request) -> Response:
        form = await request.form()
        if not validator.validate(str(request.url), form, request.headers.get("X-Twilio-Signature", "")):
            raise HTTPException(403)
        await run_in_threadpool(keep, str(form["CallSid"]), str(form.get("Digits", "")))
        return Response(TWIML, media_type="text/xml")

    return app


if __name__ == "__main__":
    chosen = int(sys.argv[1])
    prepare(sys.argv[2])
    app = documented(sys.argv[2]) if sys.argv[3] == "documented" else tuned(chosen, sys.argv[2])
    uvicorn.run(
        app, host="127.0.0.1", port=chosen, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
