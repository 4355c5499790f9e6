"""Conversations: what belongs together stays together, and what comes back from other servers finds its ticket."""

import itertools

import pytest
from world import World, instant

from gateway.store.letters import StoredLetter


def acknowledgement(world: World) -> StoredLetter:
    world.mail()
    world.advance()
    return world.letter()


def test_an_answer_to_the_acknowledgement_is_added_to_its_ticket(world: World) -> None:
    letter = acknowledgement(world)
    done = world.reply(letter, "Succede solo con i PDF.")
    world.advance(3600)
    assert (done.outcome, done.number) == ("append", world.ticket().number)
    assert world.story(world.ticket(), "mail-in")[-1] == "Succede solo con i PDF."
    assert len(world.letters()) == 1  # an answer is not acknowledged again


def test_an_answer_to_the_plain_address_finds_its_ticket_by_our_message_id(world: World) -> None:
    letter = acknowledgement(world)
    done = world.mail(text="Anche oggi.", headers={"In-Reply-To": f"<{letter.message_id}>"})
    assert (done.outcome, done.number) == ("append", world.ticket().number)


def test_a_colleague_of_the_same_customer_may_answer(world: World) -> None:
    done = world.reply(acknowledgement(world), "Confermo.", "anna@acme.example")
    assert (done.outcome, done.number) == ("append", world.ticket().number)


def test_a_second_mail_of_the_customers_own_thread_is_added(world: World) -> None:
    first = world.mail(message_id="root@acme.example")
    done = world.mail(text="Dimenticavo.", headers={"References": "<root@acme.example>"})
    assert (done.outcome, done.number) == ("append", first.number)


