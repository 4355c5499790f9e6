"""Alarms: counted on every page until somebody has seen them, named by `presa check`, logged once they are stored.

And the dead jobs behind some of them: listed, and run again.
"""

import json
import re
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from typer.testing import CliRunner
from world import Agent, World

from gateway.cli.commands import app
from gateway.store import alarms, jobs, tables, tickets
from gateway.store import database as databases
from gateway.upkeep import checks
from gateway.web import phrases


def ring(world: World, kind: str = "breach", words: str = "look", ticket_id: int | None = None) -> int:
    """An alarm; its id."""

    def write(connection: Connection) -> int:
        jobs.alarm(connection, world.now, kind, words, ticket_id)
        return int(connection.execute(sa.select(sa.func.max(tables.alarms.c.id))).scalar_one())

    return world.database.write(write)


def counted(agent: Agent, path: str = "/") -> int:
    """What the bell at the top says."""
    (bell,) = re.findall(r'<a class="bell.*?</a>', agent.client.get(path).text, re.DOTALL)
    found = re.search(r"<b>(\d+)</b>", bell)
    assert (" loud" in bell) == (found is not None)
    return int(found[1]) if found else 0


def see(agent: Agent, alarm: int | str, **fields: str) -> Any:
    """Sends the page's form; the answer."""
    csrf = re.search(r'name="csrf" value="([\w-]+)"', agent.client.get("/alarms").text)
    assert csrf
    form = {"csrf": csrf[1], "alarm": str(alarm), **fields}
    return agent.client.post("/alarms/seen", data=form, follow_redirects=False)


def seen_by(world: World) -> list[str | None]:
    """Who has seen each alarm, oldest first."""
    return [one.seen_by for one in reversed(world.read(alarms.latest, 1000))]


