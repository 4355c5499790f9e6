"""A report finds its kind, its place and the right hands; a person corrects it with one click; nothing is lost between queues."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection
from world import World

import parsers
from gateway.store import api_tokens, directory, tickets
from identity.people import Product
from routing.desk import Allowance, Desk, EscalationStep, Route, Worker

ANNA = Worker("anna", "Anna Valli", frozenset(("first-line",)), languages=frozenset(("it",)), substitute="bruno")
BRUNO = Worker("bruno", "Bruno Serra", frozenset(("first-line",)), languages=frozenset(("it", "en")))
CARLA = Worker("carla", "Carla Monti", frozenset(("specialists",)))


@pytest.fixture
def staff(world: World) -> World:
    """The test desk with three people: the first line by load, the specialists by turn."""
    desk = world.engine.settings.desks["test"]
    queues = {**desk.queues, "first-line": replace(desk.queues["first-line"], assign="least-loaded")}
    queues["specialists"] = replace(desk.queues["specialists"], assign="round-robin")
    people = {one.id: one for one in (ANNA, BRUNO, CARLA)}
    changed(world, replace(desk, queues=queues, staff=people, asks={"incident": ("example", "steps")}))
    return world


def changed(world: World, desk: Desk) -> None:
    """The desk is configured otherwise from now on."""
    world.engine.settings.desks["test"] = desk  # type: ignore[index]


def test_tickets_go_to_whoever_has_the_fewest_and_each_says_why(staff: World) -> None:
    first, second = staff.mail(subject="Fax"), staff.mail(subject="Scanner", text="Lo scanner fa le righe.")
    assert staff.ticket(first.number).assignee == "Anna Valli"
    assert staff.ticket(second.number).assignee == "Bruno Serra"
    assert "assigned: Bruno Serra, who has 0 open tickets" in " ".join(
        staff.story(staff.ticket(second.number), "state")
    )
    assert staff.ticket(first.number).state == "new"  # in somebody's hands is not yet taken in charge
    assert staff.alarms() == []


def test_whoever_is_away_gets_none_and_when_nobody_is_there_an_alarm_says_so(staff: World) -> None:
    anna = staff.agent("anna")
    assert "Anna Valli" in anna.sees("/staff")
    anna.sends_to("/staff/anna/away")
    assert staff.ticket(staff.mail().number).assignee == "Bruno Serra"
    staff.agent("lara", "supervisor").sends_to("/staff/bruno/away")
    done = staff.mail(subject="Scanner", text="Lo scanner fa le righe.")
    assert staff.ticket(done.number).assignee is None
    assert staff.ticket(done.number).queue == "first-line"
    assert staff.alarm_kinds() == ["nobody-fits"]
    anna.sends_to("/staff/anna/back")
    assert staff.ticket(staff.mail(subject="Rete", text="La rete fa le bizze.").number).assignee == "Anna Valli"


def test_nobody_says_of_others_that_they_are_away_unless_they_lead_the_desk(staff: World) -> None:
    anna = staff.agent("anna")
    with pytest.raises(AssertionError):
        anna.sends_to("/staff/bruno/away")
    assert "away" not in anna.sees("/staff").split("Bruno Serra")[1].split("</tr>")[0]


def test_an_escalation_goes_to_the_next_teams_people_and_keeps_its_history(staff: World) -> None:
    ticket = staff.ticket(staff.mail().number)
    staff.agent().does(ticket, "escalate", to="specialists", text="serve il firmware")
    now = staff.ticket(ticket.number)
    assert (now.queue, now.level, now.assignee, now.received_at) == (
        "specialists",
        "L2",
        "Carla Monti",
        ticket.received_at,
    )
    assert "escalated first-line (L1) -> specialists (L2)" in " ".join(staff.story(now, "state"))


def test_one_click_corrects_the_kind_and_what_it_was_who_and_when_stay(staff: World) -> None:
    ticket = staff.ticket(staff.mail(subject="Fax", text="Il fax va male.").number)
    staff.agent().does(ticket, "correct", kind="information")
    now = staff.ticket(ticket.number)
    assert (now.kind, now.priority) == ("information", "P3")
    entry = [one for one in staff.read(lambda c: _story(c, now.id)) if "kind" in str(one.data.get("words"))][-1]
    assert (entry.data["words"], entry.data["was"]) == ("kind incident -> information", "incident")
    assert entry.author
    staff.agent().does(now, "correct", priority="P1")
    staff.agent().does(now, "correct", queue="specialists")
    assert (staff.ticket(now.number).priority, staff.ticket(now.number).queue) == ("P1", "specialists")


def test_a_restricted_queue_gives_its_tickets_to_nobody_else(staff: World) -> None:
    desk = staff.engine.settings.desks["test"]
    queues = {**desk.queues, "first-line": replace(desk.queues["first-line"], restricted=True)}
    changed(staff, replace(desk, queues=queues))
    ticket = staff.ticket(staff.mail().number)
    anna = staff.agent("anna")
    assert "is restricted" in anna.tries(ticket, "escalate", to="specialists", text="x").text
    assert "is restricted" in anna.tries(ticket, "give", to="carla").text
    anna.does(ticket, "give", to="bruno")
    assert staff.ticket(ticket.number).assignee == "Bruno Serra"


def test_a_report_that_fits_no_route_waits_in_the_fallback_queue_with_an_alarm(staff: World) -> None:
    desk = staff.engine.settings.desks["test"]
    changed(staff, replace(desk, routes=desk.routes[:1], staff={}))
    ticket = staff.ticket(staff.mail().number)
    assert (ticket.queue, staff.alarm_kinds()) == ("to-look-at", ["no-route"])
    assert "queue: to-look-at, because no route fits" in ticket.evidence


def test_the_first_answer_asks_for_what_the_report_lacks(staff: World) -> None:
    staff.mail(subject="Fax", text="Il fax va male.")
    staff.advance(minutes=1)
    body = str(staff.letter().body)
    assert "esempio" in body
    staff.mail(subject="Scanner", text="Lo scanner sbaglia ogni volta che apro un ordine, allego la schermata.")
    staff.advance(minutes=1)
    assert "esempio di" not in str(staff.letters()[-1].body)


WORDS = {
    "it": ("Il fax non va. Un altro problema: la posta è lenta.", "più questioni"),
    "en": ("The fax is broken. Another issue: the mail is slow.", "more than one matter"),
    "de": ("Das Fax geht nicht. Noch ein Problem: die Post ist langsam.", "mehrere Anliegen"),
    "fr": ("Le fax ne marche pas. Un autre problème : le courrier est lent.", "plusieurs sujets"),
    "es": ("El fax no funciona. Otro problema: el correo va lento.", "varios asuntos"),
    "pt": ("O fax não funciona. Outro problema: o correio está lento.", "vários assuntos"),
    "ar": ("الفاكس لا يعمل.\n1. الفاكس\n2. البريد", "أكثر من موضوع"),
}


@pytest.mark.parametrize("language", WORDS)
def test_several_problems_in_one_report_are_noticed_and_the_first_answer_says_what_to_do(
    staff: World, language: str
) -> None:
    """In the customer's language: every further matter as a report of its own, so that each has its own number and times."""
    text, wanted = WORDS[language]
    speaks(staff, language)
    ticket = staff.ticket(staff.mail(subject="Fax", text=text).number)
    assert "mark: several-problems" in ticket.evidence
    staff.advance(minutes=1)
    assert wanted in " ".join((parsers.parse(staff.letter().body).text or "").split())
    assert "It seems to speak of several problems" in staff.agent().sees(f"/tickets/{ticket.number}")


