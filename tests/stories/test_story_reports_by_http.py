"""What reaches the desk over HTTP is a report like any other: clocked, answered, threaded, paged."""

from typing import Any

from world import World

from gateway.store import api_tokens


def post(world: World, scope: str, path: str, *, vouches: bool = False, **more: Any) -> Any:
    _, text = world.database.write(
        lambda c: api_tokens.issue(c, "portal", (scope,), world.now, secret=world.engine.secret, vouches=vouches)
    )
    answer = world.rehearsal.client.post(path, headers={"Authorization": f"Bearer {text}"}, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_critical_report_of_a_portal_that_vouches_rings_the_engineer(world: World) -> None:
    typed = {"email": "mario@acme.example", "text": "Tutto fermo in produzione.", "severity": "1"}
    done = post(world, "report", "/in/report", vouches=True, json=typed)
    world.advance()
    (name,) = world.rings()
    engineer = world.engineer(name)
    engineer.answers()
    engineer.presses("1")
    world.advance(5)
    assert world.ticket(done["ticket"]).state == "taken"


def test_the_answer_to_a_portals_report_comes_back_by_mail_onto_its_ticket(world: World) -> None:
    done = post(
        world,
        "report",
        "/in/report",
        vouches=True,
        json={"email": "mario@acme.example", "text": "La stampante è ferma."},
    )
    world.advance()
    assert world.reply(world.letter(), "Ora va.").number == done["ticket"]
    assert world.story(world.ticket(), "mail-in") == ["La stampante è ferma.", "Ora va."]


def test_the_same_mail_by_http_and_by_smtp_is_one_ticket(world: World) -> None:
    raw = world.written("mario@acme.example", "Stampante", "Non stampa.", headers={})
    first = world.deliver(raw, envelope_from="mario@acme.example")
    path = "/in/mail/raw?recipient=support@example.test&sender=mario@acme.example"
    done = post(world, "mail", path, content=raw.replace(b"\r\n", b"\n"))
    assert (done["outcome"], done["ticket"]) == ("duplicate", first.number)


def test_an_address_that_nobody_proved_is_answered_once_an_hour_whatever_the_form_is_sent(world: World) -> None:
    """CASES attacks I8"""
    for n in range(5):
        post(
            world,
            "report",
            "/in/report",
            json={"email": "victim@elsewhere.example", "text": f"Offerta speciale numero {n} {'x' * n}"},
        )
        world.advance(60)
    (letter,) = world.letters()
    assert b"Offerta" not in letter.body
    assert "Offerta" not in letter.subject


def test_a_customer_who_writes_german_is_answered_in_german_and_told_that_english_is_better(world: World) -> None:
    world.mail(
        subject="Drucker",
        text="Guten Tag, der Drucker im zweiten Stock druckt nicht, bitte helfen Sie uns. Danke und Grüße",
    )
    world.advance()
    from world import read_letter

    words = " ".join((read_letter(world.letter()).text or "").split())
    assert "wir haben Ihre Meldung erhalten" in words
    assert "bitte schreiben Sie auf Englisch" in words
    assert "Test desk" in words
    assert world.ticket().language == "de"
