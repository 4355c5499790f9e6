"""The /in doors of a real process: killed at any moment, what was answered 200 is there once; large bodies cost what they may."""

import contextlib
import http.client
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from outside_presa import SUPPORT, Carrier, Presa, until

SIZE = 26_214_400


@pytest.fixture
def presa(tmp_path: Path) -> Iterator[Presa]:
    carrier = Carrier()
    with Presa(tmp_path, carrier, hatched=False) as running:
        yield running
    carrier.close()


def token_of(presa: Presa) -> str:
    (row,) = presa.rows("token", "issue", "tests", "--scope", "mail")
    return str(row["token"])


def post(presa: Presa, token: str, body: bytes, timeout: float = 60) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", presa.web, timeout=timeout)
    try:
        connection.request("POST", f"/in/mail/raw?recipient={SUPPORT}", body, {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def mail(n: int) -> bytes:
    word = "".join(chr(ord("a") + int(digit)) for digit in f"{n:05}")
    return (
        f"Message-ID: <{n}@x.example>\r\nFrom: p{n}@x.example\r\nSubject: {word}\r\n\r\nSi rompe {word}.\r\n".encode()
    )


def resident(presa: Presa) -> int:
    """Bytes of the largest resident set of the process so far."""
    assert presa.process is not None
    status = Path(f"/proc/{presa.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


def test_what_was_answered_200_before_a_kill_is_there_exactly_once(presa: Presa) -> None:
    token = token_of(presa)
    taken: list[str] = []

    def stream() -> None:
        for n in range(5_000):
            try:
                status, said = post(presa, token, mail(n), timeout=10)
            except (OSError, http.client.HTTPException, ValueError):
                return
            if status == 200:
                taken.append(said["ticket"])

    thread = threading.Thread(target=stream)
    thread.start()
    until(lambda: len(taken) >= 30, 30, "thirty mails to be taken")
    assert presa.process is not None
    os.kill(presa.process.pid, signal.SIGKILL)
    thread.join(timeout=30)
    tickets = presa.tickets()
    assert sorted(taken) == sorted(set(taken))
    assert [number for number in taken if number not in tickets] == []
    ids = [one for ticket in tickets.values() for one in ticket["message_ids"]]
    assert len(ids) == len(set(ids))
    assert len(tickets) - len(taken) in (0, 1)  # at most the one that was under way


def test_a_mail_of_the_largest_size_passes_and_larger_ones_cost_nothing(presa: Presa) -> None:
    token = token_of(presa)
    before = resident(presa)
    line = b"x" * 76 + b"\r\n"
    largest = mail(1) + line * ((SIZE - 1_000) // len(line))
    assert post(presa, token, largest)[0] == 200
    once = resident(presa) - before
    endless = b"y" * (4 * SIZE + 1)
    for _ in range(4):
        with contextlib.suppress(OSError):  # it hung up while we were still talking: also a refusal
            assert post(presa, token, endless)[0] == 413
    assert resident(presa) - before - once < SIZE
    assert once < 12 * SIZE
    assert len(presa.tickets()) == 1
    assert post(presa, token, mail(2) + line * (2 * SIZE // len(line)))[0] == 200  # of this one the beginning is taken
    assert resident(presa) - before < 12 * SIZE
    assert len(presa.tickets()) == 2
