"""Nothing that a stranger wrote runs, leads elsewhere or is fetched when somebody reads it."""

import re
from dataclasses import replace

import pytest
from console_backend import DemoBackend
from starlette.testclient import TestClient
from test_console_pages import signed_in

from gateway.web import forms, mailbody
from gateway.web.views import Attachment, File

PATH = "/tickets/PR-1002-4137"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}'


@pytest.fixture
def backend() -> DemoBackend:
    return DemoBackend()


@pytest.fixture
def browser(backend: DemoBackend) -> TestClient:
    return signed_in(backend, "giulia")


def make_hostile(backend: DemoBackend) -> None:
    page = backend.pages["PR-1002-4137"]
    letter = page.entries[0].letter
    assert letter
    files = tuple(replace(file, filename=HOSTILE) for file in letter.attachments)
    letter = replace(
        letter,
        sender=HOSTILE,
        to=HOSTILE,
        cc=HOSTILE,
        subject=HOSTILE,
        text=HOSTILE,
        rest=HOSTILE,
        whole=HOSTILE,
        attachments=files,
        automatic=HOSTILE,
    )
    first = replace(page.entries[0], who=HOSTILE, title=HOSTILE, text=HOSTILE, letter=letter)
    row = replace(page.row, subject=HOSTILE, customer=HOSTILE, plan=HOSTILE, queue=HOSTILE, owner=HOSTILE)
    backend.pages["PR-1002-4137"] = replace(
        page, row=row, contact=HOSTILE, contact_address=HOSTILE, level=HOSTILE, entries=(first, *page.entries[1:])
    )


@pytest.mark.parametrize("path", ["/?state=all", PATH, "/?q=" + "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"])
@pytest.mark.parametrize("headers", [{}, {"hx-request": "true"}])
def test_hostile_subjects_names_and_filenames_are_only_ever_text(
    backend: DemoBackend, browser: TestClient, path: str, headers: dict[str, str]
) -> None:
    make_hostile(backend)
    html = browser.get(path, headers=headers).text
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "49" not in re.findall(r"onerror=alert\(2\)&gt;(\S+)", html)
    if "q=" not in path:
        assert "&lt;script&gt;alert(1)" in html


