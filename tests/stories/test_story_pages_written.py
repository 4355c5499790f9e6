"""Pages in writing: SMS, mail, webhook and ntfy; answers by SMS and by the link; and when nobody answers at all."""

import base64
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx2
import pytest
from databases import settings_of
from world import World, instant, read_letter

from gateway.paging.notes import KIND
from gateway.phone import twilio
from gateway.rehearsal import TOKEN, Rehearsal
from gateway.store.database import open_database
from routing.desk import Desk

Open = Callable[..., "Written"]
OUTAGE = {"subject": "Siamo fermi", "text": "Non funziona nulla."}
REACH = {"mail": "{id}@duty.example", "ntfy": "https://ntfy.test/{id}", "webhook": "https://hooks.test/{id}"}


class Written(World):
    """The test desk whose people can be written to too."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        super().__init__(rehearsal)
        self.posted: list[httpx2.Request] = []
        self.answer = 200
        notes = rehearsal.parts.runner._handlers[KIND].__self__  # type: ignore[attr-defined]
        notes._client = httpx2.Client(transport=httpx2.MockTransport(self._post))

    def _post(self, request: httpx2.Request) -> httpx2.Response:
        self.posted.append(request)
        return httpx2.Response(self.answer)

    def texts(self, name: str) -> list[str]:
        number = self.engineer(name).number
        return [row["body"] for row in self.rehearsal.exchange.texts if row["to"] == number]

    def sms(self, name: str, text: str, message: str = "SM1") -> str:
        """An engineer writes back; what they read."""
        fields = {"MessageSid": message, "From": self.engineer(name).number, "To": "+390200000000", "Body": text}
        return self.sends_text(fields)[1]

    def sends_text(self, fields: dict[str, str], token: str = TOKEN) -> tuple[int, str]:
        url = f"{self.rehearsal.settings.public_url}/phone/twilio/message"
        signed = twilio.signature(url, tuple(fields.items()), token)
        return self.rehearsal.fetch(url, fields, {"X-Twilio-Signature": signed})

    def link(self, text: str) -> str:
        found = re.search(r"https?://\S+/page/\S+", text)
        assert found, text
        return found[0]


def changed(desk: Desk, step: dict[str, Any], policy: dict[str, Any]) -> Desk:
    assert desk.on_call is not None
    people = {
        one.id: replace(
            one, reach={"sms": one.number or "", **{kind: where.format(id=one.id) for kind, where in REACH.items()}}
        )
        for one in desk.on_call.people.values()
    }
    steps = tuple(replace(one, **step) for one in desk.on_call.policy.steps)
    on_call = replace(desk.on_call, people=people, policy=replace(desk.on_call.policy, steps=steps, **policy))
    return replace(desk, on_call=on_call)


@pytest.fixture
def opened(stock: Any, kind: str) -> Any:
    from contextlib import ExitStack

    with ExitStack() as stack:

        def open_one(*, at: str = "2026-11-25 10:00", step: dict[str, Any] | None = None, **policy: Any) -> Written:
            url = stack.enter_context(stock.fresh(kind, "test"))
            settings = settings_of("test")
            desks = {name: changed(desk, step or {}, policy) for name, desk in settings.desks.items()}
            made = Written(Rehearsal(replace(settings, desks=desks), open_database(url), instant(at)))
            stack.callback(made.close)
            return made

        yield open_one


ALL = {"channels": ("phone", "sms", "mail", "webhook", "ntfy")}


def test_with_the_ring_goes_a_note_by_every_channel_of_the_step(opened: Open) -> None:
    world = opened(step=ALL)
    world.mail(**OUTAGE)
    world.advance(1)
    assert world.rings() == ["Dora Seconda"]
    (text,) = world.texts("Dora Seconda")
    assert "ACME S.p.A." in text
    assert "Restano" in text
    assert [letter.recipient for letter in world.letters() if letter.kind == "page"] == ["due@duty.example"]
    assert sorted(request.url.host for request in world.posted) == ["hooks.test", "ntfy.test"]
    assert any("Dora Seconda by sms: sent" in words for words in world.story(world.ticket(), "page"))


def test_a_webhook_is_signed_as_the_standard_says(opened: Open) -> None:
    world = opened(step={"channels": ("phone", "webhook")})
    world.mail(**OUTAGE)
    world.advance(1)
    (request,) = world.posted
    secret = world.engine.secret
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.content
    mac = base64.b64encode(hmac.new(secret, signed, sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{mac}"
    assert json.loads(request.content)["data"]["ticket"] == world.ticket().number


def test_one_by_sms_accepts_and_nobody_else_is_rung(opened: Open) -> None:
    world = opened(step=ALL)
    world.mail(**OUTAGE)
    world.advance(3)
    assert "è tua" in world.sms("Dora Seconda", "1")
    assert (world.ticket().state, world.ticket().assignee) == ("taken", "Dora Seconda")
    world.advance(hours=1)
    assert world.orders() == 1
    assert "già di Dora Seconda" in world.sms("Teo Terzo", f"1 {world.ticket().number}", "SM2")


def test_three_by_sms_passes_on_and_the_next_is_rung_at_once(opened: Open) -> None:
    world = opened(step=ALL)
    world.mail(**OUTAGE)
    world.advance(2)
    assert "passa a un altro" in world.sms("Dora Seconda", "3")
    world.advance(0)
    assert world.rings() == ["Dora Seconda", "Teo Terzo"]


def test_a_text_without_the_right_signature_or_from_a_stranger_does_nothing(opened: Open) -> None:
    world = opened(step=ALL)
    world.mail(**OUTAGE)
    world.advance(2)
    fields = {"MessageSid": "SM1", "From": world.engineer("Dora Seconda").number, "To": "+390200000000", "Body": "1"}
    assert world.sends_text(fields, token="another")[0] == 403
    status, body = world.sends_text({**fields, "From": "+390699999999"})
    assert (status, "Message>" in body) == (200, False)
    assert world.ticket().state == "new"


def test_a_scanner_that_opens_the_link_accepts_nothing_and_the_form_accepts_once(opened: Open) -> None:
    world = opened(step={"channels": ("phone", "mail")})
    world.mail(**OUTAGE)
    world.advance(2)
    (letter,) = [one for one in world.letters() if one.kind == "page"]
    link = world.link(read_letter(letter).text)
    client = world.rehearsal.client
    for _ in range(3):
        assert world.ticket().number in client.get(link).text
    assert world.ticket().state == "new"
    assert client.post(link[:-1] + ("0" if link[-1] != "0" else "1"), data={"do": "accept"}).status_code == 404
    assert "è tua" in client.post(link, data={"do": "accept"}).text
    assert world.ticket().assignee == "Dora Seconda"
    entries = len(world.story(world.ticket()))
    client.post(link, data={"do": "pass"})
    assert len(world.story(world.ticket())) == entries


def test_a_person_who_is_only_written_to_has_their_wait_and_is_not_rung(opened: Open) -> None:
    world = opened(step={"channels": ("sms",), "wait_seconds": 60})
    world.mail(**OUTAGE)
    world.advance(59)
    assert (world.orders(), len(world.texts("Dora Seconda")), world.texts("Teo Terzo")) == (0, 1, [])
    world.advance(2)
    assert len(world.texts("Teo Terzo")) == 1
    assert "è tua" in world.sms("Teo Terzo", "ok")
    world.advance(hours=1)
    assert (world.orders(), world.texts("Ugo Primo")) == (0, [])


def test_an_sms_whose_answer_was_lost_is_looked_for_and_not_sent_twice(opened: Open) -> None:
    """CASES phone 21: an ambiguous create is never repeated blindly."""
    world = opened(step={"channels": ("sms",), "wait_seconds": 60})
    world.rehearsal.exchange.trouble = ["after"]
    world.mail(**OUTAGE)
    world.advance(30)
    assert len(world.texts("Dora Seconda")) == 1
    assert any("found at the carrier" in words for words in world.story(world.ticket(), "page"))


def test_trouble_with_notes_stops_no_telephone_and_is_told(opened: Open) -> None:
    world = opened(step=ALL)
    world.answer = 404
    world.mail(**OUTAGE)
    world.advance(7)
    assert world.rings() == ["Dora Seconda", "Teo Terzo"]
    assert "note-refused" in world.alarm_kinds()


def test_when_nobody_accepts_everybody_is_told_by_every_way_the_ticket_is_marked_and_the_customer_hears_the_truth(
    opened: Open,
) -> None:
    world = opened(tell_customer=True)
    world.mail(**OUTAGE)
    world.advance(minutes=10)
    for name in ("Dora Seconda", "Teo Terzo", "Ugo Primo"):
        (text,) = world.texts(name)
        assert "NESSUNO HA ACCETTATO" in text
    assert {request.url.host for request in world.posted} == {"hooks.test", "ntfy.test"}
    assert len([letter for letter in world.letters() if letter.kind == "page"]) == 3
    assert "mark: page-exhausted" in world.ticket().evidence
    (truth,) = [
        letter for letter in world.letters() if letter.recipient == "mario@acme.example" and letter.kind == "answer"
    ]
    assert "nessuno dei nostri reperibili ha ancora preso in carico" in " ".join(
        read_letter(truth).text.lower().split()
    )
    assert "è tua" in world.sms("Ugo Primo", "1")  # late is better than never
    assert world.ticket().assignee == "Ugo Primo"


def test_after_a_page_its_report_tells_every_attempt_who_slept_and_how_long_it_took(opened: Open) -> None:
    """CASES phone 1, 2: what came of each call in the provider's words; answered is not accepted."""
    world = opened()
    world.mail(**OUTAGE)
    world.advance(0)
    dora = world.engineer("Dora Seconda")
    dora.answers()
    dora.hangs_up()
    world.advance(26)
    teo = world.engineer("Ugo Primo")
    teo.answers()
    teo.presses("1")
    world.advance(120)
    report, lines = report_of(world)
    assert report.startswith(
        "page: accepted by Ugo Primo after 26 s; 4 attempts; did not wake: Dora Seconda, Teo Terzo"
    )
    assert "likely voicemail, carrier: completed" in lines
    assert "no-answer" in lines
    assert "accepted" in lines


