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
def made(name, language="en"):
    desk = load_desk(DESKS / name / "desk.yaml")
    say = locale.translator(language)
    return summary.summary(desk, language, say, lambda word: say(LABELS[word]) if word in LABELS else word, 2026)


def shown(name, language="en"):
    """title -> {head: cells}; a line of a group is called `group: head`."""
    return {
        sheet.title: {f"{row.group}: {row.head}" if row.group else row.head: row.cells for row in sheet.rows}
        for sheet in made(name, language).sheets
    }


def table(text):
    """The reference's lines: a head, then cells."""
    lines = [[part.strip() for part in line.strip().strip("|").split("|")] for line in text.strip().splitlines()]
    return {head: tuple(cells) for head, *cells in lines}


def columns(name, title):
    return next(sheet.columns for sheet in made(name).sheets if sheet.title == title)


REQUESTS = "Service request, information request, access request"
INCIDENTS = "Incident, monitoring event"


def test_every_cell_of_arubas_promises_is_as_in_the_document():
    assert columns("aruba-enterprise", "Promises") == (
        "Small Enterprise", "Enterprise", "Enterprise Plus", "Premium", "Cloud Top Enterprise",
    )  # fmt: skip
    assert shown("aruba-enterprise")["Promises"] == table(f"""
        {INCIDENTS} · P1 critical: Take charge       | 2h  | 10m solar | 10m solar | 10m solar | 10m solar
        {INCIDENTS} · P1 critical: Triage            | N/A | 30m solar | 30m solar | 30m solar | 30m solar
        {INCIDENTS} · P1 critical: Technical contact | N/A | 2h solar  | 30m solar | 30m solar | 30m solar
        {INCIDENTS} · P1 critical: Resolution        | BE  | 4h solar  | 2h solar  | 2h solar  | 2h solar
        {INCIDENTS} · P2 high: Take charge           | 4h  | 20m  | 20m | 20m | 20m
        {INCIDENTS} · P2 high: Triage                | N/A | 1.5h | 1h  | 1h  | 1h
        {INCIDENTS} · P2 high: Technical contact     | N/A | 3h   | 2h  | 2h  | 2h
        {INCIDENTS} · P2 high: Resolution            | BE  | 8h   | 6h  | 6h  | 6h
        {INCIDENTS} · P3 medium: Take charge         | 8h  | 1h   | 1h  | 1h  | 1h
        {INCIDENTS} · P3 medium: Resolution          | BE  | 16h  | 12h | 12h | 12h
        {INCIDENTS} · P4 low: Take charge            | 8h  | 1h   | 1h  | 1h  | 1h
        {INCIDENTS} · P4 low: Resolution             | BE  | BE   | BE  | BE  | BE
        {REQUESTS} · urgent: Take charge             | N/A; as normal | N/A | N/A | N/A | 10m
        {REQUESTS} · urgent: Execution               | N/A; as normal | 4h | 4h solar | 4h solar | 2h
        {REQUESTS} · normal: Take charge             | 8h  | 1h   | 1h  | 1h  | 1h
        {REQUESTS} · normal: Execution               | BE  | NBD  | NBD | NBD | 4h
        Change: Start of analysis                    | N/A | NBD  | NBD | NBD | 4h
        Problem: any target                          | N/A | N/A  | N/A | N/A | N/A
    """)


def test_every_cell_of_arubas_priorities_and_updates_is_as_in_the_document():
    tables = shown("aruba-enterprise")
    assert columns("aruba-enterprise", "Priority by impact and urgency") == ("highest", "high", "medium", "low")
    assert tables["Priority by impact and urgency"] == table("""
        extensive   | P1 critical | P1 critical | P2 high   | P4 low
        significant | P1 critical | P2 high     | P3 medium | P4 low
        moderate    | P2 high     | P2 high     | P3 medium | P4 low
        minor       | P2 high     | P3 medium   | P3 medium | P4 low
    """)
    assert tables["News to the customer, from the action plan on"] == table(f"""
        {INCIDENTS} · P1 critical | 1h | 1h solar | 1h solar | 1h solar | as the plan below it
        {INCIDENTS} · P2 high     | 4h | 4h | 4h | 2h | as the plan below it
        {INCIDENTS} · P3 medium   | each business day | each business day | each business day | each business day | as the plan below it
    """)
    named = {plan: cells[-1] for plan, cells in tables["Plans"].items()}
    assert named["Small Enterprise"] == "1 report a year"
    assert tables["Plans"]["Small Enterprise"][1] == "Phone, Portal"
    assert "service manager" not in named["Enterprise"]
    assert {"service manager", "privileged escalation", "incident report"} < set(named["Enterprise Plus"].split(", "))


