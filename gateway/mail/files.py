"""Mails in files: `.eml`, mbox and Maildir, one after the other in bounded memory, through the same story as any mail.

A mail that is there already is a duplicate, so whatever was broken off is started again from the beginning: nothing is
lost and nothing doubled. When a mail reached its mailbox is told as well as the file can prove it, and the ticket says
by what. Refuses to change the files.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection

from gateway.engine import Arrival, Engine, Outcome
from parsers import headers

LINE = 1 << 16  # bytes read at once: a line may have any length
HEAD = 1 << 20  # what is kept of a mail that is larger than we take: its header and the beginning of its text
OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
_DAYS, _MONTHS = b"Mon|Tue|Wed|Thu|Fri|Sat|Sun", b"Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
# The line before each mail of an mbox: who and when, as asctime writes it, perhaps with a zone (RFC 4155 appendix A).
_FROM = re.compile(
    rb"From .{0,300}?(?:%b) (?P<month>%b) +(?P<day>\d{1,2}) (?P<time>\d\d:\d\d(?::\d\d)?) (?P<rest>.{4,20})"
    % (_DAYS, _MONTHS)
)
_ZONE = re.compile(rb"[+-]\d{4}")
_RECEIVED = re.compile(rb"^received[ \t]*:(?P<value>.*(?:\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
    """One mail of a file. `received` None: the file proves nothing. `whole`: its size, when `raw` is only its beginning.

    `read`: how many bytes of the path have been read so far."""

    name: str
    raw: bytes
    received: datetime | None
    proof: str
    whole: int | None
    read: int


def mails(path: Path, most: int) -> Iterator[Found]:
    """Each mail in a file, an mbox, a Maildir or a folder of files; several in one get `#n` behind the path."""
    if path.is_dir():
        yield from _folder(path, most)
    elif _is_mbox(path):
        yield from _mbox(path, most)
    else:
        yield _file(str(path), path, most, 0)


def size(path: Path) -> int:
    """How many bytes there are to read."""
    return sum(one.stat().st_size for one in _listed(path)) if path.is_dir() else path.stat().st_size


def arrivals(paths: Sequence[Path], template: Arrival, most: int, now: datetime) -> Iterator[tuple[Found, Arrival]]:
    """Each mail as the story takes it in; `template` says what the files don't: peer, envelope."""
    before = 0
    for path in paths:
        for found in mails(path, most):
            received, proof = _receipt(found, now)
            told = [f"received: {received:%Y-%m-%d %H:%M:%S} UTC, {proof}"]
            if found.whole:
                told.append(f"size: {found.whole} bytes, more than we take; only the beginning is kept")
            arrival = replace(template, raw=found.raw, received=received, whole=found.whole, evidence=tuple(told))
            yield replace(found, read=before + found.read), arrival
        before += size(path)


def take(engine: Engine, waiting: Iterable[tuple[Found, Arrival]], *, dry_run: bool) -> Iterator[tuple[Found, Outcome]]:
    """Each mail's outcome, one after the other: an answer must find the mail that it answers. A dry run files all of them
    in one transaction, so that later mails see the earlier ones, and takes it back; while it runs, a SQLite database
    has no other writer.
    """
    if not dry_run:
        for found, arrival in waiting:
            yield found, _refused(engine, arrival) or engine.take_mail(_addressed(engine, arrival))
        return
    with engine.database.engine.connect() as connection, connection.begin() as transaction:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        for found, arrival in waiting:
            yield found, _refused(engine, arrival) or _filed(engine, connection, arrival)
        transaction.rollback()


def _filed(engine: Engine, connection: Connection, arrival: Arrival) -> Outcome:
    return engine.file_mail(connection, engine.read(_addressed(engine, arrival)))


def _refused(engine: Engine, arrival: Arrival) -> Outcome | None:
    """What the mail door would refuse: a recipient that is not ours."""
    if arrival.rcpt and not any(engine.ours(address) for address in arrival.rcpt):
        return Outcome("refused", "not-our-recipient")
    return None


