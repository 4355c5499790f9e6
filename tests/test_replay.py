"""`presa replay` says what a changed configuration would do to the mails that came, and does nothing."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from databases import DESKS, Stock, settings_of
from typer.testing import CliRunner
from world import World

from gateway import settings
from gateway.cli.commands import app
from gateway.mail import held
from gateway.mail.held import Choice
from gateway.settings import Settings
from gateway.upkeep.replay import Replay, Replayed


def replayed(world: World, changed: Settings | None = None) -> list[Replayed]:
    """Everything that would be different."""
    run = Replay(changed or world.rehearsal.settings, world.database, world.engine.secret)
    return [one for one in run.run() if one.changes or one.skipped]


def changes(one: Replayed) -> dict[str, tuple[object, object]]:
    return {change.what: (change.was, change.now) for change in one.changes}


def desk_at(tmp_path: Path, name: str, old: str, new: str) -> Settings:
    """The test desk with a line of one of its files changed."""
    home = tmp_path / "changed"
    shutil.copytree(DESKS / "test", home)
    path = home / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return settings.load(home, {})


def busy_day(world: World) -> None:
    """New tickets, answers by token and by reference, a stranger, a bounce, a repetition, held mails, a call, agents at work."""
    world.mail(subject="Urgente", text="È tutto bloccato, la produzione è ferma.", message_id="root@acme.example")
    world.advance(minutes=1)
    world.reply(world.letters()[0], "Ancora fermo.")
    world.mail("anna@acme.example", text="Confermo.", headers={"References": "<root@acme.example>"})
    world.mail("eva@stranger.example", "Domanda", "Come si fa?", proof=None)
    raw = world.written("mario@acme.example", "Due volte", "x", headers={})
    world.deliver(raw)
    world.deliver(raw)
    world.mail("mario@acme.example, eva@stranger.example", "Due", "x")
    phone = world.call()
    phone.presses("1")
    world.advance(seconds=5)
    phone.presses("0")
    world.advance(minutes=3)
    phone.hangs_up()
    giulia = world.agent()
    first = world.tickets()[0]
    giulia.does(first, "pause", reason="prova")
    world.advance(hours=1)
    giulia.does(first, "resume")
    giulia.does(first, "resolve", text="Fatto.")
    world.advance(days=20)
    world.mail(text="Di nuovo.", headers={"References": "<root@acme.example>"})  # too late: a ticket of its own


def test_the_same_configuration_changes_nothing(world: World) -> None:
    busy_day(world)
    before = world.rows()
    assert replayed(world) == []
    assert world.rows() == before


def test_what_people_changed_since_is_no_difference(world: World) -> None:
    world.mail()
    giulia = world.agent()
    page = giulia.form(world.ticket(), "priority", priority="P1", text="grave")
    giulia.sends(world.ticket(), "priority", page)
    queue = next(one for one in world.desk.queues if one != world.ticket().queue)
    giulia.does(world.ticket(), "escalate", to=queue, text="a voi")
    report = world.mail("mario@acme.example, eva@stranger.example", "Due", "x")
    assert report.outcome == "held"
    held.release(world.engine, world.ledger()[-1].id, Choice("onto", "Giulia", world.ticket().number))
    assert replayed(world) == []


def test_another_plan_shows_what_would_be_promised_and_to_whom(world: World, tmp_path: Path) -> None:
    world.mail()
    world.mail("eva@stranger.example", "Domanda", "Come?", proof=None)
    directory = (DESKS / "test" / "directory.yaml").read_text()
    plan = next(line for line in directory.splitlines() if "plan:" in line)
    other = next(one for one in world.desk.plans if one not in plan)
    changed = desk_at(
        tmp_path, "directory.yaml", plan, plan.split("plan:")[0] + f"plan: {other}" + (", " if "," in plan else "")
    )
    (one,) = replayed(world, changed)
    assert one.number == world.tickets()[0].number
    assert changes(one)["plan"] == (world.tickets()[0].plan, other)


def test_a_new_rule_shows_what_would_have_another_kind_priority_and_queue(world: World, tmp_path: Path) -> None:
    corrected = world.ticket(world.mail(subject="Centralino", text="Il centralino gracchia.").number)
    world.mail(subject="Fax", text="Il fax va male.")
    world.agent().does(corrected, "correct", kind="information")  # what a person corrected is compared as it was before
    rules = """rules:
  - {name: voice, when: {words: [centralino]}, then: {priority: P2, kind: fulfilment, queue: specialists}}
