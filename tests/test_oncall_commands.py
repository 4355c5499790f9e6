"""`presa oncall` with a database: what it changes, what it says, and that it asks the same function as the pager."""

import json
import re
from pathlib import Path

import pytest
from databases import DESKS
from typer.testing import CliRunner, Result

from gateway import app as composition
from gateway.cli.commands import app
from gateway.settings import load
from gateway.store.database import open_database

AT = "2031-01-07T12:00:00+01:00"


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'presa.db'}"
    opened = open_database(url)
    composition.prepare(load(DESKS / "test", {}), opened)
    opened.close()
    return url


def run(database: str, *words: str) -> Result:
    return CliRunner().invoke(app, ["oncall", *words, "--config", str(DESKS / "test"), "--database", database])


def chain(database: str, at: str = AT) -> list[str]:
    told = json.loads(run(database, "chain", "--at", at, "--json").stdout)
    assert set(told) == {"desk", "at", "chain"}
    assert all(set(link) == {"person", "number", "source", "wait_seconds"} for link in told["chain"])
    return [f"{link['person']} {link['source']}" for link in told["chain"]]


def test_an_override_is_entered_listed_and_taken_back(database: str) -> None:
    before = chain(database)
    other = next(one for one in ("uno", "due", "tre") if not before[0].startswith(one))
    span = ("--from", "2031-01-07T09:00+01:00", "--to", "2031-01-07T18:00+01:00")
    assert run(database, "override", other, *span, "--reason", "a course").exit_code == 0
    assert chain(database)[0] == f"{other} override"
    (line,) = run(database, "list", "--json").stdout.splitlines()
    entered = json.loads(line)
    assert (entered["person"], entered["reason"], entered["kind"]) == (other, "a course", "override")
    assert entered["by"].endswith("command line)") or entered["by"] == "command line"
    assert "taken back" in run(database, "undo", str(entered["id"])).stdout
    assert chain(database) == before
    assert json.loads(run(database, "list", "--all", "--json").stdout)["revoked_by"] == entered["by"]


def test_two_shifts_are_swapped_by_an_instant_in_each(database: str) -> None:
    first, second = chain(database, AT)[0], chain(database, "2031-01-14T12:00:00+01:00")[0]
    assert run(database, "swap", AT, "2031-01-14T12:00:00+01:00", "--reason", "they agreed").exit_code == 0
    swapped = chain(database, AT)[0], chain(database, "2031-01-14T12:00:00+01:00")[0]
    assert [one.split()[0] for one in swapped] == [second.split()[0], first.split()[0]]


def test_gaps_name_what_an_absence_left_open_and_end_with_one(database: str) -> None:
    assert run(database, "gaps", "--at", "2031-01-01T00:00+01:00").exit_code == 0
    on_duty = chain(database)[0].split()[0]
    span = ("--from", "2031-01-07T09:00+01:00", "--to", "2031-01-07T18:00+01:00")
    run(database, "absence", on_duty, *span, "--reason", "holiday")
    found = run(database, "gaps", "--at", "2031-01-01T00:00+01:00", "--json")
    assert found.exit_code == 1
    told = json.loads(found.stdout)
    assert (told["kind"], told["person"], told["rota"]) == ("away", on_duty, "duty")


def test_a_secret_address_is_made_and_revoked(database: str) -> None:
    made = run(database, "link", "uno").stdout
    (number,) = re.findall(r"address (\d+): http\S+/oncall/feeds/[\w-]{40,}\.ics", made)
    assert "nobody reads under it" in run(database, "link", "--revoke", number).stdout
    assert run(database, "link", "--revoke", number).exit_code == 2


def test_the_card_is_written_to_a_file(database: str, tmp_path: Path) -> None:
    file = tmp_path / "presa.vcf"
    done = CliRunner().invoke(app, ["oncall", "vcf", str(file), "--config", str(DESKS / "test")])
    assert done.exit_code == 0
    assert b"TEL;TYPE=WORK,VOICE:+390200000000\r\n" in file.read_bytes()


def test_a_database_that_is_not_there_is_said_and_the_file_answers(tmp_path: Path) -> None:
    told = run(f"sqlite:///{tmp_path / 'none.db'}", "chain", "--at", AT)
    assert "there is no database" in told.stderr
    assert "(uno)" in told.stdout
    assert not (tmp_path / "none.db").exists()
