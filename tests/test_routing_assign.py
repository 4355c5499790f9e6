"""Who gets a ticket and in which order tickets are worked on: as each desk configures it, with the reasons."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.settings.desk import load_desk
from routing import assign, precedence
from routing.assign import Hands, Wanted
from routing.desk import Desk, Queue, Worker
from routing.precedence import Work

DESKS = Path(__file__).parent.parent / "desks"
AT = datetime(2026, 11, 25, 10, tzinfo=UTC)
TEAM = frozenset(("first-line",))
ANNA = Worker("anna", "Anna", TEAM, frozenset(("voice",)), frozenset(("it", "en")), substitute="bruno")
BRUNO = Worker("bruno", "Bruno", TEAM, frozenset(("voice", "network")), frozenset(("it",)))
CARLA = Worker("carla", "Carla", TEAM, languages=frozenset(("en",)), regions=frozenset(("emea",)), most=2)
DESK = replace(load_desk(DESKS / "test" / "desk.yaml"), staff={one.id: one for one in (ANNA, BRUNO, CARLA)})
QUEUE = DESK.queues["first-line"]
TURNS, LOAD = replace(QUEUE, assign="round-robin"), replace(QUEUE, assign="least-loaded")


def chosen(queue: Queue, wanted: Wanted, hands: dict[str, Hands] | None = None, desk: Desk = DESK) -> assign.Choice:
    return assign.choose(desk, queue, wanted, hands or {})


def test_where_people_take_tickets_themselves_nobody_is_given_one() -> None:
    assert chosen(QUEUE, Wanted("ACME", "it")) == assign.Choice(None, ())


def test_by_turn_whoever_was_given_one_longest_ago_gets_the_next() -> None:
    hands = {"anna": Hands(last=AT), "bruno": Hands(last=AT - timedelta(hours=1))}
    done = chosen(TURNS, Wanted("ACME", "it"), hands)
    assert (done.worker, done.told[0]) == ("bruno", "assigned: Bruno, whose turn it is")


def test_by_load_whoever_has_the_fewest_open_tickets_gets_it() -> None:
    done = chosen(LOAD, Wanted("ACME", "it"), {"anna": Hands(open=3), "bruno": Hands(open=4)})
    assert (done.worker, done.told[0]) == ("anna", "assigned: Anna, who has 3 open tickets")


@pytest.mark.parametrize(
    ("wanted", "hands", "worker", "told"),
    [
        (Wanted("A", "it", skills=frozenset(("network",))), {}, "bruno", "assigned: not Anna: does not know network"),
        (Wanted("A", "en", "apac"), {}, "anna", "assigned: not Carla: does not serve the region apac"),
        (Wanted("A", "en", "emea"), {"anna": Hands(away=True)}, "carla", "assigned: not Anna: is away"),
        (Wanted("A", "en", "emea"), {"anna": Hands(away=True), "carla": Hands(open=2)}, None, "assigned: not Carla: has 2 open tickets already"),
        (Wanted("A", "de"), {}, None, "assigned: nobody of first-line fits; it waits in the queue"),
    ],
)  # fmt: skip
def test_skills_language_region_load_and_presence_decide_and_what_kept_somebody_out_is_told(
    wanted: Wanted, hands: dict[str, Hands], worker: str | None, told: str
) -> None:
    done = chosen(TURNS, wanted, hands)
    assert (done.worker, done.nobody) == (worker, worker is None)
    assert told in done.told


def test_the_named_engineer_gets_it_whatever_the_queues_policy_and_the_substitute_when_they_are_away() -> None:
    wanted = Wanted("ACME", "it", engineer="anna")
    assert chosen(QUEUE, wanted).told == ("assigned: Anna, the customer's named engineer",)
    away = chosen(QUEUE, wanted, {"anna": Hands(away=True)})
    assert (away.worker, away.told[-1]) == ("bruno", "assigned: Bruno, the substitute of Anna")
    both = chosen(QUEUE, wanted, {"anna": Hands(away=True), "bruno": Hands(away=True)})
    assert both.worker is None
    anyone = chosen(
        LOAD, replace(wanted, language="en", region="emea"), {"anna": Hands(away=True), "bruno": Hands(away=True)}
    )
    assert anyone.worker == "carla"


def test_nobody_outside_the_queues_teams_gets_its_tickets() -> None:
    restricted = replace(TURNS, served_by=("specialists",), restricted=True)
    done = chosen(restricted, Wanted("ACME", "it", engineer="anna"))
    assert (done.worker, done.nobody) == (None, True)


# The order of work ----------------------------------------------------------------------------------------------


def order(desk: Desk, **tickets: Work) -> list[str]:
    return sorted(tickets, key=lambda name: precedence.place(tickets[name], desk).key)


def work(plan: str, priority: str, due: int | None = None, *signs: str, touched: int = 0) -> Work:
    at = AT + timedelta(hours=due) if due is not None else None
    return Work(plan, priority, at, AT, frozenset(signs), touched)


def test_imagicle_takes_the_plan_first_and_a_gold_trifle_goes_before_a_basic_disaster() -> None:
    desk = load_desk(DESKS / "imagicle-care" / "desk.yaml")
    found = order(desk, basic=work("basic", "P1", 1), gold=work("gold", "P4", 9), platinum=work("platinum", "P1", 2))
    assert found == ["platinum", "gold", "basic"]


def test_mailup_lets_a_critical_fault_overtake_everything_and_then_weighs_what_it_touches() -> None:
    desk = load_desk(DESKS / "mailup" / "desk.yaml")
    found = order(
        desk, plain=work("standard", "P2", 1), core=work("standard", "P2", 5, "core", "stopped"), critical=work("standard", "P1", 9),
        many=work("standard", "P2", 5, "stopped", touched=4), around=work("standard", "P2", 1, "workaround"),
    )  # fmt: skip
    assert found == ["critical", "many", "core", "plain", "around"]


def test_aruba_works_by_deadline() -> None:
    desk = load_desk(DESKS / "aruba-enterprise" / "desk.yaml")
    found = order(desk, late=work("premium", "P1", 8), soon=work("enterprise", "P4", 1), never=work("premium", "P1"))
    assert found == ["soon", "late", "never"]


def test_the_order_is_stable_and_says_why() -> None:
    desk = load_desk(DESKS / "mailup" / "desk.yaml")
    one = precedence.place(work("standard", "P2", 5, "core", "workaround", touched=3), desk)
    assert one == precedence.place(work("standard", "P2", 5, "core", "workaround", touched=3), desk)
    assert one.why == (
        "this desk takes critical faults first", "priority P2", "core +10", "workaround -4", "3 customers touched +15",
        "due 2026-11-25 15:00 UTC",
    )  # fmt: skip
    older = replace(work("standard", "P2", 5), received=AT - timedelta(minutes=1))
    assert order(desk, newer=work("standard", "P2", 5), older=older) == ["older", "newer"]


def test_the_signs_of_a_ticket_are_read_from_its_evidence() -> None:
    assert precedence.signs_of(("queue: x", "sign: everyone «per tutti», stopped «è giù»")) == {"everyone", "stopped"}
