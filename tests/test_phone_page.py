"""The demo's telephone page: forms without scripts, and a whole after-hours call in a real browser."""

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
import uvicorn
from databases import Stock, settings_of

from gateway import app, demo, telephones
from gateway.phone import switchboard
from gateway.phone.exchange import Exchange
from gateway.store import tickets, users
from gateway.store.database import Database, open_database
from gateway.web.app import Web
from routing.tickets import Ticket

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
EMMA = "+390655500303"


@dataclass(frozen=True)
class House:
    """A demo on loopback, with doors and jobs."""

    address: str
    database: Database
    parts: app.Parts
    exchange: Exchange

    def tickets(self) -> tuple[Ticket, ...]:
        return self.database.read(lambda c: tickets.listed(c, tickets.Wanted(), self.parts.engine.prefixes))


@pytest.fixture
def house(stock: Stock) -> Iterator[House]:
    ears = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{ears.getsockname()[1]}"
    settings = replace(settings_of("demo"), public_url=address)
    with stock.fresh("sqlite", "demo") as url:
        database = open_database(url)
        app.prepare(settings, database)
        database.write(lambda connection: users.add_missing(connection, demo.people()))
        parts = app.build(settings, database)
        exchange = telephones.exchange_of(settings)
        assert exchange is not None
        pool, stop = ThreadPoolExecutor(max_workers=4), threading.Event()
        web = app.web(parts, Web(ready=True), pool, exchange)
        server = uvicorn.Server(uvicorn.Config(web, log_level="warning", timeout_graceful_shutdown=1))
        threads = (
            threading.Thread(target=server.run, kwargs={"sockets": [ears]}),
            threading.Thread(target=switchboard.run, args=(exchange, stop)),
        )
        for thread in threads:
            thread.start()
        parts.runner.start()
        yield House(address, database, parts, exchange)
        parts.runner.stop()
        stop.set()
        server.should_exit = True
        for thread in threads:
            thread.join(10)
        pool.shutdown()
        database.close()


@pytest.mark.skipif(CHROMIUM is None and os.environ.get("CI") != "true", reason="no Chromium on this machine")
def test_a_whole_call_after_hours_is_placed_with_the_keyboard_and_the_engineer_accepts_beside_it(house: House) -> None:
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        trouble: list[str] = []
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
        page.add_init_script(
            "window.spoken = []; window.speechSynthesis.speak = (words) => window.spoken.push([words.lang, words.text]);"
        )
        page.goto(f"{house.address}/telephone")
        page.fill("[name=login]", "agent")
        page.fill("[name=password]", "demo-agent")
        page.get_by_role("button", name="Sign in").click()
        page.fill("[name=from]", EMMA)
        page.get_by_role("button", name="Call", exact=True).click()
        heard, engineers = page.get_by_role("log"), page.locator("#engineers")
        expect(heard).to_contain_text("press 2", timeout=30_000)
        assert page.evaluate("window.spoken") == []  # it speaks only when somebody asked for it
        page.get_by_role("button", name="Speak aloud").click()
        for keys, words in (
            ("2", "To report a problem, press 1"),
            ("1", "Are you calling for Charlie Demo Ltd?"),
            ("200003#", "PIN"),
            ("200333#", "How bad is it?"),
            ("1", "in short"),
        ):
            page.evaluate("document.activeElement.blur()")
            for key in keys:
                page.keyboard.press(key)
                page.wait_for_timeout(150)
            expect(heard).to_contain_text(words, timeout=30_000)
        expect(page.get_by_role("status").filter(has_text="speak")).to_be_visible(timeout=30_000)
        page.get_by_role("textbox", name="Say").fill("The whole switchboard is dead.")
        page.keyboard.press("Enter")
        expect(heard).to_contain_text("Your ticket number is", timeout=30_000)
        answer = engineers.get_by_role("button", name="Answer")
        expect(answer).to_be_visible(timeout=30_000)
        answer.focus()
        page.wait_for_timeout(1_500)
        assert page.evaluate("document.activeElement.textContent") == "Answer"  # what is live takes no focus away
        page.keyboard.press("Enter")
        expect(engineers).to_contain_text("Charlie Demo", timeout=30_000)
        engineers.get_by_role("button", name="Key 1").first.click()
        until = time.monotonic() + 30
        while house.tickets()[0].state != "taken" and time.monotonic() < until:
            page.wait_for_timeout(200)
        spoken = page.evaluate("window.spoken")
        assert any(language.startswith("en") and "PIN" in words for language, words in spoken)
        assert "200333" not in page.content()
        browser.close()
    (ticket,) = house.tickets()
    assert (ticket.customer, ticket.priority, ticket.state) == ("CHARLIE", "P1", "taken")
    assert ticket.subject == "The whole switchboard is dead."
    assert trouble == []


def test_every_button_of_the_page_is_a_form_and_works_without_scripts(house: House) -> None:
    import httpx2

    with httpx2.Client(base_url=house.address, follow_redirects=True, timeout=30) as person:
        csrf = _csrf(person.get("/login").text)
        person.post("/login", data={"login": "agent", "password": "demo-agent", "csrf": csrf})
        page = person.get("/telephone")
        policy = page.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        csrf = _csrf(page.text)
        called = person.post("/telephone/call", data={"from": EMMA, "csrf": csrf})
        sid = called.url.params["call"]
        _wait(person, called.url, "press 2")
        person.post(f"/telephone/{sid}/keys", data={"keys": "2", "csrf": csrf})
        _wait(person, called.url, "To report a problem")
        person.post(f"/telephone/{sid}/hangup", data={"csrf": csrf})
        _wait(person, called.url, "hung up")
        assert person.post("/telephone/call", data={"from": EMMA, "csrf": "x"}).status_code == 403
        assert person.post("/telephone/call", data={"from": "nobody", "csrf": csrf}).status_code == 400
        assert person.post("/telephone/CA1/keys", data={"keys": "1", "csrf": csrf}).status_code == 404


def test_nobody_who_is_not_signed_in_and_no_real_desk_has_the_page(house: House) -> None:
    import httpx2

    with httpx2.Client(base_url=house.address, timeout=30) as stranger:
        assert stranger.get("/telephone").headers["location"].startswith("/login")
        assert stranger.post("/telephone/call", data={"from": EMMA}).status_code in (303, 403)
    assert house.exchange.callers == {}
    assert telephones.exchange_of(settings_of("test")) is None


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def _wait(person: object, url: object, words: str) -> None:
    until = time.monotonic() + 30
    while words not in (page := person.get(url).text):  # type: ignore[attr-defined]
        assert time.monotonic() < until, page
        time.sleep(0.1)
