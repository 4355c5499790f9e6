"""`presa ingest`: mails of files, mboxes and Maildirs, exactly once, in bounded memory, with the receipt that is provable."""

import json
import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databases import DESKS, Stock
from world import World

from gateway.engine import Arrival, Outcome
from gateway.mail import files
from gateway.store import reports

PRESA = (str(Path(sys.executable).with_name("presa")),)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RECEIVED = "Received: from a.example by mx.example.test; Fri, 20 Nov 2026 10:00:00 +0100\n"


def mail(n: int, body: str = "Buongiorno, la stampante non stampa.", extra: str = "") -> str:
    return f"{extra}Message-ID: <{n}@acme.example>\nFrom: mario@acme.example\nSubject: Nr {n}\n\n{body}\n"


def word(n: int) -> str:
    """A word of its own for each number: texts that differ in digits alone are the same text again."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{n:04}")


def template() -> Arrival:
    return Arrival("file", "127.0.0.1", None, ("support@example.test",), b"", NOW)


@pytest.fixture
def world(stock: Stock) -> Iterator[World]:
    with stock.fresh("sqlite", "test") as url:
        opened = World.open(url, "test", "2026-11-22 13:00")
        yield opened
        opened.close()


def taken(world: World, *paths: Path, most: int = 1 << 20) -> list[Outcome]:
    found = files.arrivals(paths, template(), most, NOW)
    return [outcome for _, outcome in files.take(world.engine, found, dry_run=False)]


MBOX = (
    "From mario@acme.example Fri Nov 20 09:00:00 2026\n" + mail(1)
    + "\nFrom MAILER-DAEMON Fri Nov 20 10:00:00 2026 +0100\n" + mail(2, "From here on nothing works.\n\nFrom now on we wait.\n>From us to you")
    + "\nFrom - Fri Nov 20 11:00:00 2026\n" + mail(3)
)  # fmt: skip


def test_each_mail_of_an_mbox_is_one_whatever_its_text_begins_with(tmp_path: Path) -> None:
    (tmp_path / "box").write_text(MBOX)
    found = list(files.mails(tmp_path / "box", 1 << 20))
    assert [one.name.rpartition("#")[2] for one in found] == ["1", "2", "3"]
    assert found[1].raw == mail(2, "From here on nothing works.\n\nFrom now on we wait.\n>From us to you").encode()
    assert found[-1].read == len(MBOX)


def test_an_mbox_with_carriage_returns_is_the_same_mails(tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(MBOX.replace("\n", "\r\n").encode())
    assert next(one.raw for one in files.mails(tmp_path / "box", 1 << 20)) == mail(1).replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("title", "extra", "at", "proof"),
    [
        ("From x@y Fri Nov 20 09:00:00 2026", RECEIVED, "2026-11-20 09:00:00", "topmost Received"),
        ("From x@y Fri Nov 20 10:30:00 2026", "", "2026-11-20 10:30:00", "as the mbox says"),
        ("From x@y Fri Nov 20 10:30:00 +0200 2026", "", "2026-11-20 08:30:00", "as the mbox says"),
        ("From x@y Fri Nov 20 10:30:00 2099", "", "2026-11-22 12:00:00", "proves nothing"),
        ("From x@y", "", "2026-11-22 12:00:00", "proves nothing"),
        ("From x@y Fri Nov 20 10:30:00 2026", "Received: by mx; Mon, 1 Jan 2046 00:00:00 +0000\n", "2026-11-20 10:30:00", "mbox"),
        ("From x@y Fri Nov 20 10:30:00 2026", "Received: by mx\n", "2026-11-20 10:30:00", "mbox"),
    ],
)  # fmt: skip
def test_the_receipt_is_the_best_that_an_mbox_can_prove_and_says_by_what(
    tmp_path: Path, title: str, extra: str, at: str, proof: str
) -> None:
    """CASES mail 29"""
    (tmp_path / "box").write_text(f"{title}\n{mail(1, extra=extra)}")
    ((_, arrival),) = files.arrivals([tmp_path / "box"], template(), 1 << 20, NOW)
    assert arrival.received.strftime("%Y-%m-%d %H:%M:%S") == at
    assert proof in arrival.evidence[0]


def test_a_maildir_is_dated_by_its_files(tmp_path: Path) -> None:
    for folder in ("cur", "new", "tmp"):
        (tmp_path / folder).mkdir()
    (tmp_path / "cur" / "1.a.host:2,S").write_text(mail(1))
    (tmp_path / "new" / "2.b.host").write_text(mail(2, extra=RECEIVED))
    (tmp_path / "tmp" / "3.c.host").write_text(mail(3))
    delivered = datetime(2026, 11, 19, 8, 0, tzinfo=UTC).timestamp()
    os.utime(tmp_path / "cur" / "1.a.host:2,S", (delivered, delivered))
    found = [arrival for _, arrival in files.arrivals([tmp_path], template(), 1 << 20, NOW)]
    assert [arrival.received.isoformat() for arrival in found] == [
        "2026-11-19T08:00:00+00:00",
        "2026-11-20T09:00:00+00:00",
    ]
    assert ["Maildir" in found[0].evidence[0], "Received" in found[1].evidence[0]] == [True, True]


def test_the_ticket_starts_at_the_receipt_and_says_what_proves_it(world: World, tmp_path: Path) -> None:
    (tmp_path / "box").write_text(MBOX)
    taken(world, tmp_path / "box")
    first = min(world.tickets(), key=lambda one: one.id)
    assert first.received_at == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    assert first.evidence[0] == "received: 2026-11-20 09:00:00 UTC, as the mbox says before it"


def test_a_folder_of_eml_files_is_taken_in_file_by_file(world: World, tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.eml").write_text(mail(n))
    (tmp_path / "notes.txt").write_text("no mail")
    assert [outcome.outcome for outcome in taken(world, tmp_path)] == ["new"] * 3


def test_a_mail_too_big_is_a_ticket_from_its_beginning_and_its_sender_is_told_once(
    world: World, tmp_path: Path
) -> None:
    """CASES mail 28"""
    proven = "Authentication-Results: mx.example.test; dmarc=pass header.from=acme.example\n"
    big = proven + mail(1, "Buongiorno, ecco i file.\n" + "x" * 70 + "\n" + ("y" * 76 + "\n") * 30_000)
    (tmp_path / "big.eml").write_text(big)
    (tmp_path / "box").write_text(
        "From x@y Fri Nov 20 09:00:00 2026\n"
        + big.replace("<1@", "<2@")
        + "\nFrom x@y Fri Nov 20 09:00:00 2026\n"
        + mail(3)
    )
    done = taken(world, tmp_path / "big.eml", tmp_path / "box", most=100_000)
    assert [outcome.outcome for outcome in done] == ["new"] * 3
    first = min(world.tickets(), key=lambda one: one.id)
    assert any(line.startswith(f"size: {len(big)} bytes") for line in first.evidence)
    assert "mark: too-big" in first.evidence
    world.advance(60)
    from world import read_letter

    (letter,) = [one for one in world.letters() if one.ticket_id == first.id]
    assert "grand" in " ".join((read_letter(letter).text or "").split())
    assert len([one for one in world.letters() if one.ticket_id == first.id]) == 1


def test_an_archive_answers_and_wakes_nobody(world: World, tmp_path: Path) -> None:
    from dataclasses import replace

    proven = "Authentication-Results: mx.example.test; dmarc=pass header.from=acme.example\n"
    (tmp_path / "one.eml").write_text(proven + mail(1, "Siamo fermi, non funziona nulla."))
    found = files.arrivals([tmp_path / "one.eml"], replace(template(), quiet=True), 1 << 20, NOW)
    ((_, done),) = files.take(world.engine, found, dry_run=False)
    assert (done.outcome, done.acknowledge) == ("new", False)
    assert not {"page", "acknowledge"} & set(world.jobs(world.ticket()))


def test_a_huge_mbox_needs_no_more_memory_than_its_largest_mail(tmp_path: Path) -> None:
    one = "\nFrom x@y Fri Nov 20 09:00:00 2026\n" + mail(1, ("z" * 76 + "\n") * 1_000)
    with (tmp_path / "box").open("w") as file:
        file.write(one[1:])
        for _ in range(300):
            file.write(one)
        file.write("\nFrom x@y Fri Nov 20 09:00:00 2026\n" + "w" * 5_000_000)
    tracemalloc.start()
    count = sum(1 for _ in files.mails(tmp_path / "box", 200_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 302
    assert peak < 2_000_000


def test_killed_in_the_middle_and_started_again_nothing_is_lost_or_doubled(stock: Stock, tmp_path: Path) -> None:
    count = 60
    with (tmp_path / "box").open("w") as file:
        for n in range(count):
            file.write(
                f"From x@y Fri Nov 20 09:00:00 2026\n{mail(n, f'Si rompe {word(n)} quando apro {word(n * 7)}.')}\n"
            )
        # Without Message-ID and Date the delivery is known by content within a day: by the receipt's, not today's.
        file.write("From x@y Fri Nov 20 09:00:00 2026\nFrom: mario@acme.example\nSubject: bare\n\nbare\n")
    with stock.fresh("sqlite", "test") as url:
        command = [
            *PRESA,
            "ingest",
            "--config",
            str(DESKS / "test"),
            "--database",
            url,
            "--json",
            "--rcpt",
            "support@example.test",
            str(tmp_path / "box"),
        ]
        for kill_after in (7, 23):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            for _ in range(kill_after):
                assert process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            process.wait()
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(lines) == count + 1
        assert {line["outcome"] for line in lines} == {"new", "duplicate"}
        world = World.open(url, "test", "2026-11-22 13:00")
        try:
            filed = [row for row in world.ledger() if row.outcome == "new"]
            assert len(filed) == len(world.tickets()) == count + 1
            assert len({row.sha256 for row in filed}) == count + 1
            assert world.read(reports.orphans) == ()
        finally:
            world.close()