def report_of(world: World) -> tuple[str, str]:
    from gateway.store import tickets

    (entry,) = [one for one in world.read(tickets.story, world.ticket().id) if one.kind == "page-report"]
    return entry.data["words"], entry.data["text"]


# Passing on with a reason, and having the next rung too ------------------------------------------------------------


def test_a_reason_after_the_three_is_kept(opened: Open) -> None:
    world = opened(step=ALL)
    world.mail(**OUTAGE)
    world.advance(2)
    assert "passa a un altro" in world.sms("Dora Seconda", f"3 {world.ticket().number} sono in treno")
    assert any("sono in treno" in words for words in world.story(world.ticket(), "page"))


def test_an_sms_that_says_nothing_we_know_hears_what_it_may_say_with_a_number_as_the_desk_writes_them(
    opened: Open,
) -> None:
    assert "1 TS-1002-4130." in opened().sms("Dora Seconda", "eh?")


def test_five_by_sms_rings_the_next_too_and_whoever_asked_may_still_accept(opened: Open) -> None:
    world = opened(step=ALL)
    world.mail(**OUTAGE)
    world.advance(2)
    assert "ora squilla dal prossimo" in world.sms("Dora Seconda", "5")
    world.advance(0)
    assert world.rings() == ["Dora Seconda", "Teo Terzo"]
    assert "è tua" in world.sms("Dora Seconda", "1", "SM2")
    world.advance(1)
    assert "ora squilla dal prossimo" in world.sms("Dora Seconda", "5 serve aiuto", "SM3")
    world.advance(30)
    assert world.engineer("Ugo Primo").times_rung == 1
    assert "è tua" in world.sms("Teo Terzo", "1", "SM4")
    assert world.ticket().assignee == "Teo Terzo"


