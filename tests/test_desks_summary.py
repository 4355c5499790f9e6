"""The pages that show a desk and a ticket's time line: what they say is what the documents say."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from world import World

from gateway import locale
from gateway.settings.desk import load_desk
from gateway.web import summary
from gateway.web.labels import LABELS

DESKS = Path(__file__).parents[1] / "desks"


@cache
def shown(name, language="en"):
    desk = load_desk(DESKS / name / "desk.yaml")
    say = locale.translator(language)
    made = summary.summary(desk, language, say, lambda word: say(LABELS[word]) if word in LABELS else word, 2026)
    return {sheet.title: {head: (*cells,) for head, cells in sheet.rows} for sheet in made.sheets}


def test_the_promises_of_aruba_come_out_as_in_the_document():
    table = shown("aruba-enterprise")["Promises"]
    row = lambda head: next(cells for title, cells in table.items() if title.endswith(head))  # noqa: E731
    assert row("P1 critical: Take charge") == ("2h", "10m solar", "10m solar", "10m solar", "10m solar")
    assert row("P2 high: Triage") == ("N/A", "1.5h", "1h", "1h", "1h")
    assert row("P3 medium: Resolution") == ("BE", "16h", "12h", "12h", "12h")
    urgent = row("urgent: Execution")
    assert urgent[1:] == ("4h", "4h solar", "4h solar", "2h")
    assert urgent[0].startswith("BE; as normal") or urgent[0].startswith("N/A; as normal")
    assert row("normal: Execution") == ("BE", "NBD", "NBD", "NBD", "4h")
    matrix = shown("aruba-enterprise")["Priority by impact and urgency"]
    assert list(matrix.values())[2] == ("P2 high", "P2 high", "P3 medium", "P4 low")


def test_imagicles_tables_say_its_matrix_its_hours_and_its_holidays():
    tables = shown("imagicle-care")
    table = tables["Promises"]
    assert any(cells == ("2 days", "2h", "2h; 2h solar through on-call") for cells in table.values())
    matrix = tables["Escalation matrix"]
    assert matrix["ImagicleCare Gold · P2 high"][:2] == ("2h: Support Team", "4h: Team Leader")
    assert tables["Opening hours"]["Orario d'ufficio"][:6] == (*["09:00–18:00"] * 5, "–")
    assert "2026-08-15" in tables["Holidays and special days"]
    assert "2026-10-04" not in tables["Holidays and special days"]
    assert tables["Monitoring events that open tickets by themselves"]["VoIP stack crash"] == ("P1 critical",)


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("name", ["aruba-enterprise", "imagicle-care", "mailup", "ivanti", "aruba-interventions"])
def test_every_desk_has_its_tables_in_both_languages(name, language):
    tables = shown(name, language)
    assert len(tables) >= 5
    assert all(cell for rows in tables.values() for cells in rows.values() for cell in cells)


def test_the_console_shows_the_desks_and_the_time_line_of_a_ticket(begin: Callable[..., World]) -> None:
    world = begin()
    number = world.mail("luigi.beta@gmail.com", "Siamo fermi", "Non funziona nulla.").number
    agent = world.agent()
    assert "Test desk" in agent.sees("/desks")
    assert "Promises" in agent.sees("/desks/test")
    world.advance(minutes=20)
    agent.does(world.ticket(number), "pause", reason="quale sede?", on="customer")
    world.rehearsal.clock.advance(timedelta(minutes=5).total_seconds())
    page = agent.client.get(f"/tickets/{number}").text
    drawing = page[page.index("<svg viewBox") : page.index("</svg>", page.index("<svg viewBox"))]
    for piece in ("<title", "<desc", "tl-open", "tl-pause", "tl-now", "tl-gone"):
        assert piece in drawing, piece
    assert "style=" not in drawing
    table = page[page.index('<details id="timeline-table">') :]
    assert "quale sede?" in table[: table.index("</table>")]
    assert agent.client.get("/desks/nope").status_code == 404
