"""PINs: issued and shown once, rotated, revoked, good for one call; nobody guesses them and nobody reads them."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import settings_of
from typer.testing import CliRunner

from gateway import app
from gateway.cli.commands import app as commands
from gateway.clock import MovedClock
from gateway.errors import Permanent
from gateway.people import importing, issuing, pins
from gateway.store import directory
from gateway.store.database import Database, open_database

SETTINGS = settings_of("test")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pins") / "like.db"
    opened = open_database(f"sqlite:///{path}")
    app.prepare(SETTINGS, opened)
    opened.close()
    return path


@pytest.fixture
def path(tmp_path: Path, prepared: Path) -> Path:
    shutil.copy(prepared, tmp_path / "pins.db")
    return tmp_path / "pins.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{path}")
    yield opened
    opened.close()


def right(database: Database, customer: str, digits: str) -> int | None:
    now = database.clock.now()
    known = database.read(lambda c: directory.pins_in_force(c, customer, now))
    return pins.which(digits, known, importing.pepper_of(SETTINGS, database))


def presa(path: Path, *words: str) -> str:
    done = CliRunner().invoke(commands, ["pin", *words, "--database", f"sqlite:///{path}"])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_pin_has_six_digits_or_more_and_is_kept_as_a_hash_only(database: Database, path: Path) -> None:
    issued = issuing.issue(SETTINGS, database, "BETA")
    assert re.fullmatch(r"[0-9]{6}", issued.digits)
    assert right(database, "BETA", issued.digits) == issued.id
    assert right(database, "ACME", issued.digits) is None
    database.close()
    assert issued.digits.encode() not in path.read_bytes()
    with pytest.raises(Permanent, match="6 to 12 digits, not 5"):
        issuing.issue(SETTINGS, database, "BETA", digits=5)


def test_no_pin_is_a_run_a_repetition_or_the_customers_code(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = iter("111111121212123456987654100001482915")
    monkeypatch.setattr(issuing.secrets, "choice", lambda _: next(wanted))
    customer = next(one for one in SETTINGS.people.customers if one.id == "ACME")
    assert issuing._fresh(6, customer) == "482915"


def test_a_rotated_pin_takes_the_place_of_its_owners_older_ones_only(database: Database) -> None:
    persons = issuing.issue(SETTINGS, database, "ACME", contact="ACME-mario")
    new = issuing.issue(SETTINGS, database, "ACME", instead=True)
    assert new.revoked == 1
    assert right(database, "ACME", "471108") is None
    assert right(database, "ACME", new.digits) == new.id
    assert right(database, "ACME", persons.digits) == persons.id


def test_a_revoked_pin_holds_no_longer_and_is_not_revoked_twice(database: Database) -> None:
    issued = issuing.issue(SETTINGS, database, "BETA")
    issuing.revoke(database, issued.id)
    assert right(database, "BETA", issued.digits) is None
    with pytest.raises(Permanent, match="no PIN"):
        issuing.revoke(database, issued.id)


def test_a_one_time_code_holds_for_one_call_within_a_quarter_of_an_hour(database: Database) -> None:
    clock = database.clock = MovedClock(database.clock.now())
    issued = issuing.issue(SETTINGS, database, "BETA", once=True)
    assert right(database, "BETA", issued.digits) == issued.id
    database.write(lambda c: directory.spend_pin(c, issued.id))
    assert right(database, "BETA", issued.digits) is None
    late = issuing.issue(SETTINGS, database, "BETA", once=True)
    clock.advance(timedelta(minutes=15, seconds=1).total_seconds())
    assert right(database, "BETA", late.digits) is None


def test_a_lasting_pin_is_not_spent_by_a_call(database: Database) -> None:
    issued = issuing.issue(SETTINGS, database, "BETA")
    database.write(lambda c: directory.spend_pin(c, issued.id))
    assert right(database, "BETA", issued.digits) == issued.id


def test_a_pin_for_nobody_is_refused_with_what_to_do(database: Database) -> None:
    with pytest.raises(Permanent, match="no customer NOBODY in the directory"):
        issuing.issue(SETTINGS, database, "NOBODY")
    with pytest.raises(Permanent, match="ACME has no contact X; its contacts are: ACME-mario"):
        issuing.issue(SETTINGS, database, "ACME", contact="X")


def test_the_command_shows_a_pin_once_and_lists_what_there_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESA_CONFIG", "desks/test")
    first = presa(path, "issue", "BETA")
    digits = re.search(r"PIN (\d+) of BETA \(contract\): ([0-9]{6})\n", first)
    assert digits is not None
    assert "not shown again" in first
    presa(path, "issue", "ACME", "--contact", "ACME-mario", "--digits", "8")
    assert "1 older PIN(s) revoked" in presa(path, "rotate", "BETA")
    presa(path, "issue", "BETA", "--once")
    listed: list[dict[str, Any]] = [json.loads(line) for line in presa(path, "list", "--json").splitlines()]
    assert [(one["customer"], one["contact"], one["state"], one["once"]) for one in listed] == [
        ("ACME", None, "holds", False), ("ACME", "ACME-mario", "holds", False),
        ("BETA", None, "revoked", False), ("BETA", None, "holds", False), ("BETA", None, "holds", True),
    ]  # fmt: skip
    last = listed[-1]["pin"]
    assert f"PIN {last} holds no longer" in presa(path, "revoke", str(last))
    assert digits[2] not in presa(path, "list")


def test_an_import_neither_revokes_nor_repeats_a_pin_that_was_issued(database: Database) -> None:
    issued = issuing.issue(SETTINGS, database, "ACME")
    again = importing.load(SETTINGS, database, SETTINGS.people)
    assert (again.pins_added, again.pins_revoked) == (0, 0)
    assert right(database, "ACME", issued.digits) == issued.id
    assert right(database, "ACME", "471108") is not None
