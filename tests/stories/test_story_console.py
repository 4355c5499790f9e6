"""An agent's day, through nothing but the console's pages and forms."""

from collections.abc import Callable

import pytest
from world import World, header, instant, read_letter

from gateway.web import why


def test_an_agent_takes_asks_waits_escalates_and_resolves(world: World) -> None:
    number = world.mail(message_id="root@acme.example").number or ""
    world.advance()
    giulia = world.agent("giulia")
    assert number in giulia.sees("/")

    world.advance(minutes=5)
    giulia.does(world.ticket(), "take")
    assert (world.ticket().state, world.ticket().assignee) == ("taken", "Giulia")

    world.advance(minutes=5)
    giulia.does(world.ticket(), "answer", text="Buongiorno,\nquale stampante?", then="wait")
    world.advance()
    assert world.ticket().state == "waiting"
    answer = world.letters()[-1]
    assert (answer.kind, answer.recipient, answer.state) == ("answer", "mario@acme.example", "sent")
    assert header(answer, "In-Reply-To") == "<root@acme.example>"
    assert "quale stampante?" in (read_letter(answer).text or "")

    world.advance(hours=1)
    world.reply(answer, "Quella grande, al secondo piano.")
    assert world.ticket().state == "taken"
    page = giulia.sees(f"/tickets/{number}")
    assert "Quella grande, al secondo piano." in page

    giulia.does(world.ticket(), "note", text="toner finito ieri")
    giulia.does(world.ticket(), "priority", priority="P4", text="una sola stampante")
    giulia.does(world.ticket(), "escalate", to="specialists", text="serve il fornitore")
    assert (world.ticket().priority, world.ticket().queue, world.ticket().level) == ("P4", "specialists", "L2")

    giulia.does(world.ticket(), "resolve", text="Cambiato il toner.")
    ticket = world.ticket()
    assert (ticket.state, ticket.resolved_at) == ("resolved", instant("2026-11-25 11:10"))
    world.advance()
    assert "Cambiato il toner." in (read_letter(world.letters()[-1]).text or "")
    giulia.does(ticket, "close")
    assert world.ticket().state == "closed"
    world.advance(days=10)
    assert [letter.kind for letter in world.letters()] == ["acknowledgement", "answer", "answer"]
    assert world.orders() == 0


def test_a_form_that_is_sent_twice_sends_one_letter(world: World) -> None:
    world.mail()
    world.advance()
    giulia = world.agent()
    form = giulia.form(world.ticket(), "answer", text="Ci siamo.", then="")
    giulia.sends(world.ticket(), "answer", form)
    giulia.sends(world.ticket(), "answer", form)
    world.advance(60)
    assert [letter.kind for letter in world.letters()] == ["acknowledgement", "answer"]


def test_who_may_only_look_changes_nothing(world: World) -> None:
    world.mail()
    ada = world.agent("ada", role="read-only")
    before = world.rows()
    answer = ada.client.post(f"/tickets/{world.ticket().number}/take", data=ada.form(world.ticket(), None))
    assert answer.status_code == 403
    assert world.rows() == before
    assert world.ticket().state == "new"


@pytest.mark.parametrize("path", ["/desks", "/desks/test", "/faults", "/staff", "/letters", "/oncall/figures"])
def test_a_page_without_live_parts_still_hears_of_new_alarms_and_of_the_time(world: World, path: str) -> None:
    """Every open page asks again after a change; one that nothing on it may move answers with what all pages share."""
    agent = world.agent("lara", "supervisor")
    part = agent.client.get(path, headers={"HX-Request": "true"})
    assert part.status_code == 200, path
    assert "<main" not in part.text
    assert 'id="time"' in part.text


def test_the_verdict_above_the_evidence_is_what_was_decided_and_not_what_it_nearly_was(
    begin: Callable[..., World],
) -> None:
    world = begin("demo")
    world.mail("emma.clarke@charlie-demo.example", "Server db1", "Il server db1 non risponde: centralino escluso.")
    ticket = world.ticket()
    assert any(line.startswith("queue: nearly") for line in ticket.evidence)
    shown = {one.about: one.verdict for one in why.decisions(ticket, world.desk, "", "en", str)}
    assert (shown["queue"], shown["kind"]) == (world.desk.queues[ticket.queue].label["en"], "Incident")