def test_one_problem_in_many_words_gets_no_such_answer(staff: World) -> None:
    staff.mail(
        subject="Fax", text="Il fax non va: prima squilla, poi cade la linea, e infine stampa una pagina bianca."
    )
    staff.advance(minutes=1)
    assert "più questioni" not in " ".join((parsers.parse(staff.letter().body).text or "").split())


def speaks(world: World, language: str) -> None:
    """ACME's people are written to in this language."""

    def write(connection: Connection) -> None:
        acme = directory.get(connection, "ACME")
        assert acme is not None
        directory.replace(connection, [replace(acme, language=language)], keep=True)

    world.database.write(write)


def test_a_report_about_a_product_goes_where_the_desk_sends_it_and_to_who_knows_it(staff: World) -> None:
    """ "skills, language, product, region"."""
    desk = staff.engine.settings.desks["test"]
    knows = replace(CARLA, products=frozenset(("Speedy",)))
    dora = Worker("dora", "Dora Pini", frozenset(("specialists",)), products=frozenset(("Billy",)))
    routes = (Route("specialists", products=frozenset(("Billy",))), *desk.routes)
    people = {one.id: one for one in (ANNA, BRUNO, knows, dora)}
    changed(staff, replace(desk, products={"Billy": ("billy pbx",), "Speedy": ()}, routes=routes, staff=people))
    ticket = staff.ticket(staff.mail(subject="Centralino", text="Il Billy PBX non risponde.").number)
    assert (ticket.product, ticket.queue, ticket.assignee) == ("Billy", "specialists", "Dora Pini")
    assert "product: Billy, because of the words «billy pbx»" in ticket.evidence
    assert "queue: specialists, by the desk's route 1" in ticket.evidence
    assert "Dora Pini" in staff.agent().sees(f"/tickets/{ticket.number}")
    other = staff.ticket(staff.mail(subject="Fax", text="Il fax fa rumore.").number)
    assert (other.product, other.queue) == (None, "first-line")


