"""The mail door's process: what the filing process says is what the sender hears, whatever happens to either of them."""

import asyncio
import contextlib
import functools
import os
import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Permanent, Temporary
from gateway.mail import frames
from gateway.mail.porter import COMMAND, Handed, Porter, Taken, Told
from gateway.settings.mail_door import MailDoor
from gateway.smtp import Limits, Listener
from gateway.store.database import Source

MAIL = b"From: mario@acme.example\r\nSubject: hello\r\nMessage-ID: <1@acme.example>\r\n\r\nHello.\r\n"


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*given: object, **named: object) -> None:
        asyncio.run(test(*given, **named))

    return run


def by(file: Callable[[Handed], Awaitable[str]]) -> Taken:
    """A filing that takes as long as its coroutine does."""

    def take(mail: Handed, told: Told) -> None:
        filing = asyncio.ensure_future(file(mail))
        filing.add_done_callback(lambda filed: told(filed.exception() or filed.result()))

    return take


def attended(source: Source) -> None:
    """As a database does in which everybody writes for themselves."""
    source.gather()
    source.rest()


@contextlib.asynccontextmanager
async def porter(taken: Callable[[Handed], Awaitable[str]]) -> AsyncIterator[tuple[Porter, int]]:
    sock = socket.create_server(("127.0.0.1", 0))
    door = Porter(
        (Listener(sock),),
        Limits(linger=0.2, stop=3.0),
        frozenset({"support@example.test"}),
        by(taken),
        MailDoor(),
        print,
        attended,
    )
    try:
        await door.start()
        yield door, sock.getsockname()[1]
    finally:
        await door.stop()
        sock.close()


def send(port: int, mail: bytes = MAIL) -> str:
    """The words after DATA; a connection that ends before them raises."""
    with contextlib.closing(smtplib.SMTP("127.0.0.1", port, timeout=20)) as client:
        client.ehlo("desk7.acme.example")
        client.mail("mario@acme.example")
        assert client.rcpt("nobody@example.test")[0] == 550
        client.rcpt("Support+tag@example.test")
        code, words = client.data(mail)
        return f"{code} {words.decode()}"


def sent(port: int, mail: bytes = MAIL) -> "asyncio.Future[str]":
    return asyncio.ensure_future(asyncio.to_thread(send, port, mail))