def test_passing_on_what_one_was_never_asked_for_is_nothing(opened: Open) -> None:
    world = opened(step=ALL)
    world.mail(**OUTAGE)
    world.advance(2)
    assert "nessuna chiamata" in world.sms("Ugo Primo", f"3 {world.ticket().number}")
    assert world.rings() == ["Dora Seconda"]


def test_the_page_on_a_telephone_s_screen_passes_on_with_a_reason_and_escalates(opened: Open) -> None:
    world = opened(step={"channels": ("phone", "mail")})
    world.mail(**OUTAGE)
    world.advance(2)
    client = world.rehearsal.client
    (letter,) = [one for one in world.letters() if one.kind == "page"]
    link = world.link(read_letter(letter).text)
    assert "Fai squillare il prossimo" in client.get(link).text
    assert "ora squilla dal prossimo" in client.post(link, data={"do": "escalate"}).text
    world.advance(0)
    assert world.rings() == ["Dora Seconda", "Teo Terzo"]
    client.post(link, data={"do": "escalate"})
    world.advance(1)
    assert len(world.rings()) == 2
    assert "passa a un altro" in client.post(link, data={"do": "pass", "reason": "not my field"}).text
    assert any("not my field" in words for words in world.story(world.ticket(), "page"))
    assert client.post(link, data={"do": "explode"}).status_code == 400
