"""`presa page test`, `presa page report`, and what `presa check` says of telephones that were never tried."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from databases import DESKS
from typer.testing import CliRunner, Result

from gateway import app as composition
from gateway.cli.commands import app
from gateway.settings import load
from gateway.store import calls, jobs, tickets
from gateway.store import paging as store
from gateway.store.database import Database, open_database
from routing import oncall, paging
from routing.paging import Event

SATURDAY = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)  # three in the morning in Rome


@pytest.fixture
def url(tmp_path: Path) -> str:
    at = f"sqlite:///{tmp_path / 'presa.db'}"
    opened = open_database(at)
    composition.prepare(load(DESKS / "test", {}), opened)
    opened.close()
    return at


def run(url: str, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--config", str(DESKS / "test"), "--database", url])


def page(database: Database, at: datetime, *, accepted: bool) -> None:
    """A page of the test desk: the first does not wake, the second accepts after forty seconds, or nobody does."""
    desk = load(DESKS / "test", {}).desks["test"]
    assert desk.on_call is not None
    one = paging.Page("page1", "TS-1000-0012", at, oncall.chain(desk.on_call, at), urgent=True)
    policy = desk.on_call.policy
    for n, (what, code) in enumerate(
        (("ended", "no-answer"), ("accepted", None) if accepted else ("ended", "busy")), 1
    ):
        begins = at + timedelta(seconds=30 * (n - 1))
        one = paging.record(one, paging.next(one, policy, begins), begins)
        one = paging.heard(one, Event(f"page1-{n}", "placed", begins, provider_sid=f"CA{n}"))
        one = paging.heard(one, Event(f"page1-{n}", what, begins + timedelta(seconds=10), code=code))  # type: ignore[arg-type]
    state = paging.to_json(one if accepted else paging.record(one, paging.GiveUp("all rounds used up"), at))

    def write(connection: object) -> None:
        ticket = tickets.insert(connection, {  # type: ignore[arg-type]
            "desk": "test", "customer": None, "customer_name": None, "contact": None, "requester": None, "phone": None,
            "language": "it", "subject": "guasto", "channel": "event", "plan": None, "base_plan": None, "region": None,
            "kind": "incident", "priority": "P1", "queue": "to-look-at", "level": "L2", "state": "new", "verified": True,
            "via_on_call": True, "received_at": at, "opened_at": at, "linked": None, "next_due": None, "next_target": None,
            "clocks": {}, "evidence": [], "desk_version": None, "stage": None,
        })  # fmt: skip
        calls.keep_page(connection, calls.open_page(connection, ticket, at), state, open_=False)  # type: ignore[arg-type]

    database.write(write)


def report(url: str, *words: str) -> dict[str | None, dict[str, object]]:
    done = run(url, "page", "report", *words, "--json")
    assert done.exit_code == 0, done.output
    return {row["person"]: row for row in map(json.loads, done.stdout.splitlines())}


def test_a_month_of_pages_is_counted_by_person_and_together(url: str) -> None:
    database = open_database(url)
    page(database, SATURDAY, accepted=True)
    page(database, SATURDAY + timedelta(hours=10), accepted=False)
    page(database, SATURDAY + timedelta(days=5), accepted=True)  # in December
    database.close()
    told = report(url, "--month", "2026-11")
    everybody, first, second = told[None], told["due"], told["tre"]
    assert (everybody["pages"], everybody["rung"], everybody["accepted"], everybody["exhausted"]) == (2, 4, 1, 1)
    assert (everybody["nights"], everybody["weekends"], everybody["median_seconds"]) == (1, 2, 40.0)
    assert (first["slept"], first["accepted"], second["accepted"]) == (2, 0, 1)
    assert {row["month"] for row in told.values()} == {"2026-11"}
    assert report(url, "--month", "2026-12")[None]["pages"] == 1
    assert report(url, "--month", "2027-01")[None]["pages"] == 0
    plain = run(url, "page", "report", "--month", "2026-11").stdout
    assert "median 40 s" in plain
    assert "Dora Seconda" in plain


def test_a_month_that_is_none_is_refused_with_how_to_write_it(url: str) -> None:
    for nonsense in ("november", "2026-13", "2026"):
        done = run(url, "page", "report", "--month", nonsense)
        assert done.exit_code == 2
        assert "write it as 2026-11" in done.stderr


def test_a_test_page_is_put_down_for_somebody_known_by_id_or_name_and_for_nobody_else(url: str) -> None:
    for name in ("due", "dora seconda"):
        assert "until they have pressed 1" in run(url, "page", "test", name).stdout
    nobody = run(url, "page", "test", "carlo")
    assert (nobody.exit_code, "nobody of the on-call people (uno, due, tre)" in nobody.stderr) == (2, True)
    database = open_database(url)
    assert [job.kind for job in database.read(lambda c: list(jobs.every(c))) if job.kind == "drill"] == ["drill"] * 2
    database.close()


def test_check_names_who_never_accepted_a_test_page_and_forgets_who_did(url: str) -> None:
    """CASES phone 27."""

    def named() -> str:
        (line,) = [one for one in run(url, "check", "--offline").output.splitlines() if "never accepted" in one]
        return line

    assert "Ugo Primo, Dora Seconda, Teo Terzo" in named()
    database = open_database(url)

    def accept(connection: object) -> None:
        made = store.open_drill(connection, "test", "due", SATURDAY)  # type: ignore[arg-type]
        store.keep_drill(connection, made, accepted_at=SATURDAY, open=False)  # type: ignore[arg-type]

    database.write(accept)
    database.close()
    assert "Ugo Primo, Teo Terzo;" in named()
    assert "run 'presa page test uno'" in named()
