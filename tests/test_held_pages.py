"""What a stranger's held mail can do to whoever looks at it: nothing. And the same decisions from the command line."""

import re
from collections.abc import Callable

import pytest
from databases import DESKS
from typer.testing import CliRunner, Result
from world import Agent, World

from gateway.cli.commands import app

HOSTILE = b"""From: a@x.example, b@x.example\r
To: support@example.test\r
Subject: =?utf-8?q?=3Cscript=3Ealert(1)=3C/script=3E?=\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=x\r
\r
--x\r
Content-Type: text/html; charset=utf-8\r
\r
<p onclick="alert(2)">Ciao</p><script>alert(3)</script><img src="https://tracker.example/p.gif"><svg onload=alert(4)>\r
--x\r
Content-Type: image/svg+xml; name="../../evil.svg"\r
Content-Disposition: attachment; filename="../../evil.svg"\r
\r
<svg xmlns="http://www.w3.org/2000/svg" onload="alert(5)"/>\r
--x--\r
"""


@pytest.fixture(params=["sqlite"])
def kind(request: pytest.FixtureRequest) -> str:
    """Pages and commands do not depend on the database."""
    return str(request.param)


@pytest.fixture
def giulia(world: World) -> Agent:
    assert world.deliver(HOSTILE).outcome == "held"
    return world.agent()


def test_hostile_words_are_only_ever_text(giulia: Agent) -> None:
    """CASES C1."""
    for path in ("/held", "/held/1"):
        html = giulia.client.get(path).text
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)" in html


def test_the_html_is_sanitised_sandboxed_and_fetches_nothing(giulia: Agent) -> None:
    """CASES C1, C2."""
    page = giulia.client.get("/held/1").text
    assert 'sandbox="allow-popups' in page
    frame = giulia.client.get("/held/1/html")
    for trace in ("<script", "onclick", "onload", "tracker.example", "<svg"):
        assert trace not in frame.text
    assert "Ciao" in frame.text
    assert frame.headers["content-security-policy"].startswith("sandbox ")
    assert "default-src 'none'" in frame.headers["content-security-policy"]


def test_attachments_and_the_raw_mail_are_downloads_under_harmless_names(giulia: Agent) -> None:
    """CASES C1, C3."""
    file, raw = giulia.client.get("/held/1/files/0"), giulia.client.get("/held/1/raw")
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert 'filename="evil.svg"' in file.headers["content-disposition"]
    assert 'filename="report-1.eml"' in raw.headers["content-disposition"]
    assert raw.content == HOSTILE


@pytest.mark.parametrize(
    "path", ["/held/9", "/held/x", "/held/9/html", "/held/1/files/7", "/held/9/raw", "/held/1/files/x"]
)
def test_what_is_not_there_is_not_found(giulia: Agent, path: str) -> None:
    assert giulia.client.get(path).status_code == 404


def test_a_strangers_form_decides_nothing(giulia: Agent, world: World) -> None:
    for form in ({"mail-1": "1", "how": "new"}, {"csrf": "wrong", "mail-1": "1", "how": "spam"}):
        assert giulia.client.post("/held", data=form).status_code == 403
    assert world.outcomes() == [("held", "ambiguous-sender")]


@pytest.mark.parametrize("fields", [{}, {"how": "new"}, {"mail-1": "1"}, {"mail-1": "1", "how": "eaten"}])
def test_half_a_decision_is_asked_for_again(giulia: Agent, world: World, fields: dict[str, str]) -> None:
    csrf = giulia.client.get("/held").text.split('name="csrf" value="')[-1].split('"')[0]
    answer = giulia.client.post("/held", data={"csrf": csrf, **fields})
    assert (answer.status_code, "Tick the mails" in answer.text) == (409, True)
    typed = {"csrf": csrf, "mail-1": "1", "how": "new", "ticket": "PR-1000-0020"}
    assert "press the button beside it" in giulia.client.post("/held", data=typed).text
    assert world.outcomes() == [("held", "ambiguous-sender")]


# Commands -------------------------------------------------------------------------------------------------------


@pytest.fixture
def presa(world: World) -> Callable[..., Result]:
    url = world.database.engine.url.render_as_string(hide_password=False)

    def run(*words: str) -> Result:
        config = ["--config", str(DESKS / "test")] if words[0] == "held" else []
        return CliRunner().invoke(app, [*words, *config, "--database", url])

    return run


