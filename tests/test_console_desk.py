"""The console over the real store: what its pages say after a mail, a call with a page, an answer; on both databases."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from html import unescape

import pytest
import sqlalchemy as sa
from world import EDGE, Agent, World

from gateway.store import tables

Begin = Callable[..., World]
EMMA = "+390655500303"


@pytest.fixture
def night(begin: Begin) -> World:
    """The demo desk on a Wednesday evening, when everybody is at home."""
    return begin("demo", "2026-11-25 21:30", hours="gold")


def paged_call(world: World) -> None:
    """Emma calls about the worst; Carla passes on, Anna accepts."""
    phone = world.call(EMMA)
    for keys in ("2", "200003#", "200333#", "1"):
        phone.presses(keys)
    phone.says("the main switchboard is dead")
    phone.hangs_up()
    world.advance()
    for key in ("3", "1"):
        (name,) = world.rings()
        engineer = world.engineer(name)
        engineer.answers()
        engineer.presses(key)
        world.advance()
    world.advance(minutes=3)


def told(agent: Agent, number: str) -> list[str]:
    """The entries of a ticket's story, each as one line of words without times."""
    page = agent.client.get(f"/tickets/{number}").text
    entries = re.findall(r'<li class="entry.*?</article>', page, re.DOTALL)
    plain = [unescape(re.sub(r"<time.*?</time>|<[^>]+>", " ", entry, flags=re.DOTALL)) for entry in entries]
    return [" ".join(words.split()) for words in plain]


@contextmanager
def questions(world: World) -> Iterator[list[str]]:
    """Every statement that reaches the database meanwhile."""
    asked: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    sa.event.listen(world.database.engine, "before_cursor_execute", note)
    yield asked
    sa.event.remove(world.database.engine, "before_cursor_execute", note)


def test_a_mail_is_shown_with_what_is_new_apart_from_what_is_quoted_and_its_files_come_byte_for_byte(
    world: World,
) -> None:
    mail = EmailMessage()
    mail["Authentication-Results"] = f"{EDGE}; dmarc=pass header.from=acme.example"
    mail["From"], mail["To"], mail["Subject"] = "Mario <mario@acme.example>", world.address, "Stampante"
    mail.set_content("Non stampa.\n\n-- \nMario Rossi\nTel. 06 1234\n")
    mail.add_attachment(b"a;b\n1;2\n", maintype="text", subtype="csv", filename="bolle.csv")
    number = world.deliver(mail.as_bytes(), envelope_from="mario@acme.example").number or ""
    world.advance()
    giulia = world.agent()

    entry = told(giulia, number)[0]
    assert entry.startswith("Mario wrote Non stampa. Quoted part and signature -- Mario Rossi Tel. 06 1234 bolle.csv")
    page = giulia.client.get(f"/tickets/{number}").text
    (link,) = re.findall(r'href="(/tickets/[^"]+/files/0)"', page)
    assert giulia.client.get(link).content == b"a;b\n1;2\n"
    (raw, *_) = re.findall(r'href="(/tickets/[^"]+/raw)"', page)
    assert giulia.client.get(raw).content == mail.as_bytes()
    facts = giulia.sees(f"/tickets/{number}")
    assert "ACME S.p.A., Mario Rossi" in facts
    assert "Take charge" in facts
    assert "counted from Wed 25 Nov 2026 10:00" in facts


def test_a_call_is_one_entry_and_its_page_says_who_was_rung_and_what_they_pressed(night: World) -> None:
    paged_call(night)
    giulia = night.agent()
    number = night.ticket().number
    call, page, taken, *_ = told(giulia, number)
    assert call.startswith("Emma Demo Clarke called the main switchboard is dead")
    assert re.search(r"From \+39 06 5550 0303.*customer code.*The PIN was right.*ticket was opened.*Said what", call)
    first, second = [name for name in ("Anna Valli", "Bruno Serra", "Carla Monti") if name in page]
    assert re.fullmatch(r"Presa rang the on-call chain (.+) Passed on · pressed 3 (.+) Accepted · pressed 1", page)
    assert night.ticket().assignee in (first, second)
    assert taken == f"{night.ticket().assignee} took it in charge"
    calls = giulia.sees("/calls")
    assert "Charlie Demo Ltd +39 06 5550 0303 Ended · " in calls
    assert "was rung for Charlie Demo Ltd" in calls
    assert "In progress" not in calls


def test_an_answer_is_told_once_with_what_became_of_it(world: World) -> None:
    number = world.mail().number or ""
    world.advance()
    giulia = world.agent()
    giulia.does(world.ticket(), "answer", text="Ci siamo.", then="wait")
    before = [entry for entry in told(giulia, number) if "Ci siamo." in entry]
    assert len(before) == 1
    assert before[0].endswith("Waiting")
    world.advance()
    after = [entry for entry in told(giulia, number) if "Ci siamo." in entry]
    assert len(after) == 1
    assert after[0].startswith("Giulia answered by mail Ci siamo.")
    assert after[0].endswith("Sent")
    assert told(giulia, number)[-1] == "Giulia paused the clock waiting for the customer's answer"


