"""Frozen facts -> the bytes of one mail, ready for the wire. Pure: the same letter gives the same bytes.

The header is written here and not by `email.message.EmailMessage`: with its SMTP policy an id longer than a line
becomes an encoded word, text that looks like one is decoded first, and Python before 3.11.10 lets a decoded line break
out again (python/cpython#121650). Every value is checked or cleaned for its place, and the finished header is read
once more before it leaves. Refuses to write a header that is not in `_header`, a second recipient, or anything that a
stranger wrote.

Two headers are left out on purpose. `Precedence: bulk` stands in no standard, makes filters treat a promise as
advertising, and adds nothing for responders that heed the empty return path, `Auto-Submitted` (RFC 3834) or
`X-Auto-Response-Suppress`. `X-Auto-Response-Suppress` on an agent's answer would hide from the agent that the customer
is away.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.charset import QP, Charset
from email.generator import BytesGenerator
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from gateway import locale
from gateway.post.letter import Answer, Content, Escalation, Letter, Notice, Receipt, mailbox, message_ids
from gateway.post.templates import language_of, render
from gateway.post.words import CHANNELS, EVENTS, MISSING, NEWS, NOTES, TARGETS

LONGEST_TEXT = 200  # characters of a header that people read
MOST_REFERENCES = 20
LINE = 78  # RFC 5322 section 2.1.1

# Exchange's words. An acknowledgement wants nothing back at all; a notice wants to know when it could not be delivered.
AUTOMATIC: Mapping[str, tuple[tuple[str, str], ...]] = {
    "acknowledgement": (("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All")),
    "notice": (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply")),
    "escalation": (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"), ("Importance", "high")),
    "answer": (),
}

# Quoted-printable is 7 bits with short lines: no relay has to touch it, so signatures hold.
_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP
_WIRE = compat32.clone(linesep="\r\n", max_line_length=LINE)
_CONTROLS = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {0x09, 0x0A})  # Unicode's Cc without tab and newline
_ANSWERING = re.compile(r"^(?:(?:re|r|aw|sv|rif)\s*:\s*)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """One promise as it is told. `by` is "" when it is best effort or `paused`."""

    what: str
    by: str
    paused: bool


def compose(letter: Letter, directories: tuple[Path, ...] = ()) -> bytes:
    """The whole mail with CRLF line ends; a desk's template folders go before ours.

    Raises ValueError when an address, our id or the date can't stand in a header: ask `mailbox` first."""
    letter, kind = _readable(letter, directories), kind_of(letter.content)
    known = facts(letter)
    body = MIMEMultipart("alternative", boundary=f"=_{sha256(letter.message_id.encode()).hexdigest()[:32]}")
    for part, subtype in (("txt", "plain"), ("html", "html")):
        text = _printable(render(directories, f"{kind}.{part}", known["language"], known))
        body.attach(MIMEText(text, subtype, _UTF8))  # type: ignore[arg-type]
    header = b"".join(_header(letter, subject(letter, directories)))
    written = BytesIO()
    BytesGenerator(written, mangle_from_=False, policy=_WIRE).flatten(body)
    return _checked(header) + written.getvalue()


def subject(letter: Letter, directories: tuple[Path, ...] = ()) -> str:
    """The subject alone, in one line."""
    letter = _readable(letter, directories)
    known = facts(letter)
    return _one_line(render(directories, f"{kind_of(letter.content)}.subject", known["language"], known))


def bodies(letter: Letter, directories: tuple[Path, ...] = ()) -> tuple[str, str]:
    """The plain and the HTML text alone, for a preview."""
    letter, kind = _readable(letter, directories), kind_of(letter.content)
    known = facts(letter)
    plain, html = (
        _printable(render(directories, f"{kind}.{part}", known["language"], known)) for part in ("txt", "html")
    )
    return plain, html


def _readable(letter: Letter, directories: tuple[Path, ...]) -> Letter:
    """The letter in the language that it will be written in."""
    return replace(letter, language=language_of(directories, kind_of(letter.content), locale.choose([letter.language])))


def envelope_from(letter: Letter) -> str:
    """Whom a bounce goes to. Nobody answers an empty path (RFC 5321 section 4.5.5), so an acknowledgement starts no
    loop; a bounce of anything else lands on its ticket."""
    return "" if isinstance(letter.content, Receipt | Escalation) else letter.reply_address


def kind_of(content: Content) -> str:
    """The name of a letter's templates."""
    return {Receipt: "acknowledgement", Answer: "answer", Notice: "notice", Escalation: "escalation"}[type(content)]


def facts(letter: Letter) -> dict[str, Any]:
    """What a template may use, in the reader's words; every name is there for its kind of letter, empty or not."""
    content = letter.content
    language = locale.choose([letter.language])
    say = locale.translator(language)
    known: dict[str, Any] = {
        "number": letter.number,
        "desk": _one_line(letter.desk_name),
        "language": language,
        "direction": locale.direction(language),
        "reply_address": letter.reply_address,
    }
    if isinstance(content, Answer):
        return known | {
            "text": _printable(content.text).strip("\n"),
            "agent": _one_line(content.agent),
            "about": _about(content, say),
        }
    if isinstance(content, Escalation):
        due = locale.local_time(content.fell_due, letter.zone, language, written=letter.date)
        told = {
            name: _one_line(getattr(content, name))
            for name in ("whom", "customer", "plan", "priority", "subject", "link")
        }
        return known | told | {"due": f"{due} ({locale.zone_words(content.fell_due, letter.zone, language)})"}
    known |= {"promises": _promises(letter, language), "priority": _one_line(content.priority)}
    if isinstance(content, Notice):
        title, words = EVENTS[content.event]
        return known | {"title": say(title), "words": say(words), "text": _printable(content.text).strip("\n")}
    updates = locale.duration(content.updates_every, language) if content.updates_every else ""
    channels = content.channels if "channel_not_in_plan" in content.notes else ()
    return known | {
        "updates": updates,
        "news": say(NEWS.get(content.updates_every or "", NEWS[""])) % {"time": updates} if updates else "",
        "notes": tuple(say(NOTES[note]) for note in content.notes),
        "channels": tuple(say(CHANNELS[channel]) for channel in channels if channel != "event"),
        "missing": tuple(say(MISSING[thing]) for thing in content.missing),
        "callback": content.callback,
    }


