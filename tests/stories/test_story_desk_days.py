"""A day in the life of each desk that ships, from its configuration alone: mails, calls, deadlines, escalation, news."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from databases import MIGRATED, Stock
from desk_day import Open, desk_day
from world import OnThePhone, World, header, instant, read_letter

from gateway.store import api_tokens, letters
from routing.tickets import Ticket

CUSTOMER = """\
  - id: {id}
    name: {id} SpA
    code: "{code}"
    desk: {desk}
    plan: {plan}
    domains: [{domain}]
    contacts: [{{id: {id}-1, name: Anna {id}, emails: [anna@{domain}], phones: ["{phone}"], authorised: true}}]
    pins: ["{pin}"]
"""


def customer(desk: str, plan: str, n: int) -> str:
    name = plan.replace("-", "").upper()
    return CUSTOMER.format(
        id=name,
        code=f"70000{n}",
        desk=desk,
        plan=plan,
        domain=f"{plan}.example",
        phone=f"+39065550010{n}",
        pin=f"48151{n}",
    )


@pytest.fixture
def begin_desk(stock: Stock, kind: str, tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:

        def open_one(desk: str, at: str, *plans: str, change: object = str) -> World:
            url = stack.enter_context(stock.fresh(kind, MIGRATED))
            people = "".join(customer(desk, plan, n) for n, plan in enumerate(plans, 1))
            return stack.enter_context(desk_day(url, tmp_path / desk, desk, at, people, change))  # type: ignore[arg-type]

        yield open_one


def dues(world: World, number: str) -> dict[str, str]:
    return {one["target"]: one["due"] for one in world.ticket(number).clocks["targets"]}


def mails(world: World, plan: str, text: str, subject: str = "Problema") -> str:
    number = world.mail(f"anna@{plan}.example", subject, text).number
    assert number
    world.advance()
    return number


DOWN = "Non funziona nulla, siamo fermi."


def test_imagicle_on_ferragosto_gold_is_open_basic_is_closed_and_platinum_rings_at_night(begin_desk: Open) -> None:
    """15 August 2026, a Saturday and a holiday."""
    world = begin_desk("imagicle-care", "2026-08-15 10:00", "basic", "gold", "platinum")
    gold, basic = mails(world, "gold", DOWN), mails(world, "basic", DOWN)
    assert dues(world, gold) == {"notify": "2026-08-15T10:30:00+02:00", "take_charge": "2026-08-15T11:00:00+02:00"}
    assert dues(world, basic) == {"notify": "2026-08-17T13:00:00+02:00", "take_charge": "2026-08-18T18:00:00+02:00"}
    world.wait_until("2026-08-15 12:00")
    assert world.story(world.ticket(gold), "clock") == [
        "deadline near: notify",
        "deadline missed: notify",
        "deadline near: take_charge",
        "deadline missed: take_charge",
        "escalated to Team Leader by the clock",
    ]
    assert world.story(world.ticket(basic), "clock") == []
    world.wait_until("2026-08-15 21:30")
    phone = world.call("+390655500103")
    for keys in ("2", "1", "700003#", "481513#", "1"):
        phone.presses(keys)
    phone.hears("Your ticket is open")
    world.advance()
    (night,) = [ticket for ticket in world.tickets() if ticket.customer == "PLATINUM"]
    assert (night.via_on_call, dues(world, night.number)["take_charge"]) == (True, "2026-08-15T22:30:00+02:00")
    (name,) = world.rings()
    engineer = world.engineer(name)
    engineer.answers()
    engineer.presses("1")
    engineer.hears("Confirmed")
    world.advance(hours=1)
    assert world.ticket(night.number).met["take_charge"] < instant("2026-08-15 21:35")
    # The engineer has taken it in charge; nobody has told the customer its priority yet.
    missed = [words for words in world.story(world.ticket(night.number), "clock") if "missed" in words]
    assert missed == ["deadline missed: notify"]


def test_aruba_plans_tells_and_closes_a_critical_incident_with_the_customer(begin_desk: Open) -> None:
    world = begin_desk("aruba-enterprise", "2026-05-14 17:50", "premium")
    number = mails(world, "premium", DOWN)
    letter, giulia = world.letter(), world.agent()
    assert dues(world, number) == {
        "take_charge": "2026-05-14T18:00:00+02:00",
        "triage": "2026-05-14T18:20:00+02:00",
        "technical_contact": "2026-05-14T18:20:00+02:00",
        "resolution": "2026-05-14T19:50:00+02:00",
    }
    world.advance(minutes=5)
    giulia.does(world.ticket(number), "take")
    giulia.does(world.ticket(number), "priority", priority="P1", text="confermata")
    world.advance(minutes=25)
    giulia.does(world.ticket(number), "plan", text="Si ripristina dal nodo B entro le 21.", every="")
    world.wait_until("2026-05-14 19:21")
    told = world.story(world.ticket(number), "clock")
    assert told[-1] == "news to the customer is due"  # hourly, also in the evening
    giulia.does(world.ticket(number), "news", text="Al telefono: il nodo B è partito.")
    world.wait_until("2026-05-14 20:20")
    assert world.story(world.ticket(number), "clock") == told
    world.wait_until("2026-05-14 20:22")
    assert world.story(world.ticket(number), "clock") == [*told, "news to the customer is due"]
    giulia.does(world.ticket(number), "resolve", text="Ripristinato.")
    assert "breach" in world.alarm_kinds()  # nobody has been the technical contact in time
    world.advance(hours=1)
    world.reply(letter, "No, il portale dà ancora errore.", "anna@premium.example")
    ticket = world.ticket(number)
    assert (ticket.state, ticket.resolved_at) == ("taken", None)
    giulia.does(ticket, "resolve", text="Adesso anche il portale.")
    world.reply(letter, "Grazie mille, tutto risolto!\n\nAnna Premium", "anna@premium.example")
    world.advance(days=30)
    assert world.ticket(number).state == "closed"
    assert "closed: the customer confirms" in world.story(world.ticket(number))


def test_after_a_day_of_downtime_the_customer_is_owed_news_once_and_late(begin_desk: Open) -> None:
    world = begin_desk("aruba-enterprise", "2026-05-14 10:00", "premium")
    number = mails(world, "premium", DOWN)
    world.agent().does(world.ticket(number), "plan", text="Si sostituisce il nodo.", every="")
    world.advance()
    world.sleep(hours=24)
    world.advance()
    due = [words for words in world.story(world.ticket(number), "clock") if "news" in words]
    assert due == ["news to the customer is due (noticed late)"]
    world.advance(minutes=61)
    assert len([words for words in world.story(world.ticket(number), "clock") if "news" in words]) == 2


def test_what_was_agreed_with_the_customer_goes_before_the_plans_cadence(begin_desk: Open) -> None:
    world = begin_desk("aruba-enterprise", "2026-05-14 10:00", "enterprise")
    number = mails(world, "enterprise", "È tutto molto lento e degradato.")
    assert world.ticket(number).priority == "P2"
    world.agent().does(world.ticket(number), "plan", text="Si aggiunge memoria.", every="1 day")
    world.wait_until("2026-05-15 17:59")
    assert "news to the customer is due" not in world.story(world.ticket(number), "clock")
    world.wait_until("2026-05-15 18:01")
    assert "news to the customer is due" in world.story(world.ticket(number), "clock")


def test_mailup_promises_nothing_by_the_clock_and_silence_closes_what_is_resolved(begin_desk: Open) -> None:
    world = begin_desk("mailup", "2026-05-14 10:00", "standard")
    number = mails(world, "standard", "Invii fermi: problema grave.")
    ticket = world.ticket(number)
    assert (ticket.kind, ticket.priority, ticket.next_due) == ("information", "P2", None)
    giulia = world.agent()
    giulia.does(ticket, "escalate", to="specialists", text="non è il primo livello")
    giulia.does(world.ticket(number), "resolve", text="Coda ripartita.")
    world.wait_until("2026-05-21 17:59")
    assert world.ticket(number).state == "resolved"
    world.wait_until("2026-05-21 18:00")
    assert (world.ticket(number).state, world.ticket(number).level) == ("closed", "L2")
    assert world.story(world.ticket(number), "clock") == ["closed, because the customer said nothing more"]
    assert world.alarms() == []


def test_ivanti_waits_for_customer_and_third_party_and_only_the_customers_wait_ends_by_mail(begin_desk: Open) -> None:
    """CASES mail 30: months later an answer opens a new, linked ticket and the old clock stays as it was."""
    world = begin_desk("ivanti", "2026-05-14 10:00", "premium")
    number = mails(world, "premium", "The console is down, nothing works.")
    letter, agent = world.letter(), world.agent()
    assert world.ticket(number).next_due is None
    agent.does(world.ticket(number), "pause", reason="logs, please", on="customer")
    world.advance(minutes=10)
    agent.does(world.ticket(number), "pause", reason="the vendor of the database looks", on="third-party")
    world.advance(minutes=10)
    away = {"Auto-Submitted": "auto-replied", "In-Reply-To": f"<{letter.message_id}>"}
    world.mail("anna@premium.example", "Out of office", "I am away", to=header(letter, "reply-to"), headers=away)
    assert [pause.end for pause in world.ticket(number).pauses] == [None, None]
    world.reply(letter, "Here are the logs.", "anna@premium.example")
    ticket = world.ticket(number)
    assert (ticket.state, [pause.end is None for pause in ticket.pauses]) == ("waiting", [False, True])
    agent.does(ticket, "resume", text="the vendor has answered")
    assert world.ticket(number).state == "taken"
    agent.does(world.ticket(number), "resolve", text="Index rebuilt.")
    world.advance(days=20)
    first = world.ticket(number)
    assert first.state == "closed"
    again = world.reply(letter, "Now the reports are empty.", "anna@premium.example")
    assert again.outcome == "new"
    assert world.ticket(again.number).linked == first.id
    assert world.ticket(number) == first


def test_an_offer_of_an_intervention_expires_at_the_end_of_its_last_day(begin_desk: Open) -> None:
    world = begin_desk("aruba-interventions", "2026-10-22 10:00", "standard")
    number = mails(world, "standard", "Vorremmo migrare un sito su un server cloud.")
    giulia = world.agent()
    assert (world.ticket(number).kind, world.ticket(number).stage) == ("intervention", "requested")
    giulia.does(world.ticket(number), "move", to="assessed", until="", text="fattibile")
    giulia.does(world.ticket(number), "move", to="quoted", until="2026-10-24", text="a corpo")
    world.wait_until("2026-10-24 23:59")
    assert world.ticket(number).stage == "quoted"
    world.sleep(hours=30)  # over the night on which clocks change
    world.advance()
    assert world.ticket(number).stage == "expired"
    assert world.story(world.ticket(number), "clock") == ["quoted no longer: the offer has expired (noticed late)"]
    later = world.agent("marta")
    later.does(world.ticket(number), "move", to="quoted", until="2026-11-30", text="di nuovo")
    later.does(world.ticket(number), "move", to="accepted", until="", text="")
    world.advance(days=60)
    assert world.ticket(number).stage == "accepted"


def test_a_ticket_keeps_the_configuration_that_it_was_stamped_with(begin_desk: Open, tmp_path: Path) -> None:
    """The desk halves its promise; the old ticket is counted by the old one, also when its priority changes."""
    world = begin_desk("aruba-enterprise", "2026-05-14 10:00", "enterprise")
    number = mails(world, "enterprise", "Domanda senza fretta.")
    old = world.ticket(number).desk_version
    shorter = (tmp_path / "aruba-enterprise" / "desk.yaml").read_text(encoding="utf-8")
    shorter = shorter.replace("[4h,               20m, ", "[4h,               10m, ")
    assert shorter != world.desk.source
    from dataclasses import replace

    from gateway import app
    from gateway.settings.desk import desk_from

    changed = desk_from(shorter, "desk.yaml")
    settings = replace(world.rehearsal.settings, desks={changed.id: changed})
    app.prepare(settings, world.database)
    world.engine.settings = settings
    world.agent().does(world.ticket(number), "priority", priority="P2", text="peggiora")
    assert (world.ticket(number).desk_version, dues(world, number)["take_charge"]) == (old, "2026-05-14T10:20:00+02:00")
    fresh = mails(world, "enterprise", "È tutto molto lento e degradato.", subject="Altro")
    assert world.ticket(fresh).desk_version == changed.version
    assert dues(world, fresh)["take_charge"] == "2026-05-14T10:10:00+02:00"


def test_whom_the_matrix_names_is_told_by_mail_where_the_desk_says_so(begin_desk: Open) -> None:
    def by_mail(text: str) -> str:
        assert "escalations:\n" in text
        return text.replace("escalations:\n", "escalations:\n  told_by: {Team Leader: mail leader@desk.example}\n")

    world = begin_desk("imagicle-care", "2026-08-17 10:00", "gold", change=by_mail)
    number = mails(world, "gold", DOWN)
    world.advance(hours=2)
    (told,) = [letter for letter in world.letters() if letter.recipient == "leader@desk.example"]
    assert (told.kind, told.state) == ("escalation", "sent")
    assert number in told.subject
    assert told.subject == f"A Team Leader per scadenza [{number}]"
    text = read_letter(told).text or ""
    assert "Cliente: GOLD SpA" in text
    assert "Priorità: critica" in text
    assert "12:00" in text
    assert f"/tickets/{number}" in text
    ticket, since = world.ticket(number), instant("2026-08-17 11:00")
    assert world.read(lambda c: letters.sent_since(c, since, ticket_id=ticket.id)) == ()  # not the customer's budget
    world.advance(hours=5)
    assert len([letter for letter in world.letters() if letter.kind == "escalation"]) == 1


def alarm(world: World, **fields: str) -> Ticket:
    """What the monitoring posts; the ticket that comes of it."""
    _, token = world.database.write(
        lambda c: api_tokens.issue(c, "monitoring", ("event",), world.now, secret=world.engine.secret)
    )
    event = {"customer": "700001", "host": "smtp-out-1", "service": "coda di invio", "state": "problem", **fields}
    answer = world.rehearsal.client.post("/in/events", json=event, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    world.advance(3)
    return world.ticket(answer.json()["ticket"])


def test_mailup_monitoring_wakes_the_duty_at_night_and_only_tells_the_desk_by_day(begin_desk: Open) -> None:
    """Con "tempo di intervento di 1 ora fuori dall'orario lavorativo": a Saturday night, then a Monday morning."""
    world = begin_desk("mailup", "2026-05-16 22:00", "standard")
    night = alarm(world, severity="P1", text="invii fermi su tutti i nodi")
    assert (night.kind, night.queue, night.via_on_call) == ("event", "alarms", True)
    assert dues(world, night.number) == {"take_charge": "2026-05-16T23:00:00+02:00"}
    assert world.rings() == ["Reperibile 1"]
    engineer = world.engineer("Reperibile 1")
    engineer.answers()
    engineer.presses("1")
    engineer.hears("Confermato")
    world.advance(minutes=2)
    assert instant("2026-05-16 22:00") < world.ticket(night.number).met["take_charge"] < instant("2026-05-16 22:10")
    world.advance(hours=2)
    assert "breach" not in world.alarm_kinds()
    world.wait_until("2026-05-18 10:00")
    day = alarm(world, severity="P1", host="web-3", service="console lenta", text="tempi di risposta alti")
    assert (day.via_on_call, day.next_due, world.rings()) == (False, None, [])


def test_mailup_an_alarm_that_nobody_takes_is_a_breach_after_an_hour(begin_desk: Open) -> None:
    world = begin_desk("mailup", "2026-10-25 01:30", "standard")  # an hour later it is half past two for the first time
    night = alarm(world, severity="P2")
    world.wait_until("2026-10-25 02:29")
    assert "deadline missed: take_charge" not in world.story(world.ticket(night.number), "clock")
    world.advance(minutes=2)
    assert "deadline missed: take_charge" in world.story(world.ticket(night.number), "clock")


def test_ivanti_severity_1_reaches_the_duty_by_telephone_at_night_and_severity_2_does_not(begin_desk: Open) -> None:
    """No PIN is asked for: the number on file is rung, and a key there is the proof."""
    world = begin_desk("ivanti", "2026-05-16 22:00", "premium", "standard")

    def calls(number: int, *keys: str) -> Ticket:
        phone = world.call(f"+39065550010{number}")  # contacts must be registered; no language is asked for
        for each in ("1", f"70000{number}#", *keys):
            phone.presses(each)
        if not keys:  # nobody is on duty for Standard: a message
            phone.says("The console is down.")
        phone.hangs_up()
        world.advance(20)
        return max(world.tickets(), key=lambda one: one.id)

    urgent = calls(1, "1")
    (theirs,) = world.rehearsal.exchange.ringing("+390655500101")
    theirs.answer()
    proving = OnThePhone(world, theirs)
    proving.hears("If it was you, press 1")
    proving.presses("1")
    world.advance(3)
    assert world.rings() == ["On-call 1"]
    engineer = world.engineer("On-call 1")
    engineer.answers()
    engineer.presses("1")
    world.advance(minutes=1)
    taken = world.ticket(urgent.number)
    assert (taken.channel, taken.next_due, taken.via_on_call, taken.assignee) == ("phone", None, True, "On-call 1")
    engineer.hangs_up()
    world.advance(minutes=30)
    for less in (calls(1, "2"), calls(2)):
        assert (less.via_on_call, world.rings()) == (False, [])
        world.advance(minutes=30)


def test_aruba_by_telephone_and_by_a_channel_that_the_small_plan_does_not_have(begin_desk: Open) -> None:
    """Small Enterprise calls, then writes; Premium writes, and escalates by telephone."""
    world = begin_desk("aruba-enterprise", "2026-05-14 10:00", "small-enterprise", "premium")
    phone = world.call("+390655500101")
    for keys in ("1", "1", "700001#", "1"):  # Italian, a problem, everything stands still
        phone.presses(keys)
    phone.says("Il portale non si apre.")
    phone.hears("entro giovedì 14 maggio alle ore 12:00")
    phone.hangs_up()
    world.advance(3)
    called = world.ticket()
    assert (called.channel, called.priority) == ("phone", "P1")
    assert dues(world, called.number) == {"take_charge": "2026-05-14T12:00:00+02:00", "resolution": None}
    written = mails(world, "small-enterprise", "Il portale non va.")
    assert "mark: channel-not-in-plan" in world.ticket(written).evidence
    assert "Con il suo piano può contattarci tramite: telefono, portale." in (
        read_letter(world.letters()[-1]).text or ""
    )
    critical = mails(world, "premium", DOWN, subject="Tutto fermo")
    phone = world.call("+390655500102")
    for keys in ("1", "3", "700002#", "481512#", f"{world.ticket(critical).number.replace('-', '')[2:]}#"):
        phone.presses(keys)
    phone.hears("Il sollecito è registrato")
    phone.says("È ferma tutta la produzione.")
    phone.hangs_up()
    world.advance(3)
    assert "escalated" in world.alarm_kinds()
    assert "È ferma tutta la produzione." in world.story(world.ticket(critical))


def test_mailup_knows_a_caller_by_code_and_a_writer_by_domain(begin_desk: Open) -> None:
    world = begin_desk("mailup", "2026-05-14 10:00", "standard")
    phone = world.call("+390299999999")
    for keys in ("1", "700001#", "2"):
        phone.presses(keys)
    phone.says("Gli invii sono lenti.")
    phone.hangs_up()
    world.advance(3)
    by_code = world.ticket()
    assert (by_code.customer, by_code.channel, by_code.priority, by_code.next_due) == ("STANDARD", "phone", "P2", None)
    by_domain = world.mail("nuovo.collega@standard.example", "Lista", "Come si importa una lista di contatti?")
    assert world.ticket(by_domain.number).customer == "STANDARD"


def test_imagicle_escalates_by_day_for_basic_and_opens_tickets_for_platinum_by_itself(begin_desk: Open) -> None:
    """Basic's steps are business days over Easter; an event of the night pages for Platinum."""
    world = begin_desk("imagicle-care", "2026-04-02 17:30", "basic", "platinum")
    number = mails(world, "basic", DOWN)
    assert dues(world, number) == {"notify": "2026-04-03T12:30:00+02:00", "take_charge": "2026-04-03T18:00:00+02:00"}
    steps = [(one["to"], one["due"][:16]) for one in world.ticket(number).clocks["escalations"]]
    assert steps == [
        ("Team Leader", "2026-04-07T18:00"),  # Friday, and Tuesday after Easter Monday
        ("Support Manager", "2026-04-10T18:00"),
        ("Co-CEO and CTO", "2026-04-17T18:00"),
    ]
    world.wait_until("2026-04-07 17:59")
    assert "escalated to Team Leader by the clock" not in world.story(world.ticket(number), "clock")
    world.wait_until("2026-04-10 18:01")
    escalated = [words for words in world.story(world.ticket(number), "clock") if words.startswith("escalated")]
    assert escalated == ["escalated to Team Leader by the clock", "escalated to Support Manager by the clock"]
    world.wait_until("2026-04-12 03:00")
    night = alarm(world, customer="700002", host="pbx-1", service="voip stack", text="VoIP stack crash")
    assert (night.kind, night.priority, night.via_on_call) == ("event", "P1", True)
    assert dues(world, night.number)["take_charge"] == "2026-04-12T04:00:00+02:00"
    assert world.rings() == ["Reperibile 2"]  # whose week it is: the fourteenth of the rota