ROOT = "root@acme.example"
TALK = (  # three people of one customer talk in a thread whose first mail we never saw
    ("mario@acme.example", "La stampante è ferma.", "one@acme.example", f"<{ROOT}>"),
    ("anna@acme.example", "Anche quella del terzo piano.", "two@acme.example", f"<{ROOT}> <one@acme.example>"),
    ("mario@acme.example", "Adesso stampa, ma solo in nero.", "three@acme.example", f"<{ROOT}> <two@acme.example>"),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_colleagues_who_answer_a_mail_we_never_saw_meet_in_one_ticket_in_any_order(
    world: World, order: tuple[int, ...]
) -> None:
    """CASES mail 12."""
    outcomes = []
    for at in order:
        author, text, own, references = TALK[at]
        headers = {"References": references, "Cc": "luigi.beta@gmail.com"}
        outcomes.append(world.mail(author, "Re: Stampante", text, message_id=own, headers=headers).outcome)
    assert outcomes == ["new", "append", "append"]
    assert (len(world.tickets()), len(world.story(world.ticket(), "mail-in"))) == (1, 3)
    # The Cc made nobody a party: what they write of the same thread is a ticket of their own.
    assert (
        world.mail("luigi.beta@gmail.com", "Re: Stampante", "Novità?", headers={"References": f"<{ROOT}>"}).outcome
        == "new"
    )


def test_a_sign_up_mail_of_another_site_is_nobodys_ticket_and_its_code_goes_nowhere(world: World) -> None:
    """CASES mail 18, attack I7: the "ticket trick"."""
    done = world.mail(
        "no-reply@signup.example", "Confirm your address", "Your code is 483112.", message_id="code@signup.example",
        headers={"Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    world.advance(minutes=5)
    ticket = world.ticket(done.number)
    assert (ticket.customer, ticket.verified, world.letters()) == (None, False, [])
    for claim in ({"proof": None}, {"proof": "fail"}, {"proof": "pass", "from_": "someone@signup.example"}):
        who = {"from_": "no-reply@signup.example", **claim}
        again = world.mail(
            subject="Re: Confirm your address", text="?", headers={"References": "<code@signup.example>"}, **who
        )
        assert (again.outcome, again.number != ticket.number) == ("new", True)
        world.advance(minutes=5)
    assert not any("483112" in letter.body.decode(errors="replace") for letter in world.letters())


@pytest.mark.parametrize("mark", ["Fwd:", "FW:", "WG:", "I:", "TR:", "RV:", "i: WG:"])
def test_a_forward_of_the_same_thread_is_a_report_of_its_own_that_is_linked(world: World, mark: str) -> None:
    """CASES mail 11: in the words of whatever mail program; to somebody else it is linked to nothing."""
    first = world.mail(message_id="root@acme.example")
    thread = {"References": "<root@acme.example>"}
    done = world.mail(subject=f"{mark} Stampante", text="Vedi sotto.", headers=thread)
    assert (done.outcome, done.number != first.number) == ("new", True)
    assert world.ticket(done.number).linked == first.ticket_id
    assert len(world.story(world.ticket(first.number), "mail-in")) == 1
    other = world.mail("luigi.beta@gmail.com", f"{mark} Stampante", "Mi dicono di scrivere a voi.", headers=thread)
    assert (other.outcome, world.ticket(other.number).linked) == ("new", None)


def test_an_answer_to_a_forward_stays_with_its_thread(world: World) -> None:
    """CASES mail 11: the colleague to whom it was passed on writes to us; their answer is no forward."""
    first = world.mail(message_id="root@acme.example")
    headers = {"In-Reply-To": "<passed@acme.example>", "References": "<root@acme.example> <passed@acme.example>"}
    done = world.mail("anna@acme.example", "R: I: Stampante", "Confermo, è ferma.", headers=headers)
    assert (done.outcome, done.number) == ("append", first.number)


def test_a_persons_answer_ends_the_wait_for_the_customer(world: World) -> None:
    letter = acknowledgement(world)
    giulia = world.agent()
    world.advance(minutes=10)
    giulia.does(world.ticket(), "pause", reason="quale stampante?")
    assert (world.ticket().state, world.ticket().next_due) == ("waiting", None)
    world.advance(hours=2)
    world.reply(letter, "Quella grande.")
    ticket = world.ticket()
    assert ticket.state == "taken"
    assert [(pause.start, pause.end) for pause in ticket.pauses] == [
        (instant("2026-11-25 10:10"), instant("2026-11-25 12:10"))
    ]
    assert ticket.next_due == instant("2026-11-25 16:00")  # four hours, and the two that we waited


def test_a_vacation_notice_does_not_end_the_wait(world: World) -> None:
    letter = acknowledgement(world)
    giulia = world.agent()
    giulia.does(world.ticket(), "pause", reason="quale stampante?")
    done = world.mail(
        text="Sono in ferie.",
        headers={"In-Reply-To": f"<{letter.message_id}>", "Auto-Submitted": "auto-replied"},
    )
    assert (done.outcome, world.ticket().state) == ("append", "waiting")


def test_an_answer_soon_after_the_end_reopens_the_ticket(world: World) -> None:
    letter = acknowledgement(world)
    world.agent().does(world.ticket(), "resolve", text="Cambiato il toner.")
    world.advance(days=13)
    done = world.reply(letter, "Di nuovo come prima.")
    assert (done.outcome, done.number) == ("append", world.ticket().number)
    assert (world.ticket().state, world.ticket().resolved_at) == ("new", None)
    assert "reopened by the customer's answer" in world.story(world.ticket())


def test_an_answer_long_after_the_end_is_a_new_ticket_that_names_the_old_one(world: World) -> None:
    letter = acknowledgement(world)
    old = world.ticket()
    world.agent().does(old, "resolve", text="Cambiato il toner.")
    world.advance(days=15)
    done = world.reply(letter, "Di nuovo come prima.")
    assert (done.outcome, done.number != old.number) == ("new", True)
    assert world.ticket(done.number).linked == old.id
    assert world.ticket(old.number).state == "closed"  # by the silence in between


BOUNCE = """\
From: MAILER-DAEMON@acme.example
To: support@example.test
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <bounce1@acme.example>
Date: Wed, 25 Nov 2026 10:05:00 +0100
In-Reply-To: <{ours}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.acme.example

Final-Recipient: rfc822; mario@acme.example
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Message-ID: <{ours}>
Subject: Abbiamo ricevuto la sua segnalazione

--b--
"""


def bounce_of(message_id: str) -> bytes:
    return BOUNCE.format(ours=message_id).replace("\n", "\r\n").encode()


def test_a_bounce_of_our_letter_lands_on_its_ticket_and_alarms(world: World) -> None:
    letter = acknowledgement(world)
    before = world.ticket()
    done = world.deliver(bounce_of(letter.message_id), envelope_from="")
    world.advance(3600)
    assert (done.outcome, done.reason, done.number) == ("append", "bounce", before.number)
    (alarm,) = [alarm for alarm in world.alarms() if alarm.kind == "bounce"]
    assert "mario@acme.example" in alarm.words
    assert before.number in alarm.words
    assert (world.ticket().state, len(world.letters())) == (before.state, 1)


def test_a_bounce_of_an_agents_answer_comes_back_to_its_ticket_by_the_address_alone(world: World) -> None:
    acknowledgement(world)
    world.agent().does(world.ticket(), "answer", text="Quale stampante?", then="")
    world.advance()
    answer = world.letters()[-1]
    raw = bounce_of(answer.message_id).replace(f"In-Reply-To: <{answer.message_id}>\r\n".encode(), b"")
    done = world.deliver(raw, to=answer.envelope_from, envelope_from="")
    assert (done.outcome, done.reason, done.number) == ("append", "bounce", world.ticket().number)
    assert "bounce" in world.alarm_kinds()


def test_a_bounce_of_a_letter_that_is_not_ours_is_held(world: World) -> None:
    done = world.deliver(bounce_of("something@else.example"), envelope_from="")
    world.advance(3600)
    assert (done.outcome, done.reason) == ("held", "bounce-not-ours")
    assert (world.tickets(), world.letters(), world.alarms()) == ((), [], [])
