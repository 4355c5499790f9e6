"""Mails in files: `.eml`, mbox and Maildir, one after the other in bounded memory, through the same story as any mail."""

import mailbox
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from sqlalchemy import Connection

from gateway.engine import Arrival, Engine, Outcome


def mails(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each mail in a file, an mbox or a Maildir; several in one get `#n` behind the path."""
    if path.is_dir():
        for place, found in enumerate(sorted(chain((path / "cur").glob("*"), (path / "new").glob("*"))), 1):
            yield f"{path}#{place}", found.read_bytes()
    elif _is_mbox(path):
        box = mailbox.mbox(path, create=False)
        for place, key in enumerate(box.iterkeys(), 1):
            yield f"{path}#{place}", box.get_bytes(key)
        box.close()
    else:
        yield str(path), path.read_bytes()


def count(path: Path) -> int:
    """How many mails a path holds."""
    if path.is_dir():
        return sum(1 for _ in chain((path / "cur").glob("*"), (path / "new").glob("*")))
    return len(mailbox.mbox(path, create=False)) if _is_mbox(path) else 1


def take(engine: Engine, arrivals: Iterable[tuple[str, Arrival]], *, dry_run: bool) -> Iterator[tuple[str, Outcome]]:
    """Each mail's outcome. A dry run files all of them in one transaction, so that later mails see the earlier ones,
    and takes it back; while it runs, a SQLite database has no other writer.
    """
    if not dry_run:
        for name, arrival in arrivals:
            yield name, _refused(engine, arrival) or engine.take_mail(_addressed(engine, arrival))
        return
    with engine.database.engine.connect() as connection, connection.begin() as transaction:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        for name, arrival in arrivals:
            yield name, _refused(engine, arrival) or _file(engine, connection, arrival)
        transaction.rollback()


def _file(engine: Engine, connection: Connection, arrival: Arrival) -> Outcome:
    return engine.file_mail(connection, engine.read(_addressed(engine, arrival)))


def _refused(engine: Engine, arrival: Arrival) -> Outcome | None:
    """What the mail door would refuse: a recipient that is not ours."""
    if arrival.rcpt and not any(engine.ours(address) for address in arrival.rcpt):
        return Outcome("refused", "not-our-recipient")
    return None


def _addressed(engine: Engine, arrival: Arrival) -> Arrival:
    """Without a recipient given, the desk's first address stands for the envelope that the file does not have."""
    from dataclasses import replace

    return arrival if arrival.rcpt else replace(arrival, rcpt=(next(iter(engine.settings.recipients)),))


def _is_mbox(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"From "
