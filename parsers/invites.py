"""What a calendar part asks (RFC 5545, RFC 5546): who invites, to what, when and where, in one line for people.

A reader of the few properties that are shown, bounded and linear. It computes no repetitions and no time zones: an
instant is shown as the organiser wrote it, with its zone beside it.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from parsers import charset
from parsers.headers import line
from parsers.message import Attachment, Invite

LONGEST = 200_000  # bytes of a calendar
MANY = 10  # events shown
_LINE = re.compile(r"^([A-Za-z-]{1,40})((?:;[^:\"\n]*(?:\"[^\"\n]*\"[^:\"\n]*)*)?):(.*)$", re.MULTILINE)
_FOLD = re.compile(r"\r?\n[ \t]")
_PARAMETER = re.compile(r';([A-Za-z-]{1,40})=("[^"]*"|[^;"]*)')
_ESCAPED = re.compile(r"\\([\\;,Nn])")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?)?(Z?)")


def read(attachments: Iterable[Attachment]) -> tuple[Invite, ...]:
    """Return the events of every calendar part."""
    calendars = [one for one in attachments if one.content_type in ("text/calendar", "application/ics")]
    found = (invite for one in calendars[:MANY] for invite in events(one.content))
    return tuple(dict.fromkeys(found))[:MANY]  # the same calendar often stands in the text and as a file


def events(content: bytes) -> list[Invite]:
    """Return the events of one calendar, at most ten."""
    text = _FOLD.sub("", charset.guess(content[:LONGEST]).replace("\r\n", "\n"))
    out: list[Invite] = []
    method = ""
    inside = ""
    fields: dict[str, tuple[str, str]] = {}
    for found in _LINE.finditer(text):
        name, about, value = found.group(1).upper(), found.group(2), found.group(3).strip()
        if name == "METHOD":
            method = value.upper()[:20]
        elif name == "BEGIN" and value.upper() in ("VEVENT", "VALARM"):
            inside = value.upper()
            fields = fields if inside == "VALARM" else {}
        elif name == "END" and value.upper() == "VALARM":
            inside = "VEVENT"
        elif name == "END" and value.upper() == "VEVENT" and len(out) < MANY:
            out.append(_invite(method, fields))
            inside = ""
        elif inside == "VEVENT":
            fields.setdefault(name, (about, value))
    return out


def _invite(method: str, fields: dict[str, tuple[str, str]]) -> Invite:
    about, value = fields.get("ORGANIZER", ("", ""))
    names = {name.upper(): given.strip('"') for name, given in _PARAMETER.findall(about)}
    address = value[7:] if value[:7].lower() == "mailto:" else value
    organiser = f"{names['CN']} <{address}>" if names.get("CN") and names["CN"] != address else address
    status = _words(fields, "STATUS").upper()
    return Invite(
        method="CANCEL" if status == "CANCELLED" else method,
        subject=_words(fields, "SUMMARY"),
        starts=_when(fields, "DTSTART"),
        ends=_when(fields, "DTEND"),
        where=_words(fields, "LOCATION"),
        organiser=line(organiser)[:300],
    )


def _words(fields: dict[str, tuple[str, str]], name: str) -> str:
    value = fields.get(name, ("", ""))[1][:1_000]
    return line(_ESCAPED.sub(lambda found: " " if found.group(1) in "Nn" else found.group(1), value))


def _when(fields: dict[str, tuple[str, str]], name: str) -> str:
    """`2026-11-16 15:00 Europe/Rome`, `2026-11-16 14:00 UTC`, or a day alone; "" when it is no time."""
    about, value = fields.get(name, ("", ""))
    found = _TIME.match(value)
    if found is None:
        return ""
    year, month, day, hour, minute, _, utc = found.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), tzinfo=UTC)  # to check it
    except ValueError:
        return ""
    zones = {key.upper(): given.strip('"') for key, given in _PARAMETER.findall(about)}
    zone = "UTC" if utc else zones.get("TZID", "")
    return line(f"{moment:%Y-%m-%d %H:%M} {zone}" if hour else f"{moment:%Y-%m-%d}")[:120].strip()
