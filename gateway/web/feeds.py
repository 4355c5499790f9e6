"""The duty as a calendar (RFC 5545) and our numbers as a card (RFC 2426, which telephones read best).

Bytes from values: the same duty gives the same events under the same UIDs, so that a calendar program replaces and never
doubles them. Refuses to know who may read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Event:
    """One shift, or a gap. `key` tells it from all others and stays the same as long as it is the same."""

    key: str
    title: str
    details: str
    start: datetime
    end: datetime


def calendar(name: str, events: Iterable[Event], host: str, stamp: datetime) -> bytes:
    """An iCalendar object. `stamp`: when the duty was last known to be so; whole hours keep caches warm."""
    import icalendar  # 0.2 s, for those who read calendars

    whole = icalendar.Calendar()
    whole.add("prodid", "-//Presa//on-call//EN")
    whole.add("version", "2.0")
    whole.add("method", "PUBLISH")
    whole.add("x-wr-calname", name)
    whole.add("refresh-interval", timedelta(hours=1), {"VALUE": "DURATION"})
    whole.add("x-published-ttl", "PT1H")
    for one in events:
        event = icalendar.Event()
        event.add("uid", f"{sha256(one.key.encode()).hexdigest()[:32]}@{host}")
        event.add("dtstamp", stamp.astimezone(UTC))
        event.add("dtstart", one.start.astimezone(UTC))
        event.add("dtend", one.end.astimezone(UTC))
        event.add("summary", one.title)
        if one.details:
            event.add("description", one.details)
        event.add("transp", "TRANSPARENT")
        whole.add_component(event)
    return bytes(whole.to_ical())


def card(name: str, numbers: Sequence[str], host: str, _: Callable[[str], str]) -> bytes:
    """A vCard 3.0 of the numbers that pages come from: let them ring through "Do not disturb"."""
    note = _("Pages of the on-call duty come from these numbers. Mark the contact as one that always rings through.")
    lines = [
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"N:{_text(name)};;;;",
        f"FN:{_text(name)}",
        f"ORG:{_text(name)}",
        *(f"TEL;TYPE=WORK,VOICE:{number}" for number in numbers),
        f"NOTE:{_text(note)}",
        f"UID:{sha256(host.encode()).hexdigest()[:32]}@{host}",
        "END:VCARD",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines).encode()


def _text(value: str) -> str:
    """Commas, semicolons and line ends mean something in a card (RFC 2426 section 4)."""
    plain = value.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return " ".join(plain.split())


def _folded(line: str) -> str:
    """Lines of 75 octets at most, never cut within a character (RFC 2426 section 2.6)."""
    pieces, piece = [], ""
    for character in line:
        if len((piece + character).encode()) > 74:
            pieces.append(piece)
            piece = ""
        piece += character
    return "\r\n ".join([*pieces, piece])
