"""Loads a directory from the text of a file: all of it in one transaction, or nothing and every reason with its line.

The command and the interface for programs both come here. What is loaded twice changes nothing the second time; a dry run
says what would change and changes nothing at all. Refuses to repair what is written, and to show a PIN.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from sqlalchemy import Connection

from gateway.people import pins
from gateway.settings import Settings
from gateway.settings import directory as directories
from gateway.settings.source import ConfigError, parse_yaml
from gateway.settings.tabular import parse_csv
from gateway.store import directory, users
from gateway.store.database import Database
from gateway.store.directory import Difference
from identity.directory import Directory
from identity.people import Customer

Kind = Literal["yaml", "csv"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file changes, or would. `details`: a changed customer's id -> what is different, in words."""

    difference: Difference
    details: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pins_added: int = 0
    pins_revoked: int = 0
    dry_run: bool = False


def import_text(
    settings: Settings, database: Database, text: str, kind: Kind, *, name: str, dry_run: bool = False, keep: bool = False
) -> Imported:  # fmt: skip
    """Make the stored directory what the text says; `keep`: customers that it does not name stay. Raises ConfigError."""
    document = parse_csv(text, name) if kind == "csv" else parse_yaml(text, name)
    people = directories.read(document, database.read(directory.every) if keep else ())
    directories.check_names(document, people, settings.desks)
    return load(settings, database, people, dry_run=dry_run, keep=keep)


def load(
    settings: Settings, database: Database, people: Directory, *, dry_run: bool = False, keep: bool = False
) -> Imported:
    """The same for a directory that has been read. PINs are hashed before the transaction, and only those that are new."""
    pepper = pepper_of(settings, database)
    have = database.read(directory.imported_pins)
    wanted = {(pin.customer, pins.fingerprint(pin.digits, pin.customer, pepper)): pin for pin in people.pins}
    named = {customer.id for customer in people.customers}
    known = {(who, mark) for who, marks in have.items() for mark in marks if who in named or not keep}
    gone, new = known - wanted.keys(), wanted.keys() - known
    if dry_run:
        return database.read(lambda c: _seen(c, people, keep, len(new), len(gone)))
    fresh = [(wanted[one], one[1], pins.hashed(wanted[one].digits, pepper)) for one in sorted(new)]
    now = database.clock.now()

    def write(connection: Connection) -> Imported:
        seen = _seen(connection, people, keep, len(new), len(gone))
        change = directory.replace(connection, people.customers, keep=keep)
        for customer, mark in gone:
            directory.revoke_pins(connection, customer, fingerprints=(mark,))
        for pin, mark, hashed in fresh:
            directory.add_pin(connection, pin.customer, hashed, mark, contact=pin.contact, at=now)
        return replace(seen, difference=change, dry_run=False)

    return database.write(write)


def decoded(raw: bytes, name: str) -> str:
    """A file's text. Spreadsheets of Western machines still save cp1252."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        if name.lower().endswith(".csv"):
            return raw.decode("cp1252", "replace")
        raise ConfigError(
            [f"{name}:{line}:1: a byte that is not UTF-8; a text in UTF-8; save the file as UTF-8"]
        ) from error


def in_words(done: Imported) -> Iterator[str]:
    """The difference for people, a line each."""
    change = done.difference
    for sign, names in (("+", change.added), ("~", change.changed), ("-", change.removed)):
        for name in names:
            yield f"{sign} {name}" + (f": {'; '.join(done.details[name])}" if name in done.details else "")
    if done.pins_added or done.pins_revoked:
        yield f"PINs: {done.pins_added} added, {done.pins_revoked} revoked"
    yield (
        f"{len(change.added)} added, {len(change.changed)} changed, {len(change.removed)} removed, {change.same} unchanged"
        + (" (dry run: nothing was done)" if done.dry_run else "")
    )


def pepper_of(settings: Settings, database: Database) -> bytes:
    """What PINs are hashed with: from the environment, else this database's own (`presa check` says so)."""
    return (settings.secrets.pepper or database.write(lambda connection: users.secret(connection, "pepper"))).encode()


def _seen(connection: Connection, people: Directory, keep: bool, new: int, gone: int) -> Imported:
    change = directory.difference(connection, people.customers, keep=keep)
    by_id = {customer.id: customer for customer in people.customers}
    details = {}
    for one in change.changed:
        before = directory.get(connection, one)
        if before is not None:
            details[one] = tuple(_changes(before, by_id[one])) or ("its kept form",)
    return Imported(change, details, new, gone, dry_run=True)


def _changes(before: Customer, after: Customer) -> Iterator[str]:
    """What is different, field by field; contacts one by one."""
    for one in fields(Customer):
        old, new = getattr(before, one.name), getattr(after, one.name)
        if old == new or one.name == "contacts":
            continue
        if isinstance(old, tuple) and all(isinstance(value, str) for value in (*old, *new)):
            yield f"{one.name}: {_sets(old, new)}"
        elif one.name in ("contract", "also"):
            yield f"{one.name} changed"
        else:
            yield f"{one.name}: {old or 'nothing'} -> {new or 'nothing'}"
    old_people, new_people = {c.id: c for c in before.contacts}, {c.id: c for c in after.contacts}
    yield from (f"contact {new_people[one].name}: added" for one in new_people if one not in old_people)
    yield from (f"contact {old_people[one].name}: removed" for one in old_people if one not in new_people)
    for one_id in old_people.keys() & new_people.keys():
        if old_people[one_id] != new_people[one_id]:
            yield f"contact {new_people[one_id].name}: changed"


def _sets(old: Sequence[str], new: Sequence[str]) -> str:
    return (
        ", ".join([*(f"+{one}" for one in new if one not in old), *(f"-{one}" for one in old if one not in new)])
        or "order"
    )
