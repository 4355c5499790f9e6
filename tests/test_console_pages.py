"""What each page of the console shows, in the reader's words."""

import re
from dataclasses import replace

import pytest
from console_backend import NOW, PASSWORDS, DemoBackend, ahead, application, row
from starlette.testclient import TestClient

from gateway.web.views import Due, share


@pytest.fixture
def backend() -> DemoBackend:
    return DemoBackend()


@pytest.fixture
def browser(backend: DemoBackend) -> TestClient:
    return signed_in(backend, "giulia")


def signed_in(backend: DemoBackend, login: str, **settings: object) -> TestClient:
    client = TestClient(application(backend, **settings))
    form = re.search(r'name="csrf" value="(\w+)"', client.get("/login").text)
    assert form
    answer = client.post("/login", data={"csrf": form[1], "login": login, "password": PASSWORDS[login]})
    assert answer.status_code == 200
    return client


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_list_shows_every_fact_of_a_ticket_and_the_most_urgent_first(browser: TestClient) -> None:
    html = browser.get("/").text
    shown = text_of(html)
    for fact in (
        "PR-1002-4137",
        "Stampa delle bolle ferma",
        "ACME S.p.A.",
        "Platinum",
        "P1",
        "New",
        "First level",
        "in 3 min",
        "Take charge",
        "18 min late",
        "Unverified",
    ):
        assert fact in shown
    assert html.index("PR-1002-4095") < html.index("PR-1002-4137") < html.index("PR-1002-4111")
    assert '<progress max="100" value="70"' in html


@pytest.mark.parametrize(
    ("query", "there", "gone"),
    [
        ("queue=First level", "PR-1002-4137", "PR-1002-4095"),
        ("state=waiting", "PR-1002-4071", "PR-1002-4137"),
        ("customer=Gamma Srl", "PR-1002-4111", "PR-1002-4137"),
        ("q=certificato", "PR-1002-4088", "PR-1002-4137"),
        ("queue=nobody's", "Nothing here", "PR-1002-4137"),
    ],
)
def test_the_list_is_narrowed_by_queue_state_customer_and_words(
    browser: TestClient, query: str, there: str, gone: str
) -> None:
    shown = browser.get(f"/?{query}").text
    assert there in shown
    assert gone not in shown