routes:
"""
    (one,) = replayed(world, desk_at(tmp_path, "desk.yaml", "routes:\n", rules))
    found = changes(one)
    assert one.number == corrected.number
    assert {what: found[what] for what in ("kind", "priority", "queue", "level")} == {
        "kind": ("incident", "fulfilment"), "priority": ("P3", "P2"), "queue": ("first-line", "specialists"), "level": ("L1", "L2"),
    }  # fmt: skip


def test_other_rules_of_relating_show_what_would_be_merged_and_what_would_not(world: World, tmp_path: Path) -> None:
    text = "La cassa 4129 del negozio di Milano non accetta pagamenti con carta."
    world.mail(subject="Cassa 4129", text=text)
    world.advance(minutes=20)
    world.mail(subject="Sollecito: Cassa 4129", text=f"{text} Ci sono novità?")
    world.advance(minutes=1)
    first, again = sorted(world.tickets(), key=lambda one: one.id)
    assert again.merged_into == first.id
    assert replayed(world) == []
    changed = desk_at(tmp_path, "desk.yaml", "precedence: plan\n", "precedence: plan\nrelating: {join: [same-alert]}\n")
    (one,) = replayed(world, changed)
    assert changes(one)["merged"] == (first.number, None)


def test_a_customer_who_is_no_longer_listed_is_not_recognised(world: World, tmp_path: Path) -> None:
    world.mail()
    changed = desk_at(tmp_path, "directory.yaml", "mario@acme.example", "mario.rossi@acme.example")
    found = replayed(world, changed)
    shown = [changes(one) for one in found]
    assert all("customer" in one or "outcome" not in one for one in shown)
    changed = replace(changed, people=replace(changed.people, customers=()))
    (one,) = replayed(world, changed)
    assert changes(one)["customer"] == ("ACME", None)
    assert changes(one)["verified"] == (True, False)


def test_an_address_that_is_now_ours_would_be_held(world: World) -> None:
    world.mail()
    ours = world.rehearsal.settings
    changed = replace(ours, recipients={**ours.recipients, "mario@acme.example": next(iter(ours.recipients.values()))})
    (one,) = replayed(world, changed)
    assert changes(one) == {"outcome": ("new", "held"), "reason": (None, "own-address")}


def test_a_raw_mail_that_is_gone_is_said_to_be_skipped(world: World) -> None:
    from gateway.store import erasure

    world.mail(message_id="root@acme.example")
    world.mail(text="Ancora.", headers={"References": "<root@acme.example>"})
    sha256 = world.ledger()[0].sha256
    assert sha256
    world.database.write(lambda c: erasure.drop_raws(c, {sha256}))
    (one,) = replayed(world)  # and the answer still finds its ticket
    assert "not kept" in one.skipped


def test_only_reports_since_an_instant_are_told_and_earlier_ones_give_the_context(world: World) -> None:
    world.mail(message_id="root@acme.example")
    world.advance(hours=2)
    since = world.now
    world.mail(text="Ancora.", headers={"References": "<root@acme.example>"})
    run = Replay(world.rehearsal.settings, world.database, world.engine.secret)
    (one,) = run.run(since)
    assert (one.row.outcome, one.changes) == ("append", ())


def test_the_command_prints_a_table_for_people_and_lines_for_programs(
    begin: Callable[..., World], stock: Stock, tmp_path: Path
) -> None:
    world = begin()
    world.mail()
    url = world.database.engine.url.render_as_string(hide_password=False)
    home = desk_at(tmp_path, "directory.yaml", "mario@acme.example", "mario.rossi@acme.example").home
    command = ["replay", "--database", url, "--config"]
    same = CliRunner().invoke(app, [*command, str(DESKS / "test")])
    assert same.stdout == "1 reports, 0 would be different, 0 could not be looked at again; nothing was changed\n"
    lines = CliRunner().invoke(app, [*command, str(home), "--json"]).stdout.splitlines()
    assert all({"report", "ticket", "changes"} <= json.loads(line).keys() for line in lines)


@pytest.fixture(autouse=True, scope="module")
def _desk_loads() -> None:
    assert settings_of("test").desks