@pytest.mark.parametrize("path", ["/", PATH, "/calls", "/oncall", "/ledger", "/outbox", "/login", "/tickets/none"])
def test_every_page_carries_the_strict_policy_and_holds_nothing_inline(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", answer.text)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text)
    for form in re.findall(r'<form[^>]*method="post".*?</form>', answer.text, re.S):
        assert 'name="csrf"' in form


def test_static_files_are_a_closed_list(browser: TestClient) -> None:
    style = browser.get("/static/console.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "immutable" in style.headers["cache-control"]
    for path in ("vendor/htmx.LICENSE.txt", "../console.py", "..%2Fconsole.py", "%2e%2e/console.py", ""):
        assert browser.get(f"/static/{path}").status_code == 404


def test_a_letters_html_is_shown_in_a_frame_that_can_do_nothing(backend: DemoBackend, browser: TestClient) -> None:
    frame = re.search(r"<iframe[^>]*>", browser.get(PATH).text)
    assert frame
    assert "allow-scripts" not in frame[0]
    assert "allow-same-origin" not in frame[0]
    backend.html = '<p onclick="x()">Hi</p><script>alert(1)</script><img src="https://track.example/p.gif">'
    answer = browser.get(f"{PATH}/letters/l1/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "<p>Hi</p>" in answer.text
    assert "alert" not in answer.text
    assert "track.example" not in answer.text
    assert "Remote pictures left out: 1" in answer.text


@pytest.mark.parametrize(
    "html",
    [
        "<svg><script>alert(1)</script></svg>",
        "<iframe src=//evil.example></iframe>",
        "<form action=//evil.example><input name=password></form>",
        "<meta http-equiv=refresh content='0;url=//evil.example'>",
        "<base href=//evil.example>",
        "<link rel=stylesheet href=//evil.example>",
        "<style>@import '//evil.example'</style>",
        "<p style='background:url(//evil.example)'>x</p>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
        "<img src=x onerror=alert(1)>",
        "<img srcset='//evil.example 2x'>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<video poster=//evil.example></video>",
        "<table background=//evil.example><tr><td>x</table>",
    ],
)
def test_nothing_in_a_mail_runs_or_is_fetched(html: str) -> None:
    """CASES C1, C2."""
    clean = mailbody.sanitise(html, (), lambda _: None).html
    assert not re.search(
        r"<(script|style|iframe|form|input|meta|base|link|svg|math|video)|[\s\"']on\w+=|javascript:|data:", clean
    )
    assert "evil.example" not in clean


def test_links_of_a_mail_open_beside_it_without_telling_where_from() -> None:
    clean = mailbody.sanitise('<a href="https://acme.example/x">x</a>', (), lambda _: None).html
    assert 'href="https://acme.example/x"' in clean
    assert 'rel="noopener noreferrer nofollow"' in clean
    assert 'target="_blank"' in clean


def test_a_picture_inside_the_mail_is_shown_in_its_place() -> None:
    files = {"p": File("x.png", "image/png", b"\x89PNG"), "s": File("x.svg", "image/svg+xml", b"<svg onload=alert(1)>")}
    attachments = (
        Attachment("p", "x.png", "image/png", 4, True, "<foto@acme>"),
        Attachment("s", "x.svg", "image/svg+xml", 21, True, "svg@acme"),
        Attachment("b", "big.png", "image/png", mailbody.PICTURE_BYTES + 1, True, "big@acme"),
    )
    html = "".join(f"<img src='cid:{name}'>" for name in ("foto@acme", "svg@acme", "big@acme", "none@acme"))
    body = mailbody.sanitise(html, attachments, files.get)
    assert body.html.count("src=") == 1
    assert 'src="data:image/png;base64,iVBORw=="' in body.html
    assert body.blocked == 0


def test_a_picture_is_found_by_its_bare_name_or_an_escaped_one_and_never_elsewhere() -> None:
    """CASES mail 32: src without cid:."""
    attachments = (
        Attachment("p", "foto 1.png", "image/png", 4, True),
        Attachment("q", "b.png", "image/png", 4, content_id="b@x"),
    )
    files = {"p": File("foto 1.png", "image/png", b"\x89PNG"), "q": File("b.png", "image/png", b"\x89PNQ")}
    html = "<img src='foto%201.png'><img src='cid:b%40x'><img src='images/b.png'><img src='//evil.example/b.png'>"
    html += "<img src='https://evil.example/b.png'>"
    body = mailbody.sanitise(html, attachments, files.get)
    assert body.html.count("data:image/png;base64,") == 3
    assert (body.blocked, "evil" in body.html) == (2, False)


def test_downloads_are_never_shown_by_the_browser(backend: DemoBackend, browser: TestClient) -> None:
    """CASES C1, C3."""
    backend.files["f1"] = File("../../etc/pass\nwd\u202egnp.html", "text/html", b"<script>alert(1)</script>")
    for path, kind in (("files/f1", "application/octet-stream"), ("raw", "message/rfc822")):
        answer = browser.get(f"{PATH}/letters/l1/{path}")
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert answer.headers["content-type"] == kind
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert 'filename="passwdgnp.html"' in browser.get(f"{PATH}/letters/l1/files/f1").headers["content-disposition"]


def test_a_letter_or_file_that_is_not_of_this_ticket_is_not_found(browser: TestClient) -> None:
    for path in ("letters/l9/raw", "letters/l9/html", "letters/l1/files/f9", "letters/l9/files/f1"):
        assert browser.get(f"{PATH}/{path}").status_code == 404


@pytest.mark.parametrize(
    ("filename", "label"),
    [
        ("bolle.csv", "bolle.csv"),
        ("C:\\temp\\evil.exe", "evil.exe"),
        ('a"; filename=b.txt', "a; filename=b.txt"),
        ("..", "file"),
        ("", "file"),
        ("perché\r\nX-Evil: 1.txt", "perch_X-Evil 1.txt"),
        ("a" * 400, "a" * 150),
    ],
)
def test_a_filename_is_only_a_harmless_label(filename: str, label: str) -> None:
    """CASES C3."""
    header = forms.disposition(filename)
    assert f'filename="{label}"' in header
    assert header.isascii()
    assert "\r" not in header
    assert "\n" not in header
