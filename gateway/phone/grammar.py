"""TwiML as a table: which elements and attributes there are, and what they may hold. What breaks it, a carrier drops the call for.

Only what Presa says is in it: fewer words than the carriers know, and no more. Refuses to do anything with a document.
https://www.twilio.com/docs/voice/twiml and below; limits of Telnyx and SignalWire where they are narrower.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

LONGEST_DOCUMENT: Final = 64 * 1024  # bytes, Twilio error 11751
LONGEST_SAY: Final = 4_096
LONGEST_URL: Final = 4_000  # a whole address, what an order's Url may have
LONGEST_QUEUE: Final = 64

URL: Final = re.compile(r"[!-~]+")  # relative ones too: carriers resolve them
NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
METHOD: Final = re.compile(r"POST|GET")
TRUTH: Final = re.compile(r"true|false")
KEYS: Final = re.compile(r"[0-9*#]*")
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?|arb")
EVENTS: Final = re.compile(r"(start|end|join|leave|mute|hold|speaker)( (start|end|join|leave|mute|hold|speaker))*")
NAME: Final = re.compile(r"[^\x00-\x1f]{1,64}")


def _seconds(least: int, most: int) -> range:
    return range(least, most + 1)


@dataclass(frozen=True, slots=True)
class Element:
    """`attributes`: name -> what it may hold; `inside`: elements; `text`: what it may hold, None for nothing."""

    attributes: Mapping[str, re.Pattern[str] | range] = field(default_factory=dict)
    inside: frozenset[str] = frozenset()
    text: re.Pattern[str] | None = None
    longest: int = LONGEST_URL


ANYTHING: Final = re.compile(r"(?s).*")
SPOKEN: Final = frozenset(("Say", "Play", "Pause"))
CALLBACK: Final = {"action": URL, "method": METHOD}

ELEMENTS: Final[Mapping[str, Element]] = {
    "Response": Element(
        inside=SPOKEN | {"Gather", "Record", "Redirect", "Dial", "Enqueue", "Leave", "Hangup", "Reject"},
    ),
    "Say": Element({"language": LANGUAGE, "voice": NAME, "loop": _seconds(0, 1_000)}, text=ANYTHING, longest=LONGEST_SAY),
    "Play": Element({"loop": _seconds(0, 1_000), "digits": KEYS}, text=URL),
    "Pause": Element({"length": _seconds(0, 3_600)}),
    "Gather": Element(
        {
            **CALLBACK, "input": re.compile(r"dtmf|speech|dtmf speech"), "timeout": _seconds(1, 120),
            "numDigits": _seconds(1, 128), "finishOnKey": KEYS, "actionOnEmptyResult": TRUTH, "language": LANGUAGE,
            "speechTimeout": _seconds(1, 60), "bargeIn": TRUTH, "hints": NAME,
        },
        inside=SPOKEN,
    ),
    "Record": Element(
        {
            **CALLBACK, "timeout": _seconds(1, 600), "maxLength": _seconds(1, 14_400), "finishOnKey": KEYS, "playBeep": TRUTH,
            "trim": re.compile(r"trim-silence|do-not-trim"), "recordingStatusCallback": URL,
            "recordingStatusCallbackMethod": METHOD, "transcribe": TRUTH, "transcribeCallback": URL,
        },
        ),
    "Redirect": Element({"method": METHOD}, text=URL),
    "Dial": Element(
        {
            **CALLBACK, "timeout": _seconds(5, 120), "timeLimit": _seconds(60, 14_400), "callerId": NUMBER,
            "answerOnBridge": TRUTH, "hangupOnStar": TRUTH,
        },
        inside=frozenset(("Number", "Conference", "Queue")), text=NUMBER,
    ),
    # `url` runs where the called one is, after they answer and before they are connected (Twilio and SignalWire: Number noun)
    "Number": Element({"url": URL, "method": METHOD, "statusCallback": URL}, text=NUMBER),
    "Conference": Element(
        {
            "startConferenceOnEnter": TRUTH, "endConferenceOnExit": TRUTH, "waitUrl": re.compile(r"|" + URL.pattern),
            "waitMethod": METHOD, "statusCallback": URL, "statusCallbackMethod": METHOD, "statusCallbackEvent": EVENTS,
            "region": re.compile(r"[a-z]{2}[0-9]"), "beep": re.compile(r"true|false|onEnter|onExit"), "muted": TRUTH,
            "maxParticipants": _seconds(2, 250), "participantLabel": NAME,
        },
        text=NAME, longest=128,
    ),
    "Queue": Element({"url": URL, "method": METHOD}, text=NAME, longest=LONGEST_QUEUE),
    "Enqueue": Element(
        {**CALLBACK, "waitUrl": URL, "waitUrlMethod": METHOD, "maxWaitTime": _seconds(1, 86_400)}, text=NAME,
        longest=LONGEST_QUEUE,
    ),
    "Leave": Element(),
    "Hangup": Element(),
    "Reject": Element({"reason": re.compile(r"rejected|busy")}),
}  # fmt: skip


def faults(document: str) -> tuple[str, ...]:
    """All that a carrier would not take in a document, in plain words; nothing for a good one."""
    if len(document.encode("utf-8", "replace")) > LONGEST_DOCUMENT:
        return ("longer than 64 KiB",)
    try:
        root = ET.fromstring(document.encode())  # noqa: S314  (our own documents; a bomb would be our own fault)
    except (ET.ParseError, UnicodeEncodeError) as error:
        return (f"not XML: {error}",)
    if root.tag != "Response":
        return (f"not TwiML: {root.tag}",)
    return tuple(_of(root))


def _of(element: ET.Element) -> Iterator[str]:
    known = ELEMENTS.get(element.tag)
    if known is None:
        yield f"no such element: {element.tag}"
        return
    for name, value in element.attrib.items():
        allowed = known.attributes.get(name)
        if allowed is None or not _holds(allowed, value):
            yield f"{element.tag} {name}={value[:40]!r}"
    text = "".join((element.text or "", *(child.tail or "" for child in element)))
    if known.text is None and text.strip():
        yield f"text in {element.tag}"
    if known.text is not None and not len(element) and not known.text.fullmatch(text):
        yield f"text of {element.tag}: {text[:40]!r}"
    if len(text) > known.longest:
        yield f"{element.tag} is {len(text)} characters long"
    for child in element:
        if child.tag not in known.inside:
            yield f"{child.tag} in {element.tag}"
        else:
            yield from _of(child)


def _holds(allowed: re.Pattern[str] | range, value: str) -> bool:
    if isinstance(allowed, range):
        return value.isascii() and value.isdigit() and len(value) < 9 and int(value) in allowed
    return len(value) <= LONGEST_URL and allowed.fullmatch(value) is not None
