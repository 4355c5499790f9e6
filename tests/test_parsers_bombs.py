"""Hostile and broken mail: nothing raises, nothing takes longer than its size allows."""

import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import parsers

MAIL = Path(__file__).parent / "mail"
TOP = b"From: Mario <m@x.it>\r\nTo: desk@y.it\r\nSubject: s\r\n"
REPORT = b"Return-Path: <>\r\nFrom: MAILER-DAEMON@x.it\r\nSubject: failure notice\r\n\r\n"


def nested(levels: int) -> bytes:
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(levels))
    return TOP + opened + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


def parts(count: int) -> bytes:
    return (
        TOP
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n" * count
        + b"--b--\r\n"
    )


MEGA = 1_000_000
BOMBS: dict[str, Callable[[], bytes]] = {
    "2,000 levels": lambda: nested(2_000),
    "5,000 parts": lambda: parts(5_000),
    "the same boundary at every level": lambda: (
        TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 5_000
    ),
    "100 levels, then a megabyte of dashes": lambda: nested(100) + b"--\n" * (MEGA // 3),
    "5,000 recipients": lambda: (
        b"From: m@x.it\r\nTo: " + b", ".join(b"Name %d <u%d@x.it>" % (i, i) for i in range(5_000)) + b"\r\n\r\nx"
    ),
    "3,000 nested comments in From": lambda: b"From: " + b"(" * 3_000 + b")" * 3_000 + b" m@x.it\r\n\r\nx",
    "comments never closed": lambda: b"From: " + b"(" * MEGA + b" m@x.it\r\n\r\nx",
    "quotes never closed": lambda: b"From: " + b'"\\' * (MEGA // 2) + b" <m@x.it>\r\n\r\nx",
    "brackets never closed": lambda: b"From: " + b"<" * MEGA + b"\r\n\r\nx",
    "brackets with odd quotes": lambda: b"From: " + b'<">' * (MEGA // 3) + b"\r\n\r\nx",
    "commas": lambda: b"From: " + b"," * MEGA + b"\r\n\r\nx",
    "colons and semicolons": lambda: b"From: " + b"a:;" * (MEGA // 3) + b"\r\n\r\nx",
    "words": lambda: b"From: " + b"a " * (MEGA // 2) + b"\r\n\r\nx",
    "words with commas": lambda: b"From: " + b"a, " * (MEGA // 3) + b"b <m@x.it>\r\n\r\nx",
    "at signs": lambda: b"From: " + b"@ " * (MEGA // 2) + b"\r\n\r\nx",
    "spaces in From": lambda: b"From: a" + b" " * MEGA + b"\r\n\r\nx",
    "encoded words begun": lambda: b"Subject: " + b"=?utf-8?Q?" * (MEGA // 10) + b"\r\n\r\nx",
    "encoded words": lambda: b"Subject: " + b"=?utf-8?Q?a?= " * (MEGA // 14) + b"\r\n\r\nx",
    "a subject of question marks": lambda: b"Subject: =?" + b"?" * MEGA + b"\r\n\r\nx",
    "ids": lambda: b"References: " + b"<" * MEGA + b"\r\nMessage-ID: " + b'<"' * (MEGA // 2) + b"\r\n\r\nx",
    "a bare id": lambda: b"In-Reply-To: " + b"a" * MEGA + b"\r\nReferences: " + b"a@" * (MEGA // 2) + b"\r\n\r\nx",
    "a name of dots": lambda: TOP + b"\r\nhi\r\nThanks,\r\nA" + b"." * MEGA + b"!",
    "a subject of spaces": lambda: b"Subject: !" + b" " * MEGA + b"x\r\n\r\nx",
    "pipes and dashes": lambda: (
        REPORT + b"undeliverable " + b"\r\n" + b"|" * (MEGA // 2) + b"\r\n" + b"-" * (MEGA // 2)
    ),
    "stars": lambda: REPORT + b"undeliverable\r\n" + b"*" * MEGA,
    "files begun": lambda: TOP + b"\r\n" + b"begin 644 a\r\n#0V%T\r\n" * (MEGA // 21) + b"end\r\n",
    "files in the text": lambda: TOP + b"\r\n" + b"begin 644 a\r\n#0V%T\r\n`\r\nend\r\n" * (MEGA // 30),
    "armour": lambda: TOP + b"\r\n" + b"-----BEGIN PGP SIGNED MESSAGE-----\r\n" * (MEGA // 37),
    "armour without end": lambda: TOP + b"\r\n" + b"-----BEGIN PGP SIGNATURE-----\r\n" * (MEGA // 31),
    "forwards": lambda: b"Fwd: x\r\n" + TOP + b"\r\n" + b"Begin forwarded message:\r\n" * (MEGA // 27),
    "forwarded senders": lambda: TOP + b"\r\n---- Forwarded message ----\r\nFrom: " + b"a@b " * (MEGA // 4),
    "mails in the mail": lambda: (
        TOP
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: message/rfc822\r\n\r\nTo: a\r\n" * 20_000
    ),
    "a calendar": lambda: (
        TOP + b"Content-Type: text/calendar\r\n\r\n" + b"BEGIN:VEVENT\r\nSUMMARY:a\r\nEND:VEVENT\r\n" * (MEGA // 37)
    ),
    "certified": lambda: (
        TOP + b"X-Trasporto: posta-certificata\r\nContent-Type: message/rfc822\r\n\r\n" + nested(2_000)
    ),
    "certified in certified": lambda: (
        (TOP + b"X-Trasporto: posta-certificata\r\nContent-Type: message/rfc822\r\n\r\n") * 2_000
    ),
    "envelopes": lambda: TOP + b"Content-Type: application/pkcs7-mime\r\n\r\n" + b"\x30\x80" * (MEGA // 2),
    "many tiny files of Outlook": lambda: (
        TOP
        + b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        + b"\x78\x9f\x3e\x22\x01\x00"
        + b"\x02\x02\x90\x06\x00\x00\x00\x00\x00\x00\x00" * (MEGA // 11)
    ),
    "parameters": lambda: b"Content-Type: text/plain" + b"; a" * (MEGA // 3) + b"\r\n\r\nx",
    "continued parameters": lambda: b"Content-Type: text/plain" + b"; name*1*=a" * (MEGA // 11) + b"\r\n\r\nx",
    "header lines": lambda: b"a:\r\n" * (MEGA // 4) + b"\r\nx",
    "folds": lambda: b"Subject: a" + b"\r\n b" * (MEGA // 4) + b"\r\n\r\nx",
    "no colon": lambda: b"word\n" * (MEGA // 5),
    "lost lines": lambda: b"junk\nX-A: b\n" * (MEGA // 12) + b"\n",
    "one line": lambda: TOP + b"\r\n" + b"x" * MEGA,
    "one line of words": lambda: TOP + b"\r\n" + b"on wrote: " * (MEGA // 10),
    "endless quotes": lambda: TOP + b"\r\n" + b"> a\r\n" * (MEGA // 5),
    "quotes and answers": lambda: TOP + b"\r\n" + b"> a\r\nb\r\n" * (MEGA // 8),
    "attributions": lambda: TOP + b"\r\n" + b"On 1/1/2026 10:00 x wrote:\r\n> a\r\n" * (MEGA // 33),
    "header blocks": lambda: TOP + b"\r\n" + b"From: a\r\nTo: b\r\nDate: c\r\n" * (MEGA // 24),
    "dashes": lambda: TOP + b"\r\n" + b"- " * (MEGA // 2),
    "rules": lambda: TOP + b"\r\n" + b"-----\r\n" * (MEGA // 7),
    "empty lines": lambda: TOP + b"\r\n" + b"\r\n" * (MEGA // 2),
    "spaces": lambda: TOP + b"\r\n" + b" " * MEGA,
    "thanks": lambda: TOP + b"\r\n" + b"thanks\r\n" * (MEGA // 8),
    "open tags": lambda: TOP + b"Content-Type: text/html\r\n\r\n" + b"<div>" * (MEGA // 5),
    "open brackets in html": lambda: TOP + b"Content-Type: text/html\r\n\r\n" + b"<" * MEGA,
    "comments in html": lambda: TOP + b"Content-Type: text/html\r\n\r\n" + b"<!--" * (MEGA // 4),
    "scripts in html": lambda: TOP + b"Content-Type: text/html\r\n\r\n" + b"<script>" * (MEGA // 8),
    "nested tables": lambda: TOP + b"Content-Type: text/html\r\n\r\n" + b"<table><tr><td>a" * 140,
    "nested lists": lambda: TOP + b"Content-Type: text/html\r\n\r\n" + b"<ul><li>a" * 10_000,
    "nested quotes in html": lambda: TOP + b"Content-Type: text/html\r\n\r\n" + b'<blockquote type="cite">a' * 8_000,
    "base64 of padding": lambda: TOP + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QQ==" * (MEGA // 4),
    "quoted-printable of nothing": lambda: (
        TOP + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"= \t" * (MEGA // 3)
    ),
    "uuencoded rubbish": lambda: TOP + b"Content-Transfer-Encoding: x-uuencode\r\n\r\n" + b"~~~\n" * (MEGA // 4),
    "utf-7": lambda: TOP + b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + b"+A" * (MEGA // 2),
    "iso-2022-jp": lambda: TOP + b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + b"\x1b$B" * (MEGA // 3),
    "high bytes": lambda: TOP + b"\r\n" + b"\x81\xfe" * (MEGA // 2),
    "a report of addresses": lambda: REPORT + b"<a@x.it>: user unknown\r\n" * (MEGA // 24),
    "a report of one line": lambda: REPORT + b"undeliverable " + b"a" * MEGA,
    "a report of at signs": lambda: REPORT + b"undeliverable " + b"a@" * (MEGA // 2),
    "a report of commas": lambda: REPORT + b"undeliverable " + b", a@b" * (MEGA // 5),
    "a report of stars and addresses": lambda: REPORT + b"undeliverable\r\n" + b"*a@b" * (MEGA // 4),
    "a report of commas in one line": lambda: REPORT + b"undeliverable\r\n" + b"Hi," * (MEGA // 3),
    "a report of commas in base64": lambda: (
        REPORT.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n") + b"SGks" * (MEGA // 4)
    ),
    "addresses and nothing between": lambda: b"From: " + b"a@b " * (MEGA // 4) + b"\r\n\r\nx",
    "words, colons and addresses": lambda: b"From: " + b"From: a@b " * (MEGA // 10) + b";\r\n\r\nx",
    "names and addresses": lambda: b"To: " + b"made from a@b.c " * (MEGA // 16) + b"\r\n\r\nx",
    "header names": lambda: TOP + b"\r\n" + b"a:\r\n" * (MEGA // 4),
    "tables of Notes": lambda: TOP + b"\r\n" + b"To\r\ncc\r\nSubject\r\n" * (MEGA // 17),
    "attributions beside words": lambda: TOP + b"\r\n" + b"x on 1 15:04 a@b wrote:\r\n" * (MEGA // 25),
    "notices": lambda: TOP + b"\r\n" + b"confidential recipient\r\n\r\n" * (MEGA // 26),
    "a report of empty lines": lambda: REPORT + b"undeliverable\r\n" + b"\n" * MEGA,
    "a report of sources": lambda: REPORT + b"undeliverable\r\n" + b"generated from a@b.c " * (MEGA // 21),
    "quotes with a line above": lambda: (
        TOP + b"Content-Type: text/html\r\n\r\n" + b"<div>15:04 a@b:</div><blockquote>x</blockquote>" * 8_000
    ),
    "a status of many groups": lambda: (
        REPORT.replace(b"\r\n\r\n", b"\r\nContent-Type: message/delivery-status\r\n\r\n")
        + b"Action: failed\r\nFinal-Recipient: rfc822;a@b\r\n\r\n" * 15_000
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_read_in_bounded_time(name: str) -> None:
    raw = BOMBS[name]()
    started = time.process_time()
    found = parsers.parse(raw)
    assert time.process_time() - started < 2.0
    assert found.error is None
    json.dumps(parsers.as_json(found))


def test_depth_parts_and_recipients_have_their_limits() -> None:
    deep = parsers.parse(nested(2_000))
    assert [one.content_type for one in deep.attachments] == ["multipart/mixed"]
    assert len(parsers.parse(nested(50)).text or "") == len("deep\n")
    assert len(parsers.parse(parts(5_000)).attachments) <= 1_000
    assert len(parsers.parse(BOMBS["5,000 recipients"]()).to) == 1_000


def test_an_endless_header_block_is_read_up_to_its_limit_and_the_body_is_found() -> None:
    for block in (b"a: b\r\n" * 3_000, b"Subject: a" + b"\r\n b" * 400_000 + b"\r\n"):
        found = parsers.parse(b"From: m@x.it\r\n" + block + b"\r\nthe body")
        assert (found.text, len(found.froms)) == ("the body", 1)


def test_comments_in_from_leave_the_one_address() -> None:
    assert [one.addr for one in parsers.parse(BOMBS["3,000 nested comments in From"]()).froms] == ["m@x.it"]


TYPES: dict[str, tuple[type, ...]] = {
    "from": (dict, type(None)), "to": (list,), "cc": (list,), "subject": (str, type(None)), "message_id": (str, type(None)),
    "in_reply_to": (str, type(None)), "references": (list,), "text": (str, type(None)), "html": (str, type(None)),
    "attachments": (list,), "reply_text": (str,), "reply_with_signature": (str,), "is_bounce": (bool,),
    "failed_recipients": (list,), "is_auto_reply": (bool,), "suppress_auto_response": (bool,), "error": (str,),
    "protection": (str,), "forwarded": (dict,), "certified": (dict,), "invites": (list,), "unpacked": (list,),
}  # fmt: skip


def check(raw: bytes) -> None:
    out = parsers.as_json(parsers.parse(raw))
    for name, value in out.items():
        assert isinstance(value, TYPES[name]), name
    text = json.dumps(out, ensure_ascii=False)
    text.encode("utf-8")
    assert "\\u0000" not in text
    if raw.strip():
        assert "error" not in out


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=2_000))
def test_random_bytes_are_always_a_message(raw: bytes) -> None:
    check(raw)


PIECES = [
    b"From: ", b"To: ", b"Subject: ", b"Message-ID: ", b"References: ", b"Content-Type: ", b"Content-Transfer-Encoding: ",
    b"multipart/mixed; boundary=b", b"multipart/report; report-type=delivery-status; boundary=b", b"text/plain; charset=", b"text/html",
    b"utf-7", b"utf-16", b"iso-2022-jp", b"gb2312", b"message/rfc822", b"message/delivery-status", b"base64", b"quoted-printable", b"x-uuencode",
    b"\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\x00", b"--b\r\n", b"--b--\r\n", b"--", b"<", b">", b'"', b"(", b")", b",", b";", b":", b"@", b"\\",
    b"m@x.it", b"=?utf-8?Q?", b"=?utf-8?B?", b"?=", b"a", b" ", b"\t", b"=", b"==", b"\xff", b"\xc3\xa8", b"> ", b"On 1/1/2026 10:00 x wrote:",
    b"From: a@b\r\nSent: 1/1/2026 10:00\r\nTo: c\r\n", b"-- \r\n", b"Thanks,\r\n", b"<div>", b"<table><td>", b"</table>", b"<blockquote type=cite>",
    b"Return-Path: <>\r\n", b"From: MAILER-DAEMON@x\r\nSubject: failure notice\r\n", b"Action: failed\r\n", b"Final-Recipient: rfc822;a@b\r\n",
    b"X-Ricevuta: errore-consegna\r\n", b"X-Trasporto: posta-certificata\r\n", b"text/calendar", b"BEGIN:VEVENT\r\n", b"END:VEVENT\r\n", b"DTSTART:20261116T150000Z\r\n",
    b"application/ms-tnef; name=winmail.dat", b"\x78\x9f\x3e\x22", b"application/pkcs7-mime", b"\x30\x80\x06\x09", b"-----BEGIN PGP SIGNED MESSAGE-----\r\n",
    b"Begin forwarded message:\r\n", b"Fwd: ", b"end\r\n", b"Date: ", b"filename*0*=", b"utf-8''%E8", b"name=", b"begin 644 a\r\n", b"Hi. This is the qmail-send program\r\n",
]  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join))
def test_pieces_of_mail_in_any_order_are_always_a_message(raw: bytes) -> None:
    check(raw)
    check(TOP + raw)


WHOLE = (
    TOP
    + b"Message-ID: <a@x>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\ncitt=C3=A0\r\n\r\nOn 1/1/2026 10:00 x wrote:\r\n> old\r\n--b\r\n"
    b'Content-Type: application/pdf; name="=?utf-8?Q?a.pdf?="\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n'
)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(WHOLE)), st.integers(0, 40), st.binary(max_size=8))
def test_a_mail_damaged_anywhere_is_still_a_message(at: int, cut: int, put: bytes) -> None:
    check(WHOLE[:at] + put + WHOLE[at + cut :])


def mutated(count: int) -> Iterator[bytes]:
    """Mails of every kind in tests/mail, each with a few faults from a fixed seed: cut, doubled, swapped, bytes changed."""
    chance = random.Random(2026)
    kept = [path.read_bytes() for path in sorted(MAIL.glob("*.eml"))]
    for name in ("reports.txt", "no_reports.txt"):
        kept += [entry.partition(b"\n")[2] for entry in (MAIL / name).read_bytes().split(b"\n#### ")[1:]]
    for _ in range(count):
        raw = bytearray(chance.choice(kept))
        for _ in range(chance.randint(1, 6)):
            at, size = chance.randrange(len(raw) + 1), chance.choice((1, 1, 4, 40, 400))
            piece = raw[at : at + size]
            raw[at : at + size] = chance.choice(
                (b"", piece * 2, piece[::-1], chance.randbytes(size), chance.choice(PIECES), chance.choice(kept)[:size])
            )
        yield bytes(raw)


def test_two_thousand_malformed_mails_are_all_messages_within_their_time() -> None:
    """CASES R4 and C4: accepted = parsed, each within two seconds, all within sixty."""
    began = time.process_time()
    slowest = 0.0
    for raw in mutated(2_000):
        started = time.process_time()
        check(raw)
        slowest = max(slowest, time.process_time() - started)
    assert slowest < 2.0
    assert time.process_time() - began < 60.0