def _addressed(engine: Engine, arrival: Arrival) -> Arrival:
    """Without a recipient given, the desk's first address stands for the envelope that the file does not have."""
    return arrival if arrival.rcpt else replace(arrival, rcpt=(next(iter(engine.settings.recipients)),))


# Where mails stand ------------------------------------------------------------------------------------------------


def _listed(folder: Path) -> list[Path]:
    """The mails of a Maildir, else the .eml files of a folder."""
    maildir = (folder / "cur").is_dir() or (folder / "new").is_dir()
    places = ("cur/*", "new/*") if maildir else ("*.eml",)
    return sorted(one for place in places for one in folder.glob(place) if one.is_file())


def _folder(folder: Path, most: int) -> Iterator[Found]:
    read = 0
    for place, path in enumerate(_listed(folder), 1):
        found = _file(f"{folder}#{place}", path, most, read)
        read = found.read
        yield found


def _file(name: str, path: Path, most: int, read: int) -> Found:
    with path.open("rb") as file:
        raw = file.read(most + 1)
    facts = path.stat()
    whole = facts.st_size if len(raw) > most else None
    maildir = path.parent.name in ("cur", "new")
    proof = "when it was delivered to its Maildir" if maildir else "when its file was last written"
    changed = datetime.fromtimestamp(facts.st_mtime, UTC)
    return Found(name, raw[:HEAD] if whole else raw, changed, proof, whole, read + facts.st_size)


def _is_mbox(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"From "


def _mbox(path: Path, most: int) -> Iterator[Found]:
    """A mail ends before the next line that reads "From somebody, some day"; no more than one is in memory."""
    with path.open("rb") as file:
        title, place = file.readline(LINE), 0
        while title:
            place += 1
            raw, whole, following = _until_next(file, most)
            yield Found(f"{path}#{place}", raw, _said(title), "as the mbox says before it", whole, file.tell())
            title = following


def _until_next(file: BinaryIO, most: int) -> tuple[bytes, int | None, bytes]:
    """The lines up to the next title, the mail's size if that is too much, and that title (b"" at the end)."""
    kept, count, ended, blank = [], 0, True, False
    title = b""
    while line := file.readline(LINE):
        if ended and line.startswith(b"From ") and (_FROM.match(line) or (blank and re.search(rb" \d\d:\d\d", line))):
            title = line
            break
        count += len(line)
        if count <= most:
            kept.append(line)
        blank, ended = ended and not line.strip(), line.endswith(b"\n")
    raw = b"".join(kept)
    if blank:  # the empty line before a title belongs to the mbox
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    return (raw[:HEAD], count, title) if count > most else (raw, None, title)


# When they came ---------------------------------------------------------------------------------------------------


def _receipt(found: Found, now: datetime) -> tuple[datetime, str]:
    """The instant of receipt and what proves it: the last server's own line, else what the mailbox says of it."""
    stamped = _topmost(found.raw)
    for at, proof in ((stamped, "by its topmost Received line"), (found.received, found.proof)):
        if at is not None and OLDEST <= at <= now:
            return at, proof
    return now, "the moment it was taken in: the file proves nothing earlier"


def _topmost(raw: bytes) -> datetime | None:
    """The date of the first Received: the server that delivered it wrote it last (RFC 5321 section 4.4)."""
    head = raw[:LINE].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    match = _RECEIVED.search(head)
    if match is None or b";" not in match["value"]:
        return None
    return headers.date(match["value"].rpartition(b";")[2].decode("latin-1"))


def _said(title: bytes) -> datetime | None:
    """The time in the line before a mail; without a zone it is UTC (RFC 4155)."""
    match = _FROM.match(title)
    year = re.search(rb"\b(?:19|20)\d\d\b", match["rest"]) if match else None
    if match is None or year is None:
        return None
    zone = _ZONE.search(match["rest"])
    text = b"%b %b %b %b %b" % (match["day"], match["month"], year[0], match["time"], zone[0] if zone else b"+0000")
    return headers.date(text.decode("latin-1"))