def test_every_cell_of_imagicles_promises_and_matrix_is_as_in_the_document():
    tables = shown("imagicle-care")
    assert tables["Promises"] == table("""
        Every kind · P1 critical: Notify      | 4h     | 30m | 30m solar
        Every kind · P1 critical: Take charge | NBD    | 1h  | 1h solar
        Every kind · P2 high: Take charge     | 2 days | 2h  | 2h; 2h solar through on-call
        Every kind · P3 medium: Take charge   | BE     | 4h  | 4h; 4h solar through on-call
        Every kind · P4 low: Take charge      | BE     | 8h  | 8h; 8h solar through on-call
    """)
    steps = ("2 days / 2h", "3 days / 4h", "5 days / 8h", "10 days / 16h", "20 days / 40h")
    assert columns("imagicle-care", "Escalation matrix") == steps
    assert tables["Escalation matrix"] == table("""
        P1 critical | Team Leader  | –           | Support Manager | Co-CEO and CTO  | –
        P2 high     | Support Team | Team Leader | –               | Support Manager | Co-CEO and CTO
        P3 medium   | Support Team | –           | –               | Team Leader     | Support Manager
        P4 low      | Support Team | –           | –               | –               | Team Leader
    """)
    (note,) = [sheet.note for sheet in made("imagicle-care").sheets if sheet.title == "Escalation matrix"]
    assert note == (
        "2 days, 3 days, 5 days, 10 days, 20 days: ImagicleCare Basic; "
        "2h, 4h, 8h, 16h, 40h: ImagicleCare Gold, ImagicleCare Platinum 24/7"
    )


def test_imagicles_hours_holidays_and_events_are_as_in_the_document():
    tables = shown("imagicle-care")
    assert tables["Opening hours"]["Office hours"] == (*["09:00–18:00"] * 5, "–", "–", "–", "Europe/Rome")
    extended = tables["Opening hours"]["Extended hours (Saturdays and holidays)"]
    assert extended == (*["09:00–18:00"] * 6, "–", "09:00–18:00", "Europe/Rome")
    assert tables["Holidays and special days"] == table("""
        Capodanno              | Thu 1 Jan  | Fri 1 Jan  | – | 09:00–18:00
        Epifania               | Tue 6 Jan  | Wed 6 Jan  | – | 09:00–18:00
        Lunedì dell'Angelo     | Mon 6 Apr  | Mon 29 Mar | – | 09:00–18:00
        Liberazione            | Sat 25 Apr | Sun 25 Apr | – | 09:00–18:00
        Festa del lavoro       | Fri 1 May  | Sat 1 May  | – | 09:00–18:00
        Festa della Repubblica | Tue 2 Jun  | Wed 2 Jun  | – | 09:00–18:00
        Ferragosto             | Sat 15 Aug | Sun 15 Aug | – | 09:00–18:00
        Ognissanti             | Sun 1 Nov  | Mon 1 Nov  | – | 09:00–18:00
        Immacolata             | Tue 8 Dec  | Wed 8 Dec  | – | 09:00–18:00
        Natale                 | Fri 25 Dec | Sat 25 Dec | – | 09:00–18:00
        Santo Stefano          | Sat 26 Dec | Sun 26 Dec | – | 09:00–18:00
    """)
    assert tables["Monitoring events that open tickets by themselves"] == table("""
        VoIP stack crash      | P1 critical
        application crash     | P1 critical
        replication fault     | P3 medium
        disk space low        | P4 low
        disk near full        | P3 medium
        database space low    | P4 low
        database near full    | P3 medium
        channels used up      | P3 medium
        licences used up      | P3 medium
        cloud API unreachable | P1 critical
    """)


def test_the_law_of_2026_makes_4_october_a_holiday_for_aruba_and_mailup():
    for name in ("aruba-enterprise", "mailup", "aruba-interventions"):
        assert shown(name)["Holidays and special days"]["San Francesco"] == ("Sun 4 Oct", "Mon 4 Oct", "–")


def test_the_other_desks_promise_what_their_documents_do():
    assert shown("mailup")["Promises"] == table("""
        Report, incident, bug: Take charge | BE
        Monitoring alarm: Take charge      | BE; 1h solar out of hours
    """)
    assert shown("ivanti")["Promises"] == {"Every kind: Take charge": ("BE", "BE", "BE", "BE")}
    assert shown("aruba-interventions")["Promises"] == table("""
        Technical intervention · normal: Execution         | BE
        Technical intervention · normal: Start of analysis | BE
    """)
    assert shown("aruba-interventions")["Stages of: technical intervention"] == table("""
        Requested           | Assessed, Declined
        Assessed            | Quoted, Declined
        Declined            | –
        Quoted              | Accepted, Rejected, Expired
        Accepted            | In progress
        Rejected            | –
        Expired             | Quoted
        In progress         | Variation asked for, Done
        Variation asked for | In progress, Done
        Done                | Charged, Not enough credit
        Not enough credit   | Charged
        Charged             | –
    """)


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
