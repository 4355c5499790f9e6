"""A restricted (in-country) customer's tickets are seen by the teams that may serve it, and by nobody else: in no list, no
suggestion, no fault, no file, by no guessed address of a page."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from databases import Stock
from typer.testing import CliRunner
from world import World

from gateway.cli.commands import app as commands
from gateway.people.seeing import sight_of
from gateway.store import directory, faults, tables, traces
from gateway.upkeep import checks
from routing.desk import Worker
from routing.tickets import Ticket

INSIDE = Worker("ines", "Ines Neri", frozenset(("specialists",)))
OUTSIDE = Worker("otto", "Otto Gelb", frozenset(("first-line",)))
SUBJECT, TEXT = "Impianto riservato", "Sul sistema srv-gov-07 la VPN è ferma, errore 809, nessuno si collega."


@pytest.fixture
def world(stock: Stock, kind: str) -> Iterator[World]:
    """GAMMA may be served by the specialists alone; ACME and BETA by everybody."""
    with stock.fresh(kind, "test") as url:
        opened = World.open(url, "test", "2026-11-25 10:00")
        desk = opened.engine.settings.desks["test"]
        queues = {**desk.queues, "specialists": replace(desk.queues["specialists"], restricted=True)}
        staff = {one.id: one for one in (INSIDE, OUTSIDE)}
        opened.engine.settings.desks["test"] = replace(desk, queues=queues, staff=staff)  # type: ignore[index]

        def restrict(connection: sa.Connection) -> None:
            gamma = directory.get(connection, "GAMMA")
            assert gamma is not None
            directory.replace(connection, [replace(gamma, restrictions=("in-country",))], keep=True)

        opened.database.write(restrict)
        yield opened
        opened.close()


@pytest.fixture
def secret(world: World) -> Ticket:
    return world.ticket(world.mail("ugo@gamma.example", SUBJECT, TEXT).number)


PAGES = ("/", "/?state=all", "/?q=Impianto+riservato", "/?customer=GAMMA&state=all", "/ledger", "/alarms", "/outbox", "/calls", "/faults",
         "/callbacks", "/customers/GAMMA")  # fmt: skip


def test_no_list_shows_it_to_who_may_not_serve_the_customer(world: World, secret: Ticket) -> None:
    world.engine.database.write(
        lambda c: c.execute(
            sa.insert(tables.alarms).values(at=world.now, kind="breach", words=SUBJECT, ticket_id=secret.id)
        )
    )
    for login, may in (("otto", False), ("nobody-listed", False), ("ines", True)):
        pages = [world.agent(login).sees(page) for page in PAGES if page != "/outbox"]
        assert any(SUBJECT in page for page in pages) is may, login
        assert any(secret.number in page for page in pages) is may, login
    assert SUBJECT in world.agent("ada", "admin").sees("/")


def test_no_page_file_or_form_of_it_answers_who_may_not_serve_the_customer(world: World, secret: Ticket) -> None:
    otto = world.agent("otto")
    report = world.ledger()[0].id
    entry = (
        world.read(lambda c: c.execute(sa.select(tables.entries.c.id).where(tables.entries.c.ticket_id == secret.id)))
        .scalars()
        .first()
    )
    for path in (f"/tickets/{secret.number}", f"/tickets/{secret.number}/letters/{entry}/raw", f"/tickets/{secret.number}/letters/{entry}/html",
                 f"/tickets/{secret.number.replace('-', '')}", f"/held/{report}", f"/held/{report}/raw"):  # fmt: skip
        page = otto.client.get(path)
        assert page.status_code == 404, path
        assert TEXT not in page.text
    own = world.ticket(world.mail(subject="Stampante", text="La stampante fa rumore.").number)
    form = otto.form(own, None, text="letto")
    for action in ("take", "note", "related/merge"):
        assert otto.client.post(f"/tickets/{secret.number}/{action}", data=form).status_code == 404
    assert world.ticket(secret.number).version == secret.version
    assert TEXT in world.agent("ines").sees(f"/tickets/{secret.number}")


def test_a_repetition_of_it_becomes_no_ticket_by_who_may_not_serve_the_customer(world: World) -> None:
    """One click in the ledger makes a mail that came again a ticket of its own."""
    raw = world.written("ugo@gamma.example", SUBJECT, TEXT, proof="pass", to=None, headers={}, message_id=None)
    for _ in range(2):
        world.deliver(raw, envelope_from="ugo@gamma.example")
        world.advance(minutes=10)
    again = world.ledger()[-1]
    assert again.outcome == "duplicate"
    own = world.ticket(world.mail(subject="Stampante", text="La stampante fa rumore.").number)
    for login, answer, tickets in (("otto", 404, 2), ("ines", 303, 3)):
        agent = world.agent(login)
        form = agent.form(own, None)
        assert agent.client.post(f"/ledger/{again.id}/own", data=form, follow_redirects=False).status_code == answer
        assert len(world.tickets()) == tickets


def test_a_suggestion_of_it_is_shown_only_to_who_may_see_both(world: World, secret: Ticket) -> None:
    """The ticket beside it was moved out of sight, or in."""
    other = world.ticket(world.mail(subject="VPN", text="La VPN di Torino è ferma, errore 809.").number)
    world.database.write(lambda c: traces.suggest(c, other.id, [traces.Suggestion(secret.id, ("same code: 809",))]))
    assert secret.number not in world.agent("otto").sees(f"/tickets/{other.number}")
    assert secret.number in world.agent("ines").sees(f"/tickets/{other.number}")


def test_nobody_learns_of_it_by_trying_to_merge_into_it(world: World, secret: Ticket) -> None:
    other = world.ticket(world.mail(subject="VPN", text="La VPN di Torino è ferma, errore 809.").number)
    answer = world.agent("otto").tries(other, "related/merge", number=secret.number)
    assert answer.status_code == 409
    assert "there is no ticket" in answer.text
    assert "GAMMA" not in answer.text


def test_a_fault_shows_its_children_to_who_may_see_them_and_links_all_of_them(world: World, secret: Ticket) -> None:
    for sender in ("mario@acme.example", "luigi.beta@gmail.com"):
        world.advance(minutes=5)
        world.mail(sender, "VPN ferma", "La VPN va in timeout, tunnel giù, errore 809.")
    world.advance(minutes=1)
    (fault,) = world.read(lambda c: faults.latest(c, 5))
    lead = world.agent("lara", "supervisor")
    assert secret.number not in lead.sees("/faults")
    lead.sends_to(f"/faults/{fault.id}/confirm")
    parent = max(world.tickets(), key=lambda one: one.id)
    assert world.ticket(secret.number).parent == parent.id
    assert SUBJECT not in lead.sees(f"/tickets/{parent.number}")
    assert SUBJECT in world.agent("ines").sees(f"/tickets/{parent.number}")


def test_an_alarm_about_it_is_neither_counted_nor_put_away_by_who_may_not_see_it(world: World, secret: Ticket) -> None:
    for about in (secret.id, None):
        world.engine.database.write(
            lambda c, about=about: c.execute(
                sa.insert(tables.alarms).values(at=world.now, kind="note", words="a word", ticket_id=about)
            )
        )
    otto = world.agent("otto")
    last = world.read(lambda c: c.execute(sa.select(sa.func.max(tables.alarms.c.id)))).scalar_one()
    form = otto.form(world.ticket(world.mail(subject="Fax", text="Il fax non va.").number), None)
    otto.client.post("/alarms/seen", data={**form, "alarm": str(last), "older": "1"}, follow_redirects=False)
    seen = (
        world.read(lambda c: c.execute(sa.select(tables.alarms.c.ticket_id).where(tables.alarms.c.seen_by.isnot(None))))
        .scalars()
        .all()
    )
    assert list(seen) == [None]


def test_a_ticket_stays_restricted_wherever_it_is_put(world: World) -> None:
    ticket = world.ticket(world.mail(subject="Fax", text="Il fax non va.").number)
    world.agent("ines").does(ticket, "escalate", to="specialists", text="solo per noi")
    assert world.ticket(ticket.number).restricted
    assert world.agent("otto").client.get(f"/tickets/{ticket.number}").status_code == 404


def test_a_report_that_is_found_to_be_a_restricted_customers_is_hidden_from_then_on(world: World) -> None:
    ticket = world.ticket(world.mail("ugo@private.example", "Fax", "Il fax non va.").number)
    assert not ticket.restricted
    world.agent("otto").does(ticket, "assign", customer="GAMMA")
    assert world.ticket(ticket.number).restricted
    assert world.agent("otto").client.get(f"/tickets/{ticket.number}").status_code == 404


def test_whom_the_desk_does_not_list_is_of_no_team_and_an_administrator_sees_everything(world: World) -> None:
    settings = world.engine.settings
    assert sight_of(settings, "ada", "admin").everything
    for role in ("supervisor", "agent", "on-call", "viewer"):
        assert sight_of(settings, "somebody", role).places == frozenset()
    assert ("test", "first-line") in sight_of(settings, "ines", "agent").places
    assert sight_of(settings, "otto", "agent").places == frozenset()


def test_the_check_names_restricted_customers_whom_nobody_of_the_desk_may_serve(world: World) -> None:
    settings = world.engine.settings
    gamma = next(one for one in settings.people.customers if one.id == "GAMMA")
    people = replace(settings.people, customers=(replace(gamma, restrictions=("in-country",)),))
    for staff, said in ((settings.desks["test"].staff, False), ({}, True)):
        desks = {"test": replace(settings.desks["test"], staff=staff)}
        found = checks.check_all(replace(settings, people=people, desks=desks), None, offline=True)
        assert any("GAMMA: only administrators see" in one.words for one in found) is said


def test_commands_are_whoever_runs_presas_and_show_everything(world: World, secret: Ticket) -> None:
    """They have the database's own password: hiding a row from them would hide nothing."""
    url = world.database.engine.url.render_as_string(hide_password=False)
    said = CliRunner().invoke(commands, ["tickets", "--json", "--config", "desks/test", "--database", url])
    assert secret.number in said.output


def test_the_api_takes_reports_in_and_shows_no_ticket(world: World) -> None:
    """Nothing of a stored ticket is behind a token of a program: its doors take, and say who is on duty."""
    described = world.rehearsal.client.get("/in/openapi.json").json()
    assert {path for path, ways in described["paths"].items() if "get" in ways} <= {"/oncall"}
