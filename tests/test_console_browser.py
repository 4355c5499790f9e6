"""The console in a real browser: a ticket appears by itself, is taken in charge, and fits a phone."""

import os
import shutil
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from console_backend import NOW, PASSWORDS, DemoBackend, ahead, application, row

from gateway.web.views import Due

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip("no Chromium on this machine: the console is not tried in a browser", allow_module_level=True)

from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402

expect.set_options(timeout=30_000)

PAGES = ("/", "/tickets/PR-1002-4137", "/tickets/PR-1002-4145", "/calls", "/oncall", "/ledger", "/alarms", "/outbox")


@pytest.fixture(scope="module")
def backend() -> DemoBackend:
    return DemoBackend()


@pytest.fixture(scope="module")
def address(backend: DemoBackend) -> Iterator[str]:
    ears = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application(backend), log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [ears]})
    thread.start()
    yield f"http://127.0.0.1:{ears.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


def visit(browser: Browser, address: str, width: int, height: int, **options: bool | str) -> Page:
    page = browser.new_context(viewport={"width": width, "height": height}, **options).new_page()  # type: ignore[arg-type]
    page.goto(f"{address}/tickets/PR-1002-4137")
    page.fill("[name=login]", "giulia")
    page.fill("[name=password]", PASSWORDS["giulia"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_contain_text("Stampa delle bolle")
    return page


def test_a_ticket_appears_by_itself_and_is_taken_in_charge(
    backend: DemoBackend, address: str, chromium: Browser
) -> None:
    page = visit(chromium, address, 1280, 900)
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.goto(address)
    expect(page.locator("#feed")).to_have_class("live")
    page.evaluate("window.sameDocument = true")
    page.get_by_label("Ticket number or words").fill("half a word")
    backend.add(
        row(
            "PR-1002-4153",
            "Server room too warm",
            state="new",
            owner="",
            opened=NOW,
            next=Due("take_charge", ahead(10), 0.0, "running"),
        )
    )
    link = page.get_by_role("link", name="Server room too warm")
    expect(link).to_be_visible()
    assert page.evaluate("window.sameDocument")
    expect(page.get_by_label("Ticket number or words")).to_have_value("half a word")
    link.click()
    page.get_by_role("button", name="Take in charge").click()
    expect(page.get_by_text("Taken in charge.")).to_be_visible()
    assert backend.acted[-1][:3] == ("PR-1002-4153", "take", "giulia")
    assert "done=" not in page.url
    assert trouble == []


def test_a_page_that_changes_keeps_what_is_unfolded_and_what_is_being_written(
    backend: DemoBackend, address: str, chromium: Browser
) -> None:
    page = visit(chromium, address, 1280, 900)
    expect(page.locator("#feed")).to_have_class("live")
    page.locator("#rest-1 summary").click()
    page.locator("#act-pause summary").click()
    page.locator("#act-pause input[name=reason]").fill("the supplier")
    page.locator("#answer textarea").fill("Buongiorno Mario,")
    marco = backend.users["marco"]
    backend.act("PR-1002-4137", "note", marco, {"text": "Seen from the other desk"}, "")
    expect(page.get_by_text("Seen from the other desk")).to_be_visible()
    expect(page.locator("#rest-1 .text")).to_be_visible()
    expect(page.locator("#act-pause input[name=reason]")).to_have_value("the supplier")
    expect(page.locator("#answer textarea")).to_have_value("Buongiorno Mario,")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (320, 640), (1280, 900)])
def test_no_page_scrolls_sideways(address: str, chromium: Browser, width: int, height: int) -> None:
    page = visit(chromium, address, width, height)
    for path in PAGES:
        page.goto(address + path)
        for details in page.locator("main details:not([name])").all():
            details.evaluate("d => { d.open = true }")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


NAMELESS = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary, audio')]
  .filter(one => one.getClientRects().length)
  .filter(one => ![...one.labels || []].some(label => label.textContent.trim()) && !one.getAttribute('aria-label')
    && !one.title && !one.textContent.trim()).map(one => one.outerHTML.slice(0, 100))"""
# Words whose contrast with what is behind them is less than WCAG 2.2 asks (4.5, and 3 for big ones).
FAINT = """() => {
  const channels = colour => { const found = colour.match(/[\\d.]+/g).map(Number);
    return colour.startsWith('color(') ? [...found.slice(0, 3).map(part => part * 255), found[3]] : found; };
  const light = colour => channels(colour).slice(0, 3).map(part => part / 255)
    .map(part => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, n) => sum + part * [.2126, .7152, .0722][n], 0);
  const behind = one => { for (; one; one = one.parentElement) { const colour = getComputedStyle(one).backgroundColor;
    if ((channels(colour)[3] ?? 1) > .9) return colour; } return 'rgb(255, 255, 255)'; };
  const faint = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const words = walk.currentNode.data.trim(), one = walk.currentNode.parentElement, style = getComputedStyle(one);
    if (!words || !one.getClientRects().length || style.clipPath !== 'none' || one.closest('.skip, progress')) continue;
    const [dark, bright] = [light(one.closest('svg') ? style.fill : style.color), light(behind(one))].sort((a, b) => a - b);
    if ((bright + .05) / (dark + .05) < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) faint.add(words.slice(0, 40));
  }
  return [...faint]; }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_control_has_a_name_and_all_words_stand_out(address: str, chromium: Browser, scheme: str) -> None:
    page = visit(chromium, address, 390, 844, color_scheme=scheme)
    for path in (*PAGES, "/no/such/page"):
        page.goto(f"{address}{path}")
        assert page.evaluate(NAMELESS) == [], path
        assert page.evaluate(FAINT) == [], path
    page.context.close()


def test_on_a_narrow_screen_the_name_of_the_page_is_in_sight(address: str, chromium: Browser) -> None:
    page = visit(chromium, address, 390, 844)
    page.goto(f"{address}/ledger")
    expect(page.locator(".top nav [aria-current]")).to_be_in_viewport(ratio=1)
    page.context.close()


@pytest.mark.parametrize("width", [390, 320, 1280])
def test_an_alarm_is_counted_at_the_top_as_soon_as_it_rings_and_no_more_once_it_is_seen(
    backend: DemoBackend, address: str, chromium: Browser, width: int
) -> None:
    page = visit(chromium, address, width, 844)
    expect(page.locator("#feed")).to_have_class("live")
    bell = page.locator("#alarms")
    before = backend.unseen()
    backend.ring("The server room is on fire")
    expect(bell.locator("b")).to_have_text(str(before + 1))
    box = bell.bounding_box()
    assert box
    assert 0 <= box["x"] <= width - box["width"]
    bell.click()
    expect(page.get_by_text("The server room is on fire").first).to_be_visible()
    page.get_by_role("button", name="Mark all as seen").click()
    expect(bell.locator("b")).to_have_count(0)
    expect(bell).to_be_visible()


def test_without_scripts_everything_can_still_be_done(backend: DemoBackend, address: str, chromium: Browser) -> None:
    page = visit(chromium, address, 390, 844, java_script_enabled=False)
    page.goto(f"{address}/tickets/PR-1002-4111")
    page.locator("#act-resolve summary").click()
    page.locator("#act-resolve textarea").fill("The mailbox is there.")
    page.locator("#act-resolve button").click()
    expect(page.get_by_role("status").filter(has_text="Resolved.")).to_be_visible()
    assert backend.acted[-1] == ("PR-1002-4111", "resolve", "giulia", {"text": "The mailbox is there."})