def _promises(letter: Letter, language: str) -> tuple[Line, ...]:
    assert not isinstance(letter.content, Answer | Escalation)
    say = locale.translator(language)
    told = []
    for clock in letter.content.clocks:
        by = ""
        if clock.due is not None:
            when = locale.local_time(clock.due, letter.zone, language, written=letter.date)
            by = f"{when} ({locale.zone_words(clock.due, letter.zone, language)})"
        told.append(Line(say(TARGETS[clock.target]), by, paused=not by and not clock.best_effort))
    return tuple(told)


def _about(answer: Answer, _: Callable[[str], str]) -> str:
    # The customer's own subject goes back to the customer alone, and only in a person's answer.
    about = _ANSWERING.sub("", _one_line(answer.about), count=1)
    return f"Re: {about}" if about else _("Your report")


def _header(letter: Letter, title: str) -> Iterator[bytes]:
    """Every header that a letter of ours has, in order."""
    to, sender, reply = (_address(address) for address in (letter.to, letter.desk_address, letter.reply_address))
    (own,) = message_ids((letter.message_id,)) or (None,)
    if own is None or letter.date.tzinfo is None:
        raise ValueError("a letter needs an id of its own and a date with a zone")
    answered = message_ids((letter.in_reply_to,) if letter.in_reply_to else ())
    thread = message_ids(letter.references + answered)
    # The first id is the root that programs sort by; the last ones are the nearest (RFC 5322 section 3.6.4).
    kept = thread if len(thread) <= MOST_REFERENCES else (thread[0], *thread[1 - MOST_REFERENCES :])
    yield _tokens("Date", (format_datetime(letter.date),))
    yield _tokens("From", (_phrase("From", _one_line(letter.desk_name)), f"<{sender}>"))
    yield _tokens("To", (f"<{to}>",))
    yield _tokens("Reply-To", (f"<{reply}>",))
    yield _tokens("Subject", (_words("Subject", title),))
    yield _tokens("Message-ID", (f"<{own}>",))
    if answered:
        yield _tokens("In-Reply-To", (f"<{answered[0]}>",))
    if kept:
        yield _tokens("References", tuple(f"<{text}>" for text in kept))
    yield _tokens("Content-Language", (locale.choose([letter.language]),))
    for name, value in AUTOMATIC[kind_of(letter.content)]:
        yield _tokens(name, (value,))


def _address(address: str) -> str:
    if mailbox(address) is None:
        raise ValueError(f"not one plain address: {address!r}")
    return address


def _tokens(name: str, tokens: tuple[str, ...]) -> bytes:
    """One header, folded between its tokens. UTF-8 is left only in addresses, which then need SMTPUTF8 (RFC 6532)."""
    lines = [f"{name}:"]
    for token in tokens:
        if len(lines[-1]) + len(token) >= LINE and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {token}"
    return "".join(f"{line}\r\n" for line in lines).encode()


def _words(name: str, text: str) -> str:
    """Unstructured text: as it is in short ASCII, else RFC 2047 encoded words, folded."""
    return Header(text, "us-ascii" if text.isascii() else "utf-8", header_name=name).encode(
        linesep="\r\n", maxlinelen=LINE - 2
    )


def _phrase(name: str, text: str) -> str:
    """A display name: a quoted string, or encoded words (RFC 2047 section 5 rule 3)."""
    if not text.isascii():
        return _words(name, text)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _one_line(text: str) -> str:
    """Text for a header: no controls, no direction marks, no line breaks, nothing that reads as an encoded word."""
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text.replace("=?", "= ?"))
    return " ".join(visible.split())[:LONGEST_TEXT].strip()


def _printable(text: str) -> str:
    """Text for a body: line ends made one kind, controls but tab and newline gone, half characters replaced."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return lines.translate(_CONTROLS).encode("utf-8", "replace").decode()


def _checked(header: bytes) -> bytes:
    """The last look before the wire: only headers that we set, each once (RFC 5322 section 3.6), no stray byte."""
    allowed = {
        "date",
        "from",
        "to",
        "reply-to",
        "subject",
        "message-id",
        "in-reply-to",
        "references",
        "content-language",
    }
    allowed |= {name.lower() for pairs in AUTOMATIC.values() for name, _ in pairs}
    lines = header.decode().split("\r\n")[:-1]
    names = [line.partition(":")[0].lower() for line in lines if not line.startswith((" ", "\t"))]
    stray = any(not line.strip() or re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line) for line in lines)
    if stray or len(names) != len(set(names)) or not allowed.issuperset(names):
        raise ValueError("a header of this letter came out wrong")
    return header
