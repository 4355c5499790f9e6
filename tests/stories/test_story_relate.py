"""One problem, one ticket: what is told again joins its ticket, what resembles it is shown, and nothing is hidden."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from databases import Stock, settings_of
from world import World, instant

from gateway.rehearsal import Rehearsal
from gateway.store import directory, faults, tables, traces
from gateway.store.database import open_database
from gateway.tickets import wider
from routing.tickets import OPEN, Ticket

MARIO, ANNA = "mario@acme.example", "anna@acme.example"


@pytest.fixture
def world(stock: Stock, kind: str) -> Iterator[World]:
    with stock.fresh(kind, "test") as url:
        opened = World.open(url, "test", "2026-11-25 10:00")
        yield opened
        opened.close()


def again(world: World, ticket: Ticket) -> Ticket:
    found = world.read(lambda c: world.engine.ticket(c, ticket.id))
    assert found is not None
    return found


def opened(world: World) -> list[Ticket]:
    return [one for one in world.tickets() if one.state in OPEN]


def alert(world: World, state: str, value: str, host: str = "srv-mi-01") -> str:
    subject = f"** {'PROBLEM' if state != 'OK' else 'RECOVERY'} Service Alert: {host}/Disk C is {state} **"
    text = (
        f"Service: Disk C\nHost: {host}\nState: {state}\nDate/Time: {world.now:%Y-%m-%d %H:%M:%S}\nInfo: free {value}"
    )
    return world.mail("monitor@acme.example", subject, text).outcome


def test_monitoring_alerts_fold_by_their_fingerprint_and_the_recovery_is_noted(world: World) -> None:
    """CASES mail 31."""
    outcomes = []
    for state, value in (("CRITICAL", "1%"), ("CRITICAL", "2%"), ("WARNING", "9%"), ("OK", "44%")):
        outcomes.append(alert(world, state, value))
        world.advance(minutes=20)
    (ticket,) = world.tickets()
    assert outcomes == ["new", "append", "append", "append"]
    assert "the monitoring system says that it recovered" in world.story(ticket)
    assert [row.outcome for row in world.ledger()] == outcomes  # each with its own receipt and sender


def test_an_alert_after_recovery_and_that_of_another_host_are_tickets_of_their_own(world: World) -> None:
    alert(world, "CRITICAL", "1%")
    world.advance(minutes=5)
    assert alert(world, "CRITICAL", "1%", host="srv-mi-02") == "new"
    world.advance(minutes=5)
    assert alert(world, "OK", "60%") == "append"
    world.advance(minutes=5)
    assert alert(world, "CRITICAL", "1%") == "new"


def test_many_alerts_within_an_hour_are_no_loop(world: World) -> None:
    for _ in range(15):
        alert(world, "CRITICAL", "1%")
        world.advance(minutes=2)
    assert {row.outcome for row in world.ledger()} == {"new", "append"}
    (ticket,) = world.tickets()
    answer = world.mail(MARIO, "Re: Disk C", "Ci pensiamo noi.", to=world.engine.reply_to(ticket))
    assert (answer.outcome, answer.number) == ("append", ticket.number)  # nor is what people write beside them


LONG = (
    "La cassa 4129 del negozio di Milano non accetta pagamenti con carta: il terminale mostra linea assente, il tecnico ha già"
    " sostituito cavo e alimentatore senza risultato."
)


def test_the_same_text_again_and_again_is_a_loop(world: World) -> None:
    for _ in range(15):
        world.mail(MARIO, "Cassa 4129 ferma", LONG)
        world.advance(minutes=2)
    assert [row.outcome for row in world.ledger()].count("held") == 5
    assert len(world.tickets()) == 1


def test_the_same_text_sent_again_is_one_ticket_with_the_clock_of_the_first(world: World) -> None:
    world.mail(MARIO, "Cassa 4129 ferma", LONG)
    first = world.ticket()
    world.advance(hours=2)
    done = world.mail(MARIO, "Sollecito: Cassa 4129 ferma", LONG)
    world.advance(minutes=1)
    assert (done.outcome, done.number) == ("append", first.number)
    assert again(world, first).received_at == first.received_at
    assert any(line.startswith("related: sent-again") for line in world.ledger()[-1].evidence)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Cassa 4129 ferma", "La cassa 4129 di Milano non accetta pagamenti con carta."),  # says too little
        ("Seconda cassa ferma", LONG),  # under another subject
    ],
)
def test_a_short_text_or_another_subject_is_a_ticket_of_its_own_before_the_promise(
    world: World, subject: str, text: str
) -> None:
    """Whether it is the same is for the comparison after the promise, which a person may take back."""
    world.mail(MARIO, "Cassa 4129 ferma", text)
    world.advance(minutes=1)
    assert world.mail(MARIO, subject, text).outcome == "new"
    assert len(world.tickets()) == 2


def test_a_reminder_that_adds_words_is_merged_after_the_promise_and_one_click_takes_it_out_again(world: World) -> None:
    world.mail(MARIO, "Cassa 4129 ferma", "La cassa 4129 di Milano non accetta pagamenti con carta.")
    (first,) = world.tickets()
    world.advance(hours=1)
    done = world.mail(
        MARIO,
        "Cassa 4129 ferma",
        "La cassa 4129 di Milano non accetta pagamenti con carta. Ci sono novità? Restiamo fermi.",
    )
    assert done.outcome == "new"  # a text is not compared before the promise
    world.advance(minutes=1)
    second = max(world.tickets(), key=lambda one: one.id)
    assert (second.state, second.merged_into) == ("closed", first.id)
    assert [one.id for one in opened(world)] == [first.id]
    agent = world.agent()
    assert f"{second.number} was merged into this ticket" in world.story(first)
    assert "Presa merged another ticket into it" in agent.sees(f"/tickets/{first.number}")
    agent.posts(second, "related/unmerge")
    world.advance(minutes=1)
    second = again(world, second)
    assert (second.state, second.merged_into) == ("new", None)
    assert second.received_at > again(world, first).received_at
    assert world.jobs(second).count("clock") == 1


def test_another_object_in_the_same_words_is_never_merged(world: World) -> None:
    for till in ("4129", "7655"):
        world.mail(MARIO, f"Cassa {till} ferma", f"La cassa {till} non accetta pagamenti con carta.")
        world.advance(minutes=10)
    assert len(opened(world)) == 2


def test_a_colleague_who_tells_it_in_other_words_is_suggested_and_merged_by_a_click(world: World) -> None:
    world.mail(MARIO, "Badge", "I badge non aprono la porta d'ingresso di Vicenza.")
    (first,) = world.tickets()
    world.advance(minutes=20)
    world.mail(
        ANNA, "non si entra", "Siamo in dieci davanti al portone di Vicenza, nessuna tessera viene riconosciuta."
    )
    world.advance(minutes=1)
    second = max(world.tickets(), key=lambda one: one.id)
    assert (second.state, second.merged_into) == ("new", None)
    agent = world.agent()
    page = agent.sees(f"/tickets/{second.number}")
    assert first.number in page
    assert "same place: vicenza" in page
    assert any(
        line.startswith("related: perhaps") for line in again(world, second).evidence
    )  # `presa explain` prints it
    agent.posts(second, "related/merge", number=first.number)
    assert again(world, second).merged_into == first.id


def test_an_answer_to_a_merged_ticket_goes_to_the_one_that_stays(world: World) -> None:
    world.mail(MARIO, "Cassa 4129 ferma", "La cassa 4129 di Milano non accetta carte.")
    world.advance(hours=1)
    world.mail(ANNA, "POS", "Alla cassa 4129 di Milano il terminale dice linea assente.")
    world.advance(minutes=1)
    first, second = world.tickets()
    assert second.merged_into == first.id
    reply_to = world.engine.reply_to(second)
    done = world.mail(ANNA, "Re: POS", "Adesso funziona di nuovo.", to=reply_to)
    assert (done.outcome, done.number) == ("append", first.number)


def test_what_an_unverified_sender_writes_is_only_suggested(world: World) -> None:
    world.mail(MARIO, "Cassa 4129 ferma", "La cassa 4129 di Milano non accetta pagamenti con carta.")
    world.advance(hours=1)
    done = world.mail(MARIO, "Cassa 4129 ferma", "La cassa 4129 di Milano non accetta pagamenti con carta.", proof=None)
    world.advance(minutes=1)
    assert done.outcome == "new"
    assert len(opened(world)) == 2


def test_tickets_of_two_customers_cannot_be_merged(world: World) -> None:
    world.mail(MARIO, "VPN", "La VPN verso Milano non si connette.")
    world.mail("luigi.beta@gmail.com", "VPN", "La VPN verso Milano non si connette.")
    world.advance(minutes=1)
    first, second = world.tickets()
    answer = world.agent().tries(second, "related/merge", number=first.number)
    assert answer.status_code == 409
    assert "not of one customer" in answer.text
    assert len(opened(world)) == 2


def test_erasing_a_ticket_forgets_what_it_was_compared_by(world: World) -> None:
    world.mail(MARIO, "VPN", "La VPN verso Milano non si connette.")
    world.advance(minutes=1)
    ticket = world.ticket()
    assert world.read(lambda c: traces.known_to(c, ticket.id))
    world.database.write(lambda c: traces.forget(c, ticket.id))
    left = world.read(
        lambda c: [
            c.execute(sa.text(f"SELECT count(*) FROM {one}")).scalar() for one in ("traces", "trace_keys", "search")
        ]
    )
    assert left == [0, 0, 0]


# Wider faults ---------------------------------------------------------------------------------------------------


@pytest.fixture
def many(stock: Stock, kind: str) -> Iterator[World]:
    """The test desk, whose customers are taken for three."""
    settings = settings_of("test")
    with stock.fresh(kind, "test") as url:
        opened = World(Rehearsal(settings, open_database(url), instant("2026-11-25 10:00")))
        yield opened
        opened.close()


VPN = (
    (MARIO, "VPN ferma", "La VPN di Milano va in timeout, errore 809."),
    ("luigi.beta@gmail.com", "accesso remoto", "Il tunnel VPN non sale da Torino."),
    ("ugo@gamma.example", "Remote access", "VPN client times out, error 809."),
)


def test_one_trouble_at_three_customers_is_proposed_and_a_person_confirms(many: World) -> None:
    for sender, subject, text in VPN:
        many.mail(sender, subject, text)
        many.advance(minutes=10)
    assert [alarm.kind for alarm in many.alarms()].count("wider-fault") == 1
    (fault,) = many.read(lambda c: faults.latest(c, 10))
    assert (fault.state, fault.sign) == ("proposed", "service:vpn")
    agent = many.agent(role="supervisor")
    assert "trouble with vpn" in agent.sees("/faults")
    before = {one.id: (one.received_at, one.plan) for one in many.tickets()}
    agent.sends_to(f"/faults/{fault.id}/confirm")
    parent = max(many.tickets(), key=lambda one: one.id)
    children = [one for one in many.tickets() if one.parent == parent.id]
    assert {
        one.id: (one.received_at, one.plan) for one in children
    } == before  # linked, with their own clocks and plans
    assert all(one.merged_into is None for one in children)


def test_one_update_goes_to_every_child_and_a_later_report_is_offered_as_one(many: World) -> None:
    for sender, subject, text in VPN:
        many.mail(sender, subject, text)
        many.advance(minutes=10)
    (fault,) = many.read(lambda c: faults.latest(c, 10))
    agent = many.agent(role="supervisor")
    agent.sends_to(f"/faults/{fault.id}/confirm")
    parent = max(many.tickets(), key=lambda one: one.id)
    told = len(many.letters())
    agent.posts(parent, "related/update", text="The provider works on it; next news at noon.")
    many.advance(minutes=1)
    assert len(many.letters()) - told == 3
    many.advance(hours=5)  # beyond the window: the fault is open
    many.mail("eva@gamma.example", "VPN", "La VPN non si connette da Roma, tunnel giù.")
    many.advance(minutes=1)
    late = max(many.tickets(), key=lambda one: one.id)
    assert parent.number in agent.sees(f"/tickets/{late.number}")
    agent.posts(late, "related/child", number=parent.number)
    assert again(many, late).parent == parent.id


def test_two_customers_are_no_wider_fault_and_one_customer_counts_once(many: World) -> None:
    for _ in range(3):
        many.mail(*VPN[0])
        many.mail(*VPN[1])
        many.advance(minutes=10)
    assert many.read(lambda c: faults.latest(c, 10)) == ()


def test_a_dismissed_fault_is_not_proposed_again(many: World) -> None:
    for sender, subject, text in VPN:
        many.mail(sender, subject, text)
        many.advance(minutes=1)
    (fault,) = many.read(lambda c: faults.latest(c, 10))
    many.database.write(lambda c: wider.dismiss(c, many.engine, fault.id, "Anna"))
    many.mail("eva@gamma.example", "VPN", "La VPN non si connette da Roma, tunnel giù.")
    many.advance(minutes=1)
    (fault,) = many.read(lambda c: faults.latest(c, 10))
    assert fault.state == "dismissed"


def test_before_the_promise_an_ordinary_mail_costs_one_indexed_look_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No text is compared then."""
    asked: list[str] = []
    monkeypatch.setattr(traces, "repeated", lambda connection, customer, key, since: asked.append(key) or ())
    monkeypatch.setattr(traces, "pool", lambda *_: pytest.fail("the texts were compared before the promise"))
    world.mail(MARIO, "Cassa 4129 ferma", LONG)
    assert len(asked) == 1
    monkeypatch.undo()