def rows(agent: Agent, query: str = "") -> list[str]:
    """The page of alarms, each as one line of words without times."""
    found = re.findall(r'<tr id="alarm-.*?</tr>', agent.client.get(f"/alarms{query}").text, re.DOTALL)
    return [" ".join(re.sub(r"<time.*?</time>|<[^>]+>", " ", one, flags=re.DOTALL).split()) for one in found]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The lines that are logged after commits."""
    lines: list[tuple[str, dict[str, Any]]] = []

    class Log:
        def warning(self, event: str, **facts: Any) -> None:
            lines.append((event, facts))

    monkeypatch.setattr(databases, "log", Log())
    return lines


# In the console -------------------------------------------------------------------------------------------------


def test_an_alarm_is_counted_on_every_page_until_somebody_has_seen_it(world: World) -> None:
    number = world.mail().number or ""
    giulia = world.agent()
    pages = ("/", f"/tickets/{number}", "/calls", "/oncall", "/ledger", "/alarms", "/tickets/none")
    assert [counted(giulia, path) for path in pages] == [0] * 7
    one = ring(world, ticket_id=world.ticket().id)
    ring(world, "page-exhausted")
    assert [counted(giulia, path) for path in pages] == [2] * 7
    assert see(giulia, one).status_code == 303
    assert counted(giulia) == 1
    assert seen_by(world) == ["Giulia", None]


def test_a_missed_deadline_leads_from_the_bell_to_its_ticket(world: World) -> None:
    number = world.mail().number or ""
    world.advance(days=3)
    giulia = world.agent()
    assert counted(giulia) == len(world.alarms()) > 0
    shown = [row for row in rows(giulia) if "A deadline was missed" in row]
    assert shown[0].startswith(f"A deadline was missed {number} Take charge")
    assert shown[0].endswith("Mark as seen")
    assert f'href="/tickets/{number}"' in giulia.client.get("/alarms").text
    world.database.write(lambda c: c.execute(sa.update(tables.users).values(language="it")))
    assert any(row.startswith(f"Scadenza mancata {number}") for row in rows(giulia))


def test_the_newest_alarm_comes_first_and_the_unseen_can_be_had_alone(world: World) -> None:
    giulia = world.agent()
    first = ring(world, words="first")
    ring(world, "page-exhausted", "second")
    see(giulia, first)
    assert [row.rpartition(" second")[1] or "first" for row in rows(giulia)] == [" second", "first"]
    assert rows(giulia)[1].endswith("Giulia")
    (only,) = rows(giulia, "?show=unseen")
    assert "second" in only


def test_what_came_after_the_page_was_drawn_stays_unseen(world: World) -> None:
    giulia = world.agent()
    ring(world)
    newest = ring(world)
    ring(world, words="came meanwhile")
    see(giulia, newest, older="1")
    assert seen_by(world) == ["Giulia", "Giulia", None]


def test_who_saw_it_first_stays_and_the_same_form_again_changes_nothing(world: World) -> None:
    one = ring(world)
    giulia = world.agent()
    see(giulia, one)
    (before,) = world.read(alarms.latest, 10)
    world.advance(minutes=5)
    assert see(giulia, one).status_code == 303
    marco = world.agent("marco")
    assert see(marco, one, older="1").status_code == 303
    assert world.read(alarms.latest, 10) == (before,)


def test_who_may_only_look_sees_the_alarms_and_marks_none(world: World) -> None:
    one = ring(world, words="the house burns")
    ada = world.agent("ada", role="read-only")
    assert counted(ada) == 1
    page = ada.client.get("/alarms").text
    assert "the house burns" in page
    assert 'action="/alarms/seen"' not in page
    assert see(ada, one).status_code == 403
    assert seen_by(world) == [None]


def test_a_form_that_is_not_ours_or_names_no_alarm_marks_nothing(world: World) -> None:
    one = ring(world)
    giulia = world.agent()
    assert see(giulia, one, csrf="0" * 64).status_code == 403
    for alarm in ("", "-1", "1 or 1", "9" * 30):
        assert see(giulia, alarm).status_code == 404
    assert see(giulia, 10**17).status_code == 303
    assert seen_by(world) == [None]


def test_marking_leads_back_to_where_one_was_and_nowhere_else(world: World) -> None:
    one = ring(world)
    giulia = world.agent()
    back = see(giulia, one, show="unseen", **{"from": "100"}).headers["location"]
    assert back == f"/alarms?show=unseen&from=100#alarm-{one}"
    odd = see(giulia, one, show="//evil.example", **{"from": "//x"}).headers["location"]
    assert odd.startswith("/alarms?show=%2F%2Fevil.example#")


def test_a_hundred_and_more_alarms_are_turned_over_page_by_page(world: World) -> None:
    giulia = world.agent()
    world.database.write(lambda c: [jobs.alarm(c, world.now, "breach", f"number {n}") for n in range(130)])
    first = giulia.client.get("/alarms").text
    assert (first.count('id="alarm-'), 'href="/alarms?from=100"' in first) == (100, True)
    second = giulia.client.get("/alarms?from=100").text
    assert second.count('id="alarm-') == 30
    assert "Mark all as seen" in first
    assert "Mark all as seen" not in second


def test_what_strangers_wrote_into_an_alarm_does_nothing_on_the_page(world: World) -> None:
    ring(world, "<b>kind</b>", "<script>alert(1)</script>")
    page = world.agent().client.get("/alarms").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_open_page_is_told_of_an_alarm_and_of_its_being_seen(world: World) -> None:
    giulia = world.agent()
    changes = [world.read(tickets.last_change)]
    one = ring(world)
    changes.append(world.read(tickets.last_change))
    see(giulia, one)
    changes.append(world.read(tickets.last_change))
    world.advance(seconds=1)
    see(giulia, ring(world))
    changes.append(world.read(tickets.last_change))
    assert changes == sorted(set(changes))
    part = giulia.client.get("/calls", headers={"HX-Request": "true"}).text
    assert re.search(r'<a class="bell" href="/alarms" id="alarms" hx-swap-oob="true"', part)


def test_every_kind_of_alarm_has_words_for_people() -> None:
    assert alarms.GRAVE | checks.TO_DO.keys() <= phrases.ALARMS.keys()


# `presa check` and `presa jobs` -----------------------------------------------------------------------------------


def presa(world: World, *arguments: str) -> tuple[int, str]:
    url = world.database.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    done = CliRunner().invoke(app, [*arguments, "--config", "desks/test", "--database", url])
    return done.exit_code, done.output


def found(world: World) -> list[tuple[str, str, str]]:
    return [
        (one.level, one.what, one.words)
        for one in checks._balance(world.database, world.now)
        if one.what.startswith(("alarm", "jobs"))
    ]


def bury(world: World, why: str = "the smart host does not answer") -> jobs.Job:
    """A dead job of the only ticket."""

    def write(connection: Connection) -> jobs.Job:
        jobs.add(connection, "work", world.now, {}, world.ticket().id)
        (job,) = jobs.claim(connection, world.now, 1, checks.OVERDUE, ["work"])
        jobs.bury(connection, job, world.now, why)
        return job

    return world.database.write(write)


def test_unseen_alarms_are_a_note_and_grave_ones_are_wrong_until_they_are_seen(world: World) -> None:
    assert found(world) == []
    ring(world, "bounce")
    ring(world, "bounce")
    last = ring(world, "page-exhausted")
    bounce, page = found(world)
    assert bounce[:2] == ("note", "alarm bounce")
    assert bounce[2].startswith("2 unseen since 2026-11-25 09:00 UTC: call the customer or correct the address")
    assert page[:2] == ("wrong", "alarm page-exhausted")
    assert "ring an engineer by hand" in page[2]
    see(world.agent(), last, older="1")
    assert found(world) == []


def test_a_dead_job_is_named_with_how_to_run_it_again_and_runs_again(world: World) -> None:
    world.mail()
    world.advance()
    job = bury(world)
    assert [one[:2] for one in found(world)] == [("wrong", "jobs"), ("wrong", "alarm dead-job")]
    assert f"presa jobs --revive {job.id}" in found(world)[0][2]
    code, said = presa(world, "jobs", "--json")
    listed = [json.loads(line) for line in said.splitlines()]
    assert code == 0
    assert listed[0] == {
        "id": job.id, "kind": "work", "state": "dead", "run_at": None, "attempts": 1,
        "ticket": world.ticket().number, "error": "the smart host does not answer",
    }  # fmt: skip
    assert {one["state"] for one in listed[1:]} == {"waiting"}
    assert presa(world, "jobs", "--revive", str(job.id)) == (0, f"job {job.id} runs again now\n")
    (again,) = world.database.write(lambda c: jobs.claim(c, world.now, 9, checks.OVERDUE, ["work"]))
    assert (again.id, again.attempts) == (job.id, 1)


def test_only_a_dead_job_can_be_run_again(world: World) -> None:
    world.mail()
    job = bury(world)
    assert presa(world, "jobs", "--revive", str(job.id))[0] == 0
    for one in (job.id, 10**9):
        code, said = presa(world, "jobs", "--revive", str(one))
        assert code == 2
        assert f"no dead job {one}" in said


# In the log -----------------------------------------------------------------------------------------------------


def test_an_alarm_is_logged_with_its_kind_and_its_tickets_digits_and_nothing_else(
    world: World, logged: list[tuple[str, dict[str, Any]]]
) -> None:
    world.mail(subject="Segreto", text="la password è pera")
    world.advance(days=3)
    digits = re.sub(r"\D", "", world.ticket().number)
    assert logged == [("alarm", {"kind": kind, "ticket": digits}) for kind in world.alarm_kinds()]
    ring(world, "dead-job")
    assert logged[-1] == ("alarm", {"kind": "dead-job", "ticket": None})


def test_an_alarm_is_logged_after_its_commit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[int] = []

    class Log:
        def warning(self, event: str, **_: Any) -> None:
            stored.append(world.read(alarms.unseen))

    monkeypatch.setattr(databases, "log", Log())
    ring(world)
    world.database.write(lambda connection: None)
    assert stored == [1]


def test_an_alarm_that_was_taken_back_is_not_logged(world: World, logged: list[tuple[str, dict[str, Any]]]) -> None:
    def fails(connection: Connection) -> None:
        jobs.alarm(connection, world.now, "breach", "must not stay")
        raise ValueError("a fault in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        world.database.write(fails)
    ring(world, "bounce")
    world.database.write(lambda connection: None)
    assert [facts["kind"] for _, facts in logged] == ["bounce"]


def test_a_log_that_cannot_be_written_does_not_make_a_stored_alarm_fail(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def warning(self, event: str, **_: Any) -> None:
            raise OSError("no space left on the device")

    monkeypatch.setattr(databases, "log", Full())
    ring(world)
    ring(world)
    assert len(world.alarms()) == 2