@pytest.mark.parametrize("typed", ["PR-1002-4137", "10024137"])
def test_a_number_in_the_search_leads_to_its_ticket(browser: TestClient, typed: str) -> None:
    answer = browser.get("/", params={"q": typed}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/tickets/PR-1002-4137")


def test_a_long_list_goes_on_on_the_next_page(backend: DemoBackend, browser: TestClient) -> None:
    for n in range(120):
        backend.add(row(f"PR-2000-{n:04}", f"Report {n}", next=Due("resolution", ahead(10_000 + n), 0.1, "running")))
    first = browser.get("/").text
    assert "100+" in text_of(first)
    assert "PR-2000-0119" not in first
    assert "PR-2000-0119" in browser.get("/?from=100").text


def test_a_ticket_shows_facts_clocks_story_and_the_evidence_of_every_decision(browser: TestClient) -> None:
    shown = text_of(browser.get("/tickets/PR-1002-4137").text)
    for fact in (
        "Mario Rossi",
        "mario@acme.example",
        "Level 1",
        "support+t.9f31c2@example.test",
        "due 10:44",
        "10 minutes",
        "10:34:12 + 10 min = 10:44:12",
        "Together 8 h: due Tuesday 24 November",
        "nessuno in magazzino riesce",
        "Quoted part and signature",
        "buon fine settimana",
        "bolle-in-coda.csv",
        "Marco Bassi",
        "No answer",
        "Accepted · pressed 1",
        "PIN right",
        "Rolling it back",
        "three minutes left",
        "DKIM passed for acme.example",
        "Rule 3: incidents of Platinum",
        "Acknowledged in Italian",
        "Team leader",
    ):
        assert fact in shown, fact


def test_an_unverified_sender_is_marked_with_the_reason(browser: TestClient) -> None:
    shown = text_of(browser.get("/tickets/PR-1002-4145").text)
    assert "The sender is not verified." in shown
    assert "No DKIM signature" in shown
    assert "runs provisionally" in shown


def test_the_other_pages_show_calls_on_call_ledger_and_outbox(browser: TestClient) -> None:
    pages = {
        "/calls": ("+39 06 1234 5678", "In progress", "number withheld", "Hung up before saying who"),
        "/oncall": ("Marco Bassi", "until 18:41", "Elena Riva", "Stand-in", "Nobody is on call", "Next hand-offs"),
        "/ledger": ("ambiguous-sender", "Two addresses in From", "New ticket", "Delivered again", "not-our-recipient"),
        "/outbox": ("mario@acme.example", "Segnalazione ricevuta", "Waiting · tries: 3", "next try at 10:52"),
    }
    for path, facts in pages.items():
        shown = text_of(browser.get(path).text)
        for fact in facts:
            assert fact in shown, (path, fact)


def test_the_ledger_can_show_one_outcome(browser: TestClient) -> None:
    shown = browser.get("/ledger?outcome=held").text
    assert "ambiguous-sender" in shown
    assert "not-our-recipient" not in shown


def test_only_the_demo_has_an_outbox_and_says_that_it_is_one(backend: DemoBackend) -> None:
    demo, real = signed_in(backend, "giulia"), signed_in(backend, "giulia", demo=False)
    assert "Demonstration desk" in demo.get("/").text
    assert "Demonstration desk" not in real.get("/").text
    assert "/outbox" not in real.get("/").text
    assert real.get("/outbox").status_code == 404


def test_the_footer_tells_the_database_time_in_the_readers_zone(browser: TestClient) -> None:
    assert "Monday 23 November 2026, 10:41:12" in text_of(browser.get("/").text)


def test_an_italian_reads_italian(backend: DemoBackend) -> None:
    elena = signed_in(backend, "elena")
    html = elena.get("/tickets/PR-1002-4137").text
    assert '<html lang="it">' in html
    shown = text_of(html)
    for words in ("Prendi in carico", "Scadenze", "tra 3 min", "Perché è stato deciso così"):
        assert words in shown
    assert "lunedì 23 novembre 2026" in shown


def test_the_sign_in_page_follows_the_browsers_language(backend: DemoBackend) -> None:
    client = TestClient(application(backend))
    assert '<html lang="it">' in client.get("/login", headers={"accept-language": "it-IT,it;q=0.9,en;q=0.5"}).text
    assert '<html lang="en">' in client.get("/login", headers={"accept-language": "xx"}).text


def test_a_ticket_that_does_not_exist_is_a_page_that_says_so(browser: TestClient) -> None:
    answer = browser.get("/tickets/PR-9999-9999")
    assert answer.status_code == 404
    assert "There is no such ticket." in answer.text


def test_a_fragment_holds_only_the_parts_that_change(browser: TestClient) -> None:
    live = {"hx-request": "true"}
    for path, parts in {
        "/": ["live"],
        "/tickets/PR-1002-4137": ["head", "clocks", "page", "actions", "related", "story", "why", "facts"],
    }.items():
        html = browser.get(path, headers=live).text
        assert re.findall(r'id="(\w+)" hx-swap-oob="true"', html) == [*parts, "alarms", "time"]
        assert "<html" not in html
        assert 'id="answer"' not in html


@pytest.mark.parametrize(
    ("minutes", "part"), [(-5, 0.0), (0, 0.0), (30, 0.25), (60, 0.5), (100, 0.5), (150, 0.75), (500, 1.0)]
)
def test_the_bar_counts_only_the_open_time_that_is_gone(minutes: float, part: float) -> None:
    opened = ((NOW, ahead(60)), (ahead(120), ahead(180)))
    assert share(opened, ahead(minutes)) == pytest.approx(part)


def test_a_clock_without_any_open_time_is_used_up() -> None:
    assert share((), NOW) == 1.0


def test_a_resolved_ticket_offers_an_answer_a_note_and_to_close_or_reopen_it(
    backend: DemoBackend, browser: TestClient
) -> None:
    page = backend.pages["PR-1002-4137"]
    backend.pages["PR-1002-4137"] = replace(page, row=replace(page.row, state="resolved"))
    html = browser.get("/tickets/PR-1002-4137").text
    assert set(re.findall(r'action="/tickets/PR-1002-4137/(\w+)"', html)) == {"answer", "note", "close", "reopen"}