def test_the_same_text_after_somebody_wrote_that_it_was_over_is_a_new_ticket(world: World) -> None:
    """Also before the promise, and also when much else was written in between."""
    first = world.mail(MARIO, "Cassa 4129", LONG)
    world.advance(hours=2)
    world.mail(ANNA, "Cassa 4129", "La cassa 4129 di Milano funziona di nuovo, grazie.")
    for n in range(45):
        world.advance(minutes=1)
        world.mail(
            f"u{n}@acme.example",
            f"Richiesta {n}",
            f"Vorremmo ordinare la sedia modello numero {n}{n}7 per la reception.",
        )
    world.advance(hours=3)
    again_ = world.mail(MARIO, "Cassa 4129", LONG)
    world.advance(minutes=1)
    assert again_.outcome == "new"
    found = world.ticket(again_.number)
    assert found.merged_into is None
    assert any("after-recovery" in line for line in found.evidence)
    assert world.ticket(first.number).state in OPEN


def test_the_customers_sites_are_known_before_the_promise_without_asking_for_the_customer_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever recognised the sender has read the customer already."""

    def sites(connection: sa.Connection) -> None:
        acme = directory.get(connection, "ACME")
        assert acme is not None
        directory.replace(connection, [replace(acme, sites=("Capannone Rosso",))], keep=True)

    world.database.write(sites)
    world.mail(MARIO, "Capannone Rosso", LONG)
    world.advance(minutes=1)
    monkeypatch.setattr(directory, "get", lambda *_: pytest.fail("the customer was looked up again"))
    assert world.mail(MARIO, "R: Capannone Rosso", LONG).outcome == "append"
    monkeypatch.undo()
    kept = world.read(lambda c: c.execute(sa.select(tables.traces.c.data).order_by(tables.traces.c.id)).scalars().all())
    assert ["capannone rosso" in one["places"] for one in kept] == [True, True]


def test_a_page_waits_for_the_comparison_and_goes_at_once_when_it_is_done(world: World) -> None:
    world.mail(
        MARIO, "Tutto fermo", "Produzione bloccata: il server di Milano non risponde, siamo tutti fermi. Urgente, P1."
    )
    ticket = world.ticket()
    begun = world.now
    world.advance(0)
    assert ticket.via_on_call
    assert world.rings()
    assert world.now == begun
    assert "relate" not in world.jobs(ticket)


def test_what_a_caller_says_counts_as_the_text_of_the_report(begin: Callable[..., World]) -> None:
    day = begin("demo", "2026-11-25 10:00", hours="gold")
    mailed = day.mail(
        "emma.clarke@charlie-demo.example", "VPN", "The VPN gateway vpn-rm01 refuses every remote user with error 809."
    )
    phone = day.call("+390655500303")
    phone.presses("2")
    phone.presses("200003#")
    phone.hears("How bad is it?")
    phone.presses("3")
    phone.says("Remote users cannot reach the VPN gateway vpn-rm01.")
    phone.hangs_up()
    day.advance(minutes=1)
    call = day.tickets()[-1]
    mail = day.ticket(mailed.number)
    found = [one.other_id for one in day.read(lambda connection: traces.suggested(connection, call.id))]
    assert call.channel == "phone"
    assert mail.id in (call.merged_into, *found)
    assert any(line.startswith("related: ") for line in call.evidence)