def test_held_mails_are_listed_shown_and_released_from_the_command_line(
    world: World, presa: Callable[..., Result]
) -> None:
    for n in range(3):
        world.mail("a@x.example, b@x.example", f"Numero {n}", "Testo")
    listed = presa("held", "list").stdout
    assert [f"Numero {n}" in line for n, line in enumerate(listed.splitlines())] == [True] * 3
    assert "Testo" in presa("held", "show", "1").stdout
    done = presa("held", "release", "1", "--by", "Ada")
    number = world.ticket().number
    assert (done.exit_code, done.stdout) == (0, f"1: new {number}\n")
    assert presa("held", "release", "1").stdout == f"1: new {number} (as before)\n"
    assert presa("held", "release", "2", "--onto", number).stdout == f"2: append {number}\n"
    assert presa("held", "release", "3", "--spam").stdout == "3: refused spam\n"
    wrong = presa("held", "release", "1", "--spam")
    assert (wrong.exit_code, "Ada has decided" in wrong.stderr) == (1, True)
    assert presa("held").stdout == ""
    assert '"reason": "spam"' not in presa("held", "list", "--spam", "--json").stdout  # what it was held for is shown
    assert "Numero 2" in presa("held", "list", "--spam").stdout


def test_a_mail_that_came_again_gets_a_ticket_of_its_own_from_the_command_line(
    world: World, presa: Callable[..., Result]
) -> None:
    raw = world.written("mario@acme.example", "Due volte", "Testo", headers={})
    for _ in range(2):
        world.deliver(raw, envelope_from="mario@acme.example")
    done = presa("held", "own", "2", "--by", "Ada")
    first, second = world.tickets()
    assert (done.exit_code, done.stdout, second.linked) == (0, f"2: new {second.number}\n", first.id)
    assert presa("held", "own", "2").stdout == f"2: new {second.number} (as before)\n"
    wrong = presa("held", "own", "1")
    assert (wrong.exit_code, "report 1 is with no other ticket" in wrong.stderr) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        ["eat"],
        ["show"],
        ["release"],
        ["release", "1", "--spam", "--onto", "x"],
        ["show", "99"],
        ["own"],
        ["own", "1", "--spam"],
    ],
)
def test_a_command_that_makes_no_sense_is_one_clear_line(presa: Callable[..., Result], words: list[str]) -> None:
    done = presa("held", *words)
    assert (done.exit_code, done.stderr.count("\n"), done.stderr.startswith("presa: ")) == (2, 1, True)


def test_an_erasure_says_first_what_it_would_erase_and_asks(world: World, presa: Callable[..., Result]) -> None:
    world.mail()
    before = world.rows()
    dry = presa("erase", "--person", "mario@acme.example", "--dry-run").stdout
    assert "1 tickets" in dry
    assert "dry run" in dry
    asked = presa("erase", "--person", "mario@acme.example")
    assert asked.exit_code != 0  # nobody answered
    assert world.rows() == before
    assert world.ticket().requester == "mario@acme.example"
    assert "erased, with 1 raw mails" in presa("erase", "--person", "mario@acme.example", "--yes").stdout
    assert world.ticket().requester is None
    assert "nothing is stored" in presa("erase", "--person", "nobody@x.example", "--yes").stdout


def test_an_export_of_a_customer_is_lines_of_json(world: World, presa: Callable[..., Result]) -> None:
    world.mail()
    world.mail("eva@stranger.example", proof=None)
    done = presa("export", "--customer", "ACME")
    assert "mario@acme.example" in done.stdout
    assert "eva@" not in done.stdout
    assert presa("export").exit_code == 2


def test_all_that_the_page_shows_can_be_decided_at_once(giulia: Agent, world: World) -> None:
    for n in range(3):
        world.deliver(HOSTILE.replace(b"Ciao", b"Ciao %d" % n))
    page = giulia.client.get("/held").text
    (shown,) = re.findall(r'name="all" value="([0-9 ]+)"', page)
    world.deliver(HOSTILE.replace(b"Ciao", b"Arrivata dopo"))
    csrf = page.split('name="csrf" value="')[-1].split('"')[0]
    answer = giulia.client.post("/held", data={"csrf": csrf, "all": shown, "mail-1": "1", "how": "spam"})
    assert "Called spam: 4" in answer.text
    assert [row.outcome for row in world.ledger()] == ["refused"] * 4 + ["held"]  # nothing that nobody has seen
    assert 'name="all"' not in giulia.client.get("/held").text
    assert giulia.client.post("/held", data={"csrf": csrf, "all": "x;1", "how": "spam"}).status_code == 409
