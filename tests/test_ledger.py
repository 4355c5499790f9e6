"""The ledger balances: what a door promised is there, and what is not there alarms."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import DESKS, Stock, settings_of
from typer.testing import CliRunner
from world import World

from gateway.cli import sheets
from gateway.cli.commands import app
from gateway.mail import promises
from gateway.mail.promises import Promises
from gateway.store import mailboxes, tables, tallies
from gateway.store.database import open_database
from gateway.store.mailboxes import Listed, Place
from gateway.upkeep import checks


def kinds(world: World) -> list[str]:
    return world.alarm_kinds()


def keys(world: World) -> list[str]:
    query = sa.select(tables.reports.c.key).where(tables.reports.c.key.isnot(None))
    return world.read(lambda c: list(c.execute(query).scalars()))  # type: ignore[no-any-return]


def test_promises_that_are_in_the_ledger_are_counted_by_door_and_day(world: World) -> None:
    book = Promises(world.database)
    world.mail()
    world.mail(subject="Altra")
    book.note("smtp", *keys(world))
    book.note("smtp", keys(world)[0])  # delivered again, promised again
    book.note("imap", keys(world)[1])
    assert book.look() == 0
    assert book.look() == 0
    since = world.read(tallies.since, "2026-11-25")
    assert [(one.door, one.day, one.promised, one.missing) for one in since] == [
        ("imap", "2026-11-25", 1, 0),
        ("smtp", "2026-11-25", 3, 0),
    ]
    assert kinds(world) == []


def test_a_promise_that_the_ledger_does_not_have_alarms_and_fails_the_check(world: World) -> None:
    """CASES mail 6: a gap is not possible, and if it were somebody would know within seconds."""
    book = Promises(world.database)
    world.mail()
    book.note("smtp", keys(world)[0], "a key of a mail that was lost")
    assert book.look() == 1
    assert [alarm.words for alarm in world.alarms()] == [
        "1 mails that the door smtp promised are not in the ledger; look at its log and its sender's"
    ]
    found = world.read(promises.gaps, world.now)
    assert found == ("1 of 2 promises of the door smtp on 2026-11-25",)


def test_a_mail_that_a_mailbox_listed_and_that_has_no_outcome_is_a_gap(world: World) -> None:
    place, found = Place("support", 1), [Listed(7, world.now, 1)]
    world.database.write(lambda c: mailboxes.list_new(c, place, found, world.now))
    assert world.read(promises.gaps, world.now) == ()
    world.advance(hours=7)
    assert world.read(promises.gaps, world.now) == (
        "1 mails that the mailbox support listed long ago without an outcome",
    )
    assert "ledger-gap" in kinds(world)


def test_a_database_that_is_away_forgets_no_promise(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.errors import Temporary

    book = Promises(world.database)
    world.mail()
    book.note("smtp", keys(world)[0])
    with monkeypatch.context() as away:
        away.setattr(world.database, "read", lambda _fn: (_ for _ in ()).throw(Temporary("away")))
        with pytest.raises(Temporary):
            book.look()
    assert book.look() == 0
    assert world.read(promises.promised, world.now)["smtp"] == 1


def test_a_ticket_without_its_report_alarms_once_and_fails_the_check(stock: Stock, kind: str) -> None:
    with stock.fresh(kind, "test") as url:
        world = World.open(url, "test", "2026-11-25 10:00")
        world.mail()
        world.advance(hours=7)
        assert "ledger-gap" not in kinds(world)
        world.database.write(lambda c: c.execute(sa.delete(tables.reports)))
        world.advance(hours=30)
        assert kinds(world).count("ledger-gap") == 1
        found = checks.check_all(settings_of("test"), url, offline=True)
        (ledger,) = [one for one in found if one.what == "ledger"]
        assert (ledger.level, "1 tickets without a report" in ledger.words) == ("wrong", True)
        world.rehearsal.close()


def test_jobs_that_come_back_are_there_once_and_a_clock_set_back_does_not_stop_them(world: World) -> None:
    from gateway import app as composition
    from gateway.store import jobs

    def coming() -> list[tuple[str, datetime]]:
        query = sa.select(tables.jobs.c.kind, tables.jobs.c.run_at).where(tables.jobs.c.kind.in_(jobs.COMING_BACK))
        return world.read(lambda c: [tuple(row) for row in c.execute(query)])  # type: ignore[no-any-return]

    assert sorted(name for name, _ in coming()) == sorted(jobs.COMING_BACK)
    far = datetime(2031, 1, 1, tzinfo=UTC)
    world.database.write(lambda c: c.execute(sa.update(tables.jobs).values(run_at=far)))
    composition.prepare(world.rehearsal.settings, world.database)
    assert sorted(name for name, _ in coming()) == sorted(jobs.COMING_BACK)
    assert all(at <= world.now for _, at in coming())


def test_the_csv_of_the_ledger_opens_as_text_whatever_a_sender_wrote(
    begin: Callable[..., World], tmp_path: Path
) -> None:
    """CASES C6: a cell that a spreadsheet would run begins with an apostrophe."""
    world = begin()
    world.mail(envelope_from="=HYPERLINK(1)@x.example", message_id="+1@x.example")
    world.mail(envelope_from="@SUM(A1)", message_id="-2@x.example")
    url = world.database.engine.url.render_as_string(hide_password=False)
    done = CliRunner().invoke(app, ["ledger", "--csv", "--config", str(DESKS / "test"), "--database", url])
    head, first, second = done.stdout.splitlines()
    assert head.startswith("id,at,door,peer,message_id,envelope_from")
    assert ",'+1@x.example,'=HYPERLINK(1)@x.example," in first
    assert ",'-2@x.example,'@SUM(A1)," in second


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t=", "\r=", "\n="])
def test_a_cell_that_would_be_run_is_text(begins: str) -> None:
    """CASES C6."""
    assert sheets.cell(f"{begins}1+1") == f"'{begins}1+1"
    assert (sheets.cell("1+1"), sheets.cell(None), sheets.cell(["a", "=b"])) == ("1+1", "", "a =b")


@pytest.mark.parametrize("kind", ["sqlite"])
def test_equal_mails_are_kept_once_and_small(stock: Stock, kind: str) -> None:
    with stock.fresh(kind, "test") as url:
        world = World.open(url, "test", "2026-11-25 10:00")
        raw = world.written("mario@acme.example", "Grande", "x", headers={}) + b"y" * 78 * 1000
        world.deliver(raw)
        world.deliver(b"Received: again\r\n" + raw)
        opened = open_database(url)
        rows = opened.read(lambda c: c.execute(sa.select(tables.raws.c.size, tables.raws.c.body)).all())
        opened.close()
        assert [row.size for row in rows] == [len(raw)]
        assert len(rows[0].body) < len(raw) / 20
        world.close()
