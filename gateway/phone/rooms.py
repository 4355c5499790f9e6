"""Where simulated telephones meet: conferences, and callers in a queue whom somebody takes. What the carrier tells of it, too.

Refuses to decide who meets whom: documents do.
https://www.twilio.com/docs/voice/twiml/conference, https://www.twilio.com/docs/voice/twiml/queue
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from email.utils import formatdate
from typing import TYPE_CHECKING

from gateway.phone.activity import DO, Dialing, Doing

if TYPE_CHECKING:
    from gateway.phone.simulator import Line, Phone


class Room:
    """One conference by its name, as long as somebody is in it."""

    def __init__(self, line: Line, name: str) -> None:
        self.line, self.name = line, name
        self.sid = line.new_id("CF", name)
        self.inside: list[InRoom] = []
        self.started = False
        self.sequence = 0

    def join(self, one: InRoom) -> None:
        self.inside.append(one)
        self.tell("participant-join", one)
        if not self.started and len(self.inside) > 1 and any(other.starts for other in self.inside):
            self.started = True
            self.tell("conference-start", None)
            for other in self.inside:
                other.phone.hear("", "(connected)")
        elif self.started:
            one.phone.hear("", "(connected)")
        else:
            one.phone.hear("", "(music)")

    def leave(self, one: InRoom) -> None:
        if one not in self.inside:
            return
        self.inside.remove(one)
        self.tell("participant-leave", one)
        if one.ends or not self.inside:
            self.line.rooms.pop(self.name, None)
            self.tell("conference-end", None)
            for other in tuple(self.inside):
                self.inside.remove(other)
                other.over()

    def tell(self, event: str, one: InRoom | None) -> None:
        """To the address that the first one in named, as the carrier does."""
        wanted = self.line.told_of_rooms.get(self.name)
        kind = event.rpartition("-")[2]
        if wanted is None or kind not in wanted[1]:
            return
        self.sequence += 1
        fields = {
            "ConferenceSid": self.sid,
            "FriendlyName": self.name,
            "AccountSid": self.line.account_sid,
            "StatusCallbackEvent": event,
            "SequenceNumber": str(self.sequence),
            "Timestamp": formatdate(self.line.timeline.now, usegmt=True),
        }
        self.line.tell(wanted[0], {**fields, **({"CallSid": one.phone.sid} if one else {})})


class InRoom(Doing):
    """A telephone in a conference."""

    def __init__(self, phone: Phone, verb: ET.Element, conference: ET.Element) -> None:
        super().__init__(phone, verb)
        name = (conference.text or "").strip()
        self.starts = conference.get("startConferenceOnEnter", "true") == "true"
        self.ends = conference.get("endConferenceOnExit", "false") == "true"
        self.since = phone.line.timeline.now
        phone.hear("", f"(conference {name})")
        url = conference.get("statusCallback")
        if url and name not in phone.line.rooms:
            events = tuple(conference.get("statusCallbackEvent", "").split())
            phone.line.told_of_rooms[name] = (phone.address(conference, "statusCallback"), events)
        room = phone.line.rooms.get(name)
        if room is None:
            room = phone.line.rooms[name] = Room(phone.line, name)
        self.room = room
        room.join(self)

    def over(self) -> None:
        """The others are gone."""
        if self.phone.over:
            return
        talked = str(round(self.phone.line.timeline.now - self.since))
        if self.verb.get("action"):
            self.phone.go(self.phone.address(self.verb), DialCallStatus="completed", DialCallDuration=talked)
        else:
            self.phone.next()

    def stop(self) -> None:
        """Sent elsewhere, or hung up: in both cases it is not in the room any more."""
        super().stop()
        self.room.leave(self)


class Taking(Doing):
    """Takes the caller who has waited longest in a queue; both talk until one of them hangs up."""

    def __init__(self, phone: Phone, verb: ET.Element, queue: ET.Element) -> None:
        super().__init__(phone, verb)
        waiting = phone.line.queues.get((queue.text or "").strip(), [])
        self.other = waiting[0].phone if waiting else None
        if not waiting:
            phone.hear("", "(nobody waits)")
            self.after(1.0, phone.next)
            return
        phone.hear("", "(connected)")
        waiting[0].leave("bridged")

    def hung_up(self) -> None:
        self.stop()


def dial(phone: Phone, verb: ET.Element) -> Doing:
    """Dial: a number, a conference, or the next caller of a queue."""
    conference, queue = verb.find("Conference"), verb.find("Queue")
    if conference is not None:
        return InRoom(phone, verb, conference)
    return Dialing(phone, verb) if queue is None else Taking(phone, verb, queue)


VERBS = {**DO, "Dial": dial}