def test_what_people_do_is_told_in_the_readers_words(world: World) -> None:
    world.mail()
    giulia = world.agent()
    giulia.does(world.ticket(), "take")
    giulia.does(world.ticket(), "priority", priority="P4", text="one printer only")
    giulia.does(world.ticket(), "escalate", to="specialists", text="")
    giulia.does(world.ticket(), "resolve", text="Toner.")
    giulia.does(world.ticket(), "reopen", text="not quite")
    story = told(giulia, world.ticket().number)
    assert "Giulia took it in charge" in story
    assert "Giulia changed the priority P3 → P4 one printer only" in story
    assert any(entry.startswith("Giulia handed it on") and entry.endswith("→ Specialists") for entry in story)
    assert "Giulia reopened it not quite" in story
    users = tables.users
    world.database.write(lambda c: c.execute(sa.update(users).values(language="it")))
    italian = told(giulia, world.ticket().number)
    assert "Giulia ha preso in carico" in italian
    assert "Giulia ha cambiato la priorità P3 → P4 one printer only" in italian


def test_a_ticket_without_a_mail_address_offers_no_answer_and_shows_the_number_to_call_back(night: World) -> None:
    phone = night.call("+390655500101")
    phone.presses("1")
    phone.presses("9")
    phone.waits()
    phone.presses("#")
    phone.hears("La richiameremo")
    phone.hangs_up()
    giulia = night.agent()
    number = night.ticket().number
    page = giulia.client.get(f"/tickets/{number}").text
    assert f'action="/tickets/{number}/answer"' not in page
    assert "Asked to be called back at +39 06 5550 0101" in told(giulia, number)[0]
    assert "Call back +39 06 5550 0101 · Waiting" in giulia.sees("/calls")


def test_the_ledger_says_in_words_why_and_names_the_ticket(world: World) -> None:
    raw = world.written("mario@acme.example", "Stampante", "Non stampa.", headers={})
    number = world.deliver(raw, envelope_from="mario@acme.example").number or ""
    world.deliver(raw, envelope_from="mario@acme.example")
    world.mail(world.address, "Io", "Sono io.", proof=None)
    shown = world.agent().sees("/ledger")
    assert f"mario@acme.example Stampante 1.1795597200@acme.example New ticket {number}" in shown
    assert f"Delivered again {number} The same mail came before same-delivery" in shown
    assert "Held It claims to come from one of our own addresses own-address" in shown


def test_a_list_of_many_costs_as_many_questions_as_a_list_of_one(world: World) -> None:
    giulia = world.agent()
    counts = {}
    for path in ("/", "/ledger", "/calls", "/outbox"):
        giulia.client.get(path)
    for wanted in (1, 6):
        while len(world.tickets()) < wanted:
            world.mail(text=f"Guasto numero {len(world.tickets())}")
            world.advance()
        for path in ("/", "/ledger", "/outbox"):
            with questions(world) as asked:
                giulia.client.get(path)
            counts.setdefault(path, []).append(len(asked))
    assert all(few == many for few, many in counts.values()), counts


def test_a_list_shows_when_something_last_happened(world: World) -> None:
    world.mail()
    world.advance(minutes=20)
    giulia = world.agent()
    assert 'class="calm fresh' not in giulia.client.get("/").text
    giulia.does(world.ticket(), "note", text="guardo")
    assert " fresh" in giulia.client.get("/").text


def test_a_ticket_that_outlived_its_desk_and_its_plan_is_still_shown(world: World) -> None:
    number = world.mail().number or ""
    changes = {"desk": "gone", "queue": "gone", "plan": "gone"}
    world.database.write(lambda c: c.execute(sa.update(tables.tickets).values(**changes)))
    giulia = world.agent()
    assert "Stampante" in giulia.sees("/")
    assert "Stampante" in giulia.sees("/ledger")
    assert number.split("-", 1)[1] in giulia.sees(f"/tickets/{number}")


def test_what_cannot_be_done_says_why_and_changes_nothing(world: World) -> None:
    number = world.mail().number or ""
    giulia = world.agent()
    late = giulia.form(world.ticket(), "resolve", text="Fatto.")
    giulia.does(world.ticket(), "resolve", text="Toner.")
    before = world.rows()
    answer = giulia.client.post(f"/tickets/{number}/resolve", data=late)
    assert answer.status_code == 409
    assert f"{number} is resolved" in answer.text
    assert world.rows() == before


def test_what_a_report_lacks_is_told_beside_its_kind_and_not_as_something_that_is_not_covered(begin: Begin) -> None:
    world = begin("demo", "2026-11-25 10:00")
    world.mail("emma.clarke@charlie-demo.example", "Fax", "The fax is down.")
    lacking = [line for line in world.ticket().evidence if line.startswith("mark: lacks-")]
    assert lacking, world.ticket().evidence
    page = world.agent().client.get(f"/tickets/{world.ticket().number}").text
    assert "asked for in the first answer" in page
    assert "Not covered" not in page
