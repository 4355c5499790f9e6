"""Mails that other systems stumble over, through the whole gateway: each is a ticket that says what it can, or held, and
never another mail's."""

import base64
from itertools import combinations

import pytest
from world import EDGE, World, read_letter

from gateway.engine import Outcome
from gateway.store import reports

PROVEN = f"Authentication-Results: {EDGE}; dmarc=pass header.from=acme.example\r\n".encode()
FROM = b"From: Mario <mario@acme.example>\r\n"
CALM = b"Subject: Stampante\r\nMessage-ID: <calm@acme.example>\r\n"


def taken(world: World, raw: bytes) -> Outcome:
    done = world.deliver(PROVEN + raw, envelope_from="mario@acme.example")
    row = world.ledger()[-1]
    assert world.read(reports.raw, row.sha256) == PROVEN + raw  # whatever was understood of it
    return done


# Broken but readable --------------------------------------------------------------------------------------------

BROKEN = {
    "an unknown charset": (b"Content-Type: text/plain; charset=klingon\r\n\r\nper\xc3\xb2 funziona\r\n", "però funziona"),
    "windows-1252 that says latin-1": (
        b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n\x93citazione\x94 \x80 10\r\n", "“citazione” € 10"
    ),
    "utf-8 that says ascii": ("Content-Type: text/plain; charset=us-ascii\r\n\r\nperò\r\n".encode(), "però"),
    "no charset at all": ("\r\nperò\r\n".encode("cp1252"), "però"),
    "gb18030": (b"Content-Type: text/plain; charset=gb2312\r\n\r\n" + "打印机坏了".encode("gb18030") + b"\r\n", "打印机坏了"),
    "shift-jis": (b"Content-Type: text/plain; charset=shift_jis\r\n\r\n" + "プリンタ".encode("cp932") + b"\r\n", "プリンタ"),
    "base64 that is damaged": (b"Content-Transfer-Encoding: base64\r\n\r\nY2lhbyBh!!dHR1dHRp\r\n", "ciao attutti"),
    "a transfer encoding that is none": (b"Content-Transfer-Encoding: x-unknown\r\n\r\nciao\r\n", "ciao"),
    "a type that is none": (b"Content-Type: text\r\n\r\nciao\r\n", "ciao"),
    "a multipart without a boundary": (b"Content-Type: multipart/mixed\r\n\r\nciao\r\n", "ciao"),
    "a multipart that never ends": (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nciao", "ciao"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_mail_is_a_ticket_with_what_can_be_read_and_its_raw(world: World, what: str) -> None:
    """CASES mail 24."""
    rest, words = BROKEN[what]
    done = taken(world, FROM + CALM + b"MIME-Version: 1.0\r\n" + rest)
    assert (done.outcome, done.reason) == ("new", None)
    assert words in world.story(world.ticket(), "mail-in")[0]
    assert world.alarms() == []


@pytest.mark.parametrize("kind", ["sqlite"])
def test_file_names_that_are_broken_are_labels_and_the_files_are_whole(world: World) -> None:
    """CASES mail 24: RFC 2231 in pieces that are out of order, encoded words where none belong, and a path."""
    names = (
        b"filename*1*=%20finale.pdf; filename*0*=utf-8''preventivo%C3%A8",
        b'filename="=?utf-8?q?citt=C3=A0=2Epdf?="',
        b'filename="..\\..\\x\\etc/passwd"',
    )
    parts = b"".join(
        b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; " + name + b"\r\n\r\n%d\r\n" % n
        for n, name in enumerate(names)
    )
    done = taken(world, FROM + CALM + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + b"--b--\r\n")
    page = world.agent().sees(f"/tickets/{done.number}")
    assert "preventivoè finale.pdf" in page
    assert "città.pdf" in page
    assert "/etc/passwd" not in page


# What every parser gets wrong -----------------------------------------------------------------------------------

DEEP = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(2_000))
ODD: dict[str, tuple[bytes, dict[str, object]]] = {
    "a space in its id": (FROM + b"Subject: uno\r\nMessage-ID: <a b@c>\r\n\r\nuno\r\n", {"outcome": "new"}),
    "another with a space": (FROM + b"Subject: due\r\nMessage-ID: <a zzz@other>\r\n\r\ndue\r\n", {"outcome": "new"}),
    "the first word alone": (FROM + b"Subject: tre\r\nMessage-ID: <a>\r\n\r\ntre\r\n", {"outcome": "new"}),
    "a bare CR in its subject": (
        FROM + b"Subject: quattro\rFrom: eva@evil.example\r\nMessage-ID: <4@acme.example>\r\n\r\nquattro\r\n",
        {"outcome": "new", "requester": "mario@acme.example"},
    ),
    "an encoded line end in its subject": (
        FROM + b"Subject: =?utf-8?q?cinque=0D=0ABcc:_eva=40evil.example?=\r\nMessage-ID: <5@acme.example>\r\n\r\ncinque\r\n",
        {"outcome": "new", "subject": "cinque Bcc: eva@evil.example"},
    ),
    "a name with a comma": (
        b"From: Rossi, Mario <mario@acme.example>\r\nSubject: sei\r\nMessage-ID: <6@acme.example>\r\n\r\nsei\r\n",
        {"outcome": "new", "requester": "mario@acme.example"},
    ),
    "letters as they are in its From": (
        "From: Però Rossì <mario@acme.example>\r\nSubject: sette\r\nMessage-ID: <7@acme.example>\r\n\r\nsette\r\n".encode(),
        {"outcome": "new", "requester": "mario@acme.example"},
    ),
    "NUL": (FROM + b"Subject: ot\0to\r\nMessage-ID: <8@acme.example>\r\n\r\not\0to\r\n", {"outcome": "new"}),
    "five thousand recipients": (
        FROM + b"Subject: nove\r\nMessage-ID: <9@acme.example>\r\nTo: "
        + b",\r\n ".join(b"u%d@elsewhere.example" % n for n in range(5_000)) + b"\r\n\r\nnove\r\n",
        {"outcome": "new", "requester": "mario@acme.example"},
    ),
    "two thousand parts in each other": (
        FROM + b"Subject: dieci\r\nMessage-ID: <10@acme.example>\r\n" + DEEP, {"outcome": "new"}
    ),
    "three thousand comments in its From": (
        b"From: " + b"(" * 3_000 + b"x" + b")" * 3_000 + b" <mario@acme.example>\r\nSubject: undici\r\nMessage-ID: <11@acme.example>\r\n\r\n11\r\n",
        {"outcome": "new", "requester": "mario@acme.example"},
    ),
    "two authors": (
        b"From: mario@acme.example\r\nFrom: eva@evil.example\r\nMessage-ID: <12@acme.example>\r\n\r\ndodici\r\n",
        {"outcome": "held", "reason": "ambiguous-sender"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("what", ODD)
def test_an_odd_mail_is_right_or_held(world: World, what: str) -> None:
    """CASES mail 33."""
    raw, expected = ODD[what]
    done = taken(world, raw)
    found: dict[str, object] = {"outcome": done.outcome, "reason": done.reason}
    if done.number:
        ticket = world.ticket(done.number)
        assert "\r" not in ticket.subject
        assert "\n" not in ticket.subject
        found |= {"requester": ticket.requester, "subject": ticket.subject}
    assert {name: found[name] for name in expected} == expected
    world.advance(60)
    assert {letter.recipient for letter in world.letters()} <= {"mario@acme.example"}
    assert not any(read_letter(letter).header("bcc") for letter in world.letters())
    assert world.alarms() == []


def test_odd_mails_are_never_taken_for_each_other_nor_for_an_answer(world: World) -> None:
    """CASES mail 33: each with another's id in what it answers, which other parsers read as the same."""
    done = [taken(world, raw) for raw, _ in ODD.values()]
    numbers = [one.number for one in done if one.number]
    assert len(set(numbers)) == len(numbers) == len(ODD) - 1
    for first, second in combinations((b"<a b@c>", b"<a zzz@other>", b"<a>"), 2):
        reply = (
            FROM
            + b"Subject: R\r\nMessage-ID: <r"
            + first[1:-1]
            + second[1:]
            + b"\r\nIn-Reply-To: "
            + second
            + b"\r\n\r\n"
        )
        answered = taken(world, reply + base64.b64encode(first + second))
        expected = done[{b"<a b@c>": 0, b"<a zzz@other>": 1, b"<a>": 2}[second]].number
        assert answered.outcome == "new" or answered.number == expected


# Answers between the lines --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite"])
def test_answers_between_the_quotes_are_shown_and_the_whole_text_is_one_click_away(world: World) -> None:
    """CASES mail 27."""
    text = (
        "Il giorno mer 25 nov 2026 alle ore 09:00 Assistenza <support@example.test> ha scritto:\n"
        "> Quale stampante?\nQuella del terzo piano.\n> Da quando?\nDa lunedì mattina.\n> Cordiali saluti\n"
    )
    world.mail(text=text)
    world.advance(60)
    client = world.agent().client
    number = world.ticket().number
    page = client.get(f"/tickets/{number}").text
    shown = page.partition('<div class="text">')[2].partition("</div>")[0]
    assert "Quella del terzo piano." in shown
    assert "Da lunedì mattina." in shown
    world.mail(subject="Altra", text="Nuova riga.\n\n-- \nMario Rossi\nACME S.p.A.\n\n> riga citata\n")
    page = client.get(f"/tickets/{max(world.tickets(), key=lambda one: one.id).number}").text
    assert "Nuova riga." in page.partition('<div class="text">')[2].partition("</div>")[0]
    hidden = page.partition("<details")[2]
    assert "ACME S.p.A." in hidden
    assert "riga citata" in hidden
    assert "Raw mail" in page