def doors_of(parent: int) -> list[int]:
    """The living children of a process."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(pid) for pid in children.split() if b"gateway.mail.porter" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@on_a_loop
async def test_a_mail_comes_read_with_the_evidence_of_its_receipt_and_the_outcome_goes_back() -> None:
    handed: list[Handed] = []

    async def keep(mail: Handed) -> str:
        handed.append(mail)
        return "2.0.0 Ok: new"

    async with porter(keep) as (_, port):
        assert await sent(port) == "250 2.0.0 Ok: new"
    (mail,) = handed
    assert (mail.delivery.raw, mail.delivery.peer, mail.delivery.helo) == (MAIL, "127.0.0.1", "desk7.acme.example")
    assert mail.delivery.recipients == ("Support+tag@example.test",)
    assert (mail.reading().message.subject, mail.reading().message.message_id) == ("hello", "1@acme.example")


@pytest.mark.parametrize(
    ("trouble", "answer"),
    [
        (Temporary("come again"), "451 4.3.0 come again"),
        (Permanent("never"), "554 5.6.0 never"),
    ],
)
@on_a_loop
async def test_trouble_in_the_filing_process_is_answered_with_its_public_words(trouble: Exception, answer: str) -> None:
    async def fail(_: Handed) -> str:
        raise trouble

    async with porter(fail) as (_, port):
        assert await sent(port) == answer


@on_a_loop
async def test_a_fault_of_ours_is_451_with_a_reference_and_nothing_else() -> None:
    async def fail(_: Handed) -> str:
        raise KeyError("SELECT secret FROM tickets")

    async with porter(fail) as (_, port):
        answer = await sent(port)
    assert answer.startswith("451 ")
    assert "KeyError" not in answer
    assert "SELECT" not in answer


@on_a_loop
async def test_a_door_that_is_killed_opens_again_and_promises_nothing_for_the_one_before() -> None:
    held = asyncio.Event()
    waits = asyncio.Event()

    async def slow(mail: Handed) -> str:
        if b"first" in mail.delivery.raw:
            waits.set()
            await held.wait()
            return "2.0.0 Ok: of the first"
        held.set()  # the first one's outcome comes while the second, the new door's first, waits for its own
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        raise Temporary("the second is not stored")

    async with porter(slow) as (_, port):
        first = sent(port, MAIL.replace(b"hello", b"first"))
        await waits.wait()
        (old,) = doors_of(os.getpid())
        os.kill(old, signal.SIGKILL)
        with pytest.raises((smtplib.SMTPException, OSError)):
            await first
        second = await sent(port)  # the listening socket stayed: the connection waits for the new door
        assert second == "451 4.3.0 the second is not stored"
        assert old not in doors_of(os.getpid())


@on_a_loop
async def test_a_large_mail_comes_byte_for_byte_and_read() -> None:
    """It goes from process to process in a file."""
    large = MAIL + b"x" * 70 + b"\r\n" + (b"y" * 76 + b"\r\n") * 40_000
    came: list[Handed] = []

    async def keep(mail: Handed) -> str:
        came.append(mail)
        return "2.0.0 Ok: new"

    async with porter(keep) as (_, port):
        assert "2.0.0 Ok: new" in await sent(port, large)
        assert "2.0.0 Ok: new" in await sent(port, MAIL)
    assert [one.delivery.raw for one in came] == [large, MAIL]
    assert [one.reading().message.subject for one in came] == ["hello", "hello"]
    assert came[0].reading().sha256 == sha256(large).hexdigest()


@on_a_loop
async def test_a_door_whose_filing_process_is_gone_before_it_said_anything_ends() -> None:
    """Otherwise it would hold the listening sockets for ever, and the next Presa could not listen."""
    ours, theirs = frames.pairs()
    numbers = [one.fileno() for one in theirs]
    process = await asyncio.create_subprocess_exec(*COMMAND, *map(str, numbers), pass_fds=numbers)
    theirs.close()
    ours.close()
    assert await asyncio.wait_for(process.wait(), 20) == 0


@on_a_loop
async def test_stopping_waits_for_a_mail_that_is_being_filed_and_lets_nobody_else_in() -> None:
    go_on = asyncio.Event()
    waits = asyncio.Event()

    async def slow(_: Handed) -> str:
        waits.set()
        await go_on.wait()
        return "2.0.0 Ok: new"

    async with porter(slow) as (door, port):
        running = sent(port)
        await waits.wait()
        stopping = asyncio.create_task(door.stop())
        await asyncio.wait({stopping}, timeout=0.1)
        assert not stopping.done()
        go_on.set()
        assert await running == "250 2.0.0 Ok: new"
        await stopping
        assert doors_of(os.getpid()) == []


@on_a_loop
async def test_the_door_ignores_the_signals_that_a_terminal_sends_to_all_of_us() -> None:
    async def keep(_: Handed) -> str:
        return "2.0.0 Ok: new"

    async with porter(keep) as (_, port):
        (pid,) = doors_of(os.getpid())
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
        assert await sent(port) == "250 2.0.0 Ok: new"
        assert doors_of(os.getpid()) == [pid]


def test_the_doors_process_never_loads_the_reading_of_configurations() -> None:
    """It would take nearly twice as long to open, and 16 MB."""
    code = "import sys, gateway.mail.porter; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "gateway.mail.porter" in loaded
    assert {"gateway.settings", "gateway.store", "pydantic", "sqlalchemy"}.isdisjoint(loaded)
