"""Simulated telephones meet: conferences and queues, and news that comes in whatever order."""

from collections.abc import Mapping

from dialogues.desk import PUBLIC, TOKEN

from gateway.phone.exchange import Exchange, Handset
from gateway.phone.simulator import Line, Phone
from gateway.phone.timeline import Timeline

ROOM = (
    '<Dial action="after"><Conference startConferenceOnEnter="true" endConferenceOnExit="true" statusCallback="/room" '
    'statusCallbackEvent="start end join leave">room-1</Conference></Dial>'
)


class House:
    """Documents by path, and what was posted where."""

    def __init__(self, **documents: str) -> None:
        self.documents = {"after": "<Say>bye</Say>", **documents}
        self.posted: list[tuple[str, Mapping[str, str]]] = []
        self.line = Line(self.fetch, Timeline(1_000.0), TOKEN)
        self.exchange = Exchange(self.line)

    def fetch(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        assert headers["X-Twilio-Signature"]
        name = url.rpartition("/")[2]
        self.posted.append((name, form))
        return 200, f"<Response>{self.documents.get(name, '')}</Response>"

    def call(self, name: str) -> Phone:
        return self.exchange.incoming("+390612345678", "+390200000000").call(f"{PUBLIC}/{name}", f"{PUBLIC}/status")

    def told(self, name: str, *fields: str) -> list[tuple[str, ...]]:
        return [tuple(form.get(field, "") for field in fields) for where, form in self.posted if where == name]


def test_two_meet_in_a_room_and_its_events_come_in_order_with_one_id() -> None:
    house = House(first=ROOM, second=ROOM)
    one = house.call("first")
    assert one.says == ["(conference room-1)", "(music)"]
    other = house.call("second")
    assert one.says == other.says[1:] == ["(connected)"]
    one.hang_up()
    house.line.timeline.advance(60)
    assert other.says == ["bye"]
    assert [event for event, _ in house.told("room", "StatusCallbackEvent", "SequenceNumber")] == [
        "participant-join", "participant-join", "conference-start", "participant-leave", "conference-end",
    ]  # fmt: skip
    assert [int(number) for (number,) in house.told("room", "SequenceNumber")] == [1, 2, 3, 4, 5]
    assert len({sid for (sid,) in house.told("room", "ConferenceSid")}) == 1
    assert house.line.rooms == {}


def test_a_call_that_is_up_goes_on_elsewhere_when_it_is_ordered_and_a_dead_one_does_not() -> None:
    house = House(first=ROOM, elsewhere="<Say>here</Say><Pause length='9'/>")
    phone = house.call("first")
    assert house.exchange.update(phone.sid, "", f"{PUBLIC}/elsewhere")[0] == 200
    house.line.timeline.advance(1)
    assert phone.says[-1] == "here"
    assert house.line.rooms == {}
    phone.hang_up()
    assert house.exchange.update(phone.sid, "", f"{PUBLIC}/elsewhere")[0] == 400
    assert house.exchange.update("CA0", "", f"{PUBLIC}/elsewhere")[0] == 404


def test_who_takes_from_a_queue_gets_whoever_has_waited_longest() -> None:
    house = House(
        wait="<Say>hold</Say><Pause length='9'/>",
        caller='<Enqueue waitUrl="wait" action="after">desk</Enqueue>',
        agent="<Dial><Queue>desk</Queue></Dial>",
    )
    first, second = house.call("caller"), house.call("caller")
    house.line.timeline.advance(3)
    agent = house.call("agent")
    assert agent.says == ["(connected)"]
    house.line.timeline.advance(3)
    assert first.says[-1] == "bye"
    assert not second.over
    second.hang_up()
    late = house.call("agent")
    assert late.says == ["(nobody waits)"]
    assert house.told("after", "QueueResult") == [("bridged",)]


def test_news_that_is_held_back_arrives_in_the_order_that_the_test_wants() -> None:
    """CASES phone 23."""
    house = House(page="<Pause length='5'/>")
    house.line.held = []
    house.exchange.behaviour["+393331234567"] = Handset.answer
    order = {
        "To": ("+393331234567",), "From": ("+390200000000",), "Url": (f"{PUBLIC}/page",),
        "StatusCallback": (f"{PUBLIC}/status",), "StatusCallbackEvent": ("initiated", "ringing", "answered", "completed"),
    }  # fmt: skip
    house.exchange.create(order)
    house.line.timeline.advance(10)
    assert house.told("status", "CallStatus") == []
    house.line.release([3, 0, 2, 1, 3])
    assert house.told("status", "CallStatus", "SequenceNumber") == [
        ("completed", "3"), ("initiated", "0"), ("in-progress", "2"), ("ringing", "1"), ("completed", "3"),
    ]  # fmt: skip
