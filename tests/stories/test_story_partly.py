"""An answer of which only a part is here, or that nobody can read: its sender hears of it once, and so does a person."""

from dataclasses import replace

import pytest
from world import World, read_letter

from gateway.engine import Arrival, Outcome

SEALED = (
    "MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nMIAGCSqGSIb3DQEHA6CAMIACAQA=\r\n"
)
TOP = "Authentication-Results: mx.example.test; dmarc=pass header.from=acme.example\r\n"


def opened(world: World) -> str:
    """A ticket of Mario's; the address that adds to it."""
    world.mail()
    world.advance(60)
    (reply_to,) = read_letter(world.letter()).reply_to
    return reply_to.addr


def answers(world: World, to: str, what: str, n: int = 1, **more: object) -> Outcome:
    """Anna answers with a mail that is too big for us, or encrypted."""
    head = f"From: anna@acme.example\r\nTo: {to}\r\nSubject: Re: Stampante\r\nMessage-ID: <{what}{n}@acme.example>\r\n"
    rest = SEALED if what == "encrypted" else f"\r\nEcco le foto, parte {n}.\r\n"
    arrival = Arrival(
        "lmtp", "127.0.0.1", "anna@acme.example", (to,), f"{TOP}{head}{rest}".encode(), world.now,
        whole=30_000_000 if what == "too-big" else None,
    )  # fmt: skip
    return world.engine.take_mail(replace(arrival, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "words"),
    [("too-big", "più grande|troppo grande"), ("encrypted", "cifrata")],
)
def test_an_answer_that_is_not_here_whole_is_told_to_its_sender_once_and_to_a_person(
    world: World, what: str, words: str
) -> None:
    """CASES mail 25, 28."""
    to = opened(world)
    done = [answers(world, to, what, n).outcome for n in (1, 2)]
    world.advance(60)
    answers(world, to, what, 3)
    world.advance(60)
    assert done == ["append", "append"]
    _, told = world.letters()
    assert (told.recipient, told.kind, told.state) == ("anna@acme.example", "notice", "sent")
    text = " ".join((read_letter(told).text or "").split())
    assert any(word in text for word in words.split("|"))
    assert read_letter(told).in_reply_to == f"{what}1@acme.example"
    assert world.alarm_kinds() == [what]
    assert world.ticket().number in world.alarms()[0].words
    if what == "too-big":
        assert sum(line.startswith("the mail was too big: of 30000000") for line in world.story(world.ticket())) == 3
    assert len(world.tickets()) == 1


def test_who_opens_a_ticket_with_an_encrypted_mail_hears_that_nobody_can_read_it(world: World) -> None:
    """CASES mail 25."""
    raw = f"{TOP}From: mario@acme.example\r\nTo: support@example.test\r\nMessage-ID: <s@acme.example>\r\n{SEALED}"
    done = world.deliver(raw.encode(), envelope_from="mario@acme.example")
    world.advance(60)
    assert (done.outcome, "mark: encrypted" in world.ticket().evidence) == ("new", True)
    assert "cifrata" in " ".join((read_letter(world.letter()).text or "").split())


@pytest.mark.parametrize("how", ["automatic", "null sender", "an old story"])
def test_nobody_writes_about_it_to_a_machine(world: World, how: str) -> None:
    to = opened(world)
    raw = f"{TOP}From: anna@acme.example\r\nTo: {to}\r\nAuto-Submitted: auto-replied\r\nMessage-ID: <a@acme.example>\r\n\r\nx\r\n"
    changed: dict[str, dict[str, object]] = {
        "automatic": {"raw": raw.encode()}, "null sender": {"envelope_from": ""}, "an old story": {"quiet": True},
    }  # fmt: skip
    assert answers(world, to, "too-big", **changed[how]).outcome == "append"
    world.advance(60)
    assert len(world.letters()) == 1
    assert world.alarm_kinds() == ["too-big"]


def test_the_letter_about_it_is_within_the_budgets_of_all_automatic_letters(world: World) -> None:
    to = opened(world)
    for n in range(10):  # ten automatic letters an hour go to one address
        world.mail("anna@acme.example", f"Altro {chr(97 + n)}", f"Non si apre la porta {chr(97 + n)} del magazzino.")
        world.advance(1)
    before = len(world.letters())
    answers(world, to, "too-big")
    world.advance(60)
    assert (before, len(world.letters())) == (11, 11)