def test_the_only_product_of_the_contract_is_the_reports_and_a_form_says_it_itself(staff: World) -> None:
    def write(connection: Connection) -> None:
        acme = directory.get(connection, "ACME")
        assert acme is not None
        contract = replace(acme.contract, products=(Product("Call Recording"),))
        directory.replace(connection, [replace(acme, contract=contract)], keep=True)

    staff.database.write(write)
    ticket = staff.ticket(staff.mail(subject="Fax", text="Il fax fa rumore.").number)
    assert ticket.product == "Call Recording"
    form = {
        "email": "mario@acme.example",
        "subject": "Registrazioni",
        "text": "Mancano le registrazioni.",
        "product": "call recording",
    }
    _, token = staff.database.write(
        lambda c: api_tokens.issue(c, "portal", ("report",), staff.now, secret=staff.engine.secret)
    )
    answer = staff.rehearsal.client.post("/in/report", json=form, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    found = staff.ticket(answer.json()["ticket"])
    assert "product: Call Recording, as the customer chose" in found.evidence


def test_a_step_of_the_matrix_moves_the_ticket_where_the_desk_says_and_keeps_its_history(staff: World) -> None:
    desk = staff.engine.settings.desks["test"]
    steps = {"P3": (EscalationStep("Team Leader", Allowance("solar", 3600)),)}
    plans = {**desk.plans, "platinum": replace(desk.plans["platinum"], escalations=steps)}
    changed(staff, replace(desk, plans=plans, goes_to={"Team Leader": "specialists"}))
    ticket = staff.ticket(staff.mail(subject="Fax", text="Il fax fa rumore.").number)
    assert ticket.queue == "first-line", ticket.evidence
    staff.advance(hours=1, minutes=1)
    now = staff.ticket(ticket.number)
    assert (now.queue, now.level, now.assignee, now.received_at) == (
        "specialists",
        "L2",
        "Carla Monti",
        ticket.received_at,
    )
    told = staff.story(now)
    assert any("escalated to Team Leader by the clock" in line for line in told)
    assert any("escalated first-line (L1) -> specialists (L2)" in line for line in told)
    staff.advance(hours=5)
    assert len([line for line in staff.story(now) if "escalated first-line" in line]) == 1


def test_the_list_is_in_the_order_of_work_and_the_ticket_says_why(staff: World) -> None:
    small = staff.ticket(staff.mail(subject="Logo sbiadito", text="Il logo è sbiadito, senza fretta.").number)
    big = staff.ticket(staff.mail(subject="Tutto giù", text="Siamo fermi, non funziona nulla.").number)
    page = staff.agent().sees("/")
    assert page.index(big.subject) < page.index(small.subject)
    shown = staff.agent().sees(f"/tickets/{big.number}")
    assert "this desk takes plans first: Platinum 24/7" in shown
    assert "stopped +6" in shown
    assert big.work_order is not None
    assert small.work_order is not None
    assert big.work_order < small.work_order
    staff.agent().does(small, "correct", priority="P1")
    assert (staff.ticket(small.number).work_order or "") < small.work_order


def test_a_ticket_escalated_by_one_click_of_the_clock_or_a_person_never_leaves_every_queue(staff: World) -> None:
    ticket = staff.ticket(staff.mail().number)
    assert "is no queue of this desk" in staff.agent().tries(ticket, "correct", queue="nowhere").text
    assert staff.ticket(ticket.number).queue == "first-line"


def test_a_command_counts_from_a_verified_sender_and_not_from_a_forged_one(staff: World) -> None:
    desk = staff.engine.settings.desks["test"]
    changed(staff, replace(desk, commands=frozenset(("priority",))))
    done = staff.mail(subject="Fax", text="#priority P2\nIl fax va male.")
    assert staff.ticket(done.number).priority == "P2"
    forged = staff.mail(subject="Scanner", text="#priority P2\nLo scanner va male.", proof="fail")
    assert staff.ticket(forged.number).priority == "P3"


def _story(connection: Connection, ticket_id: int) -> tuple[Any, ...]:
    return tickets.story(connection, ticket_id)
