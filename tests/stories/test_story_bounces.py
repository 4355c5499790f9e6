"""Our own mail comes back: on its ticket and loud when it failed, on its ticket and quiet when it is only late."""

import base64
import quopri
import re
from dataclasses import replace

import pytest
from world import World

from gateway.store.letters import StoredLetter


def returned(letter: StoredLetter, how: str, action: str = "failed") -> bytes:
    """A report about a letter, to the desk's plain address: only what it returns of our mail says whose it is."""
    whole = letter.body.replace(b"\r\n", b"\n")
    header = whole.partition(b"\n\n")[0] + b"\n"
    parts = {
        "whole mail": (b"message/rfc822", b"", whole),
        "headers": (b"text/rfc822-headers", b"", header),
        "headers in quoted-printable": (
            b"text/rfc822-headers", b"Content-Transfer-Encoding: quoted-printable\n", quopri.encodestring(header),
        ),
        "headers in base64": (b"text/rfc822-headers", b"Content-Transfer-Encoding: base64\n", base64.encodebytes(header)),
        "nothing": (b"text/plain", b"", b"The mail is not returned.\n"),
    }  # fmt: skip
    kind, encoding, content = parts[how]
    status = b"5.1.1" if action == "failed" else b"4.4.1"
    text = (
        b"From: MAILER-DAEMON@relay.example\nTo: support@example.test\nSubject: Undelivered Mail Returned to Sender\n"
        b"Message-ID: <b1@relay.example>\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        b"--b\nContent-Type: text/plain\n\nThis is the mail system at host relay.example.\n\n"
        b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\n"
        b"Final-Recipient: rfc822; mario@acme.example\nAction: " + action.encode() + b"\nStatus: " + status + b"\n\n"
        b"--b\nContent-Type: " + kind + b"\n" + encoding + b"\n" + content + b"\n--b--\n"
    )
    return text.replace(b"\n", b"\r\n")


def sent(world: World) -> StoredLetter:
    world.mail()
    world.advance()
    return world.letter()


@pytest.mark.parametrize("how", ["whole mail", "headers", "headers in quoted-printable", "headers in base64"])
def test_a_bounce_that_names_our_mail_only_in_what_it_returns_lands_on_its_ticket_and_alarms(
    world: World, how: str
) -> None:
    done = world.deliver(returned(sent(world), how), envelope_from="")
    assert (done.outcome, done.reason, done.number) == ("append", "bounce", world.ticket().number)
    assert world.alarm_kinds() == ["bounce"]
    assert "mario@acme.example" in world.alarms()[0].words
    assert world.ticket().state == "new"


def test_a_report_of_delay_lands_on_its_ticket_and_alarms_nobody(world: World) -> None:
    done = world.deliver(returned(sent(world), "whole mail", "delayed"), envelope_from="")
    assert (done.outcome, done.reason) == ("append", "delay")
    assert world.alarm_kinds() == []
    assert len(world.story(world.ticket(), "mail-in")) == 2


@pytest.mark.parametrize("how", ["whole mail", "headers"])
def test_a_bounce_of_a_mail_that_only_looks_like_ours_is_held(world: World, how: str) -> None:
    letter = sent(world)
    header = letter.body.partition(b"\r\n\r\n")[0]
    marks = set(re.findall(rb"\.([a-z2-7]{16})@", header))
    for mark in marks:
        header = header.replace(mark, b"a" * 16)
    forged = replace(letter, body=header + b"\r\n\r\nHello\r\n")
    done = world.deliver(returned(forged, how), envelope_from="")
    assert (done.outcome, done.reason, len(marks)) == ("held", "bounce-not-ours", 2)


def test_a_bounce_that_returns_nothing_of_our_mail_is_held(world: World) -> None:
    done = world.deliver(returned(sent(world), "nothing"), envelope_from="")
    assert (done.outcome, done.reason) == ("held", "bounce-not-ours")


def test_a_bounce_is_never_answered_and_starts_no_loop(world: World) -> None:
    """CASES mail 14"""
    letter = sent(world)
    for _ in range(3):
        world.deliver(returned(letter, "whole mail"), envelope_from="")
        world.advance(60)
    assert len(world.letters()) == 1
