"""What the author newly wrote: quoted mail taken out, answers between the quotes kept; the signature is told apart.

It cuts only on evidence: a date, a time or an address in the line that introduces the old mail, a known separator, or
`>` marks. "Da: interno 204" is the customer's own text. Every step is linear in the text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from parsers import phrases, signatures

LONGEST = 400_000  # characters looked at; a longer text is cut only within them


def _any(words: Iterable[str]) -> str:
    """One alternation, longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_LETTER = re.compile(r"[^\W\d_]")
_LEAD = re.compile(rf"[\s*_\u200e\u200f\u202a-\u202e]*(?:(?:{_any(phrases.LEAD)})\b|\d)", re.IGNORECASE)
_ENDS = re.compile(r"[:：]\W{0,6}$")
_COLON = re.compile(r"[:：][^\w\n]{0,6}$", re.MULTILINE)
_EVIDENCE = re.compile(
    r"\b\d{1,2}[:.h]\d{2}\b|\b\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}\b|\b(?:19|20)\d\d\b|[^\s<>@]@[^\s<>@]+\.\w|\d{1,2}月|"
    r"mailto:"
)
_DIGIT = re.compile(r"\d")
_TIME = re.compile(r"\b\d{1,2}[:.h]\d{2}\b|[^\s<>@]@[^\s<>@]+\.\w|mailto:")
_KEYS = {
    word: role
    for role, words in (
        ("from", phrases.FROM), ("sent", phrases.SENT), ("to", phrases.TO), ("subject", phrases.SUBJECT),
        ("beside", phrases.BESIDE),
    )
    for word in words
}  # fmt: skip
_KEYED = re.compile(r"^[ \t*_|]{0,8}([^\n:：]{1,50})[:：](.*)$", re.MULTILINE)
_SEPARATOR = re.compile(r"^[ \t*_|]{0,8}[-_=*#‐‑–—]{2,80}[ \t]*(\w[^\n]{0,120})$", re.MULTILINE)
_FORWARDED = re.compile(
    "forward|inoltrat|weitergeleitet|transf[ée]r|transmis|reenviado|encaminhada|doorgestuurd|vidarebef"
)
_GMAIL = re.compile(
    r"^\d{4}[/-]\d{1,2}[/-]\d{1,2}\b[^\n<]{0,100}\n?[^\n<]{0,100}<\n?[^>\s]+@[^>\s]+>[ \t]*:?[ \t]*$", re.MULTILINE
)
_GROUPWISE = re.compile(
    r"^>>>[ \t][^\n]{0,150}\d[.:]\d\d\b[^\n]{0,40}$", re.MULTILINE
)  # >>> Desk <d@y> 16/11/2026 15:04 >>>
_RULE = re.compile(r"\s*[-_=*‐‑–—]{3,}\s*$|.{0,200}-{3}\d{1,2}/\d{1,2}/\d{4}\b")  # the second is Lotus Notes'
_QUOTED = re.compile(r"[ \t]{0,3}>")


@dataclass(frozen=True, slots=True)
class Reply:
    """The author's words. `passed_on` is the line where an old mail with header lines or a forward begins, `marked`
    says that it calls itself forwarded."""

    text: str
    with_signature: str
    passed_on: int | None = field(default=None, compare=False)
    marked: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Break:
    """Lines `first` to `last` introduce an old mail; `forward` means that the author passes it on."""

    first: int
    last: int
    forward: bool = False
    headed: bool = False


def cut(text: str, author: str = "") -> Reply:
    """Return the author's own words of a plain text, without and with signature; `author` is his name, if known."""
    head, tail = text[:LONGEST], text[LONGEST:]
    lines = head.split("\n")
    breaks = _breaks(head, lines)
    quoted = head.startswith(">") or "\n>" in head or "\n " in head
    if not breaks and not quoted:
        return Reply(_joined([signatures.without(lines, author=author)]) + tail, text.strip())
    segments, cut_off = _segments(lines, breaks)
    whole = _joined(segments)
    place, marked = _passed_on(breaks)
    if not whole and marked:
        return Reply(text.strip(), text.strip(), place, marked)  # nothing but a forwarded mail: that is the report
    tail = "" if cut_off else tail
    own = _joined(
        [signatures.without(segment, top=not number, author=author) for number, segment in enumerate(segments)]
    )
    return Reply((own or whole) + tail, whole + tail, place, marked)


def _passed_on(breaks: list[_Break]) -> tuple[int | None, bool]:
    """Where the first old mail begins that may be passed on, and whether it calls itself forwarded."""
    forward = next((found.first for found in breaks if found.forward), None)
    headed = next((found.first for found in breaks if found.headed), None)
    return (headed, False) if forward is None else (forward, True)


def _joined(segments: list[list[str]]) -> str:
    texts = ("\n".join(segment).strip() for segment in segments)
    return "\n\n".join(text for text in texts if text)


def _segments(lines: list[str], breaks: list[_Break]) -> tuple[list[list[str]], bool]:
    """The author's lines, split where a quote stood; True when all that follows some line was cut off."""
    starts = {found.first: found for found in breaks}
    segments: list[list[str]] = [[]]
    at = 0
    while at < len(lines):
        found = starts.get(at)
        if found is not None:
            after = _next(lines, found.last + 1)
            if after < len(lines) and not _QUOTED.match(lines[after]):
                return segments, True
            at = after
            segments.append([])
        elif _QUOTED.match(lines[at]) and not (segments[-1] and _closes_link(lines, at)):
            at += 2 if _wrapped(lines, at) else 1
            if segments[-1]:
                _drop_lead(segments[-1])
                segments.append([])
        else:
            segments[-1].append(lines[at])
            at += 1
    return segments, False


_OPEN_LINK = re.compile(r"<https?://[^\s<>]{1,2000}$")


def _closes_link(lines: list[str], at: int) -> bool:
    """`<http://...` on the line above, so that this `>` is its end and no quote."""
    return at > 0 and _OPEN_LINK.search(lines[at - 1][-2_010:].rstrip()) is not None


def _wrapped(lines: list[str], at: int) -> bool:
    """A quoted line so long that some program broke it: its tail stands below without a mark, the quote goes on."""
    if len(lines[at]) < 66 or at + 2 >= len(lines) or not _QUOTED.match(lines[at + 2]):
        return False
    tail = lines[at + 1]
    return tail[:1].islower() and len(tail) < 40


def _drop_lead(segment: list[str]) -> None:
    """Drop the line right above a quote that says when or from whom, in whatever language: `пн, 16 нояб. в 15:04:`."""
    while segment and not segment[-1].strip():
        segment.pop()
    if segment and _ENDS.search(segment[-1][-80:]) and _TIME.search(segment[-1][:400]):
        segment.pop()


def _next(lines: list[str], at: int) -> int:
    """The next line that is not empty."""
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at


def _breaks(text: str, lines: list[str]) -> list[_Break]:
    """Every place where an old mail is introduced, in order."""
    lower = text.lower()
    lower = lower if len(lower) == len(text) else text  # a few capitals grow when lowered: then places would not fit
    starts = _Lines(text)
    found: dict[int, _Break] = {}
    introduces = _COLON.search(text) or "@" in text or "\n>" in text  # nothing else can stand behind "wrote"
    for place in _verbs(lower) if introduces else ():
        _add(found, _attribution(lines, starts.of(place)))
    for keyed in _KEYED.finditer(lower):
        key = _key(keyed.group(1))
        if key in phrases.FORWARD:
            at = starts.of(keyed.start())
            _add(found, _Break(at, at, forward=True))
        elif key in _KEYS:
            _add(found, _block(lines, starts.of(keyed.start())))
    for separator in _SEPARATOR.finditer(lower):
        if separator.group(1).startswith(phrases.ORIGINAL):
            at = starts.of(separator.start())
            _add(found, _Break(at, at, _FORWARDED.search(separator.group(1)) is not None))
    for phrase in phrases.ABOVE if any(word in lower for word in phrases.ABOVE_WORDS) else ():
        if (place := lower.find(phrase)) >= 0:
            _add(found, _Break(starts.of(place), starts.of(place)))
    for pattern in (_GMAIL, _GROUPWISE):
        for line in pattern.finditer(text):
            at = starts.of(line.start())
            _add(found, _Break(at, at))
    return sorted(found.values(), key=lambda one: one.first)


def _key(raw: str) -> str:
    """The name of a header line as the tables hold it: `*Von*` is `von`."""
    return raw.strip(" \t*_|\xa0").lower()


_WROTE_ASCII = tuple(verb for verb in phrases.WROTE if verb.isascii())


def _verbs(lower: str) -> list[int]:
    """Where somebody "wrote", at most 500 times."""
    places: list[int] = []
    for verb in _WROTE_ASCII if lower.isascii() else phrases.WROTE:
        at = lower.find(verb)
        while at >= 0 and len(places) < 500:
            after = lower[at + len(verb) : at + len(verb) + 1]
            if not _LETTER.match(lower[at - 1 : at] or " ") and not _LETTER.match(after or " "):
                places.append(at)
            at = lower.find(verb, at + len(verb))
    return sorted(places)


def _add(found: dict[int, _Break], one: _Break | None) -> None:
    if one is not None and one.first not in found:
        found[one.first] = one


class _Lines:
    """Which line a position of the text is on, asked in rising order within one scan."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = self.line = 0

    def of(self, position: int) -> int:
        if position < self.at:
            self.at = self.line = 0
        self.line += self.text.count("\n", self.at, position)
        self.at = position
        return self.line


def _attribution(lines: list[str], at: int) -> _Break | None:
    """The lines of "On <date>, <who> wrote:" around line `at`, if they are one."""
    if _QUOTED.match(lines[at]) and not _closes_address(lines, at):
        return None
    last = next((i for i in range(at, min(at + 3, len(lines))) if _ENDS.search(lines[i][-80:])), None)
    after = _next(lines, (at if last is None else last) + 1)
    followed = after < len(lines) and bool(_QUOTED.match(lines[after]))
    if last is None:
        if not followed and not _verbs(lines[at][-30:].lower()):
            return None
        last = at
    if len("".join(lines[at : last + 1])) > 400:
        return None
    first = at
    while (
        first > 0
        and at - first < 4
        and not _begins(lines[first])
        and lines[first - 1].strip()
        and not _QUOTED.match(lines[first - 1])
    ):
        first -= 1
    if not _begins(lines[first]):
        first = at if _EVIDENCE.search(" ".join(lines[at : last + 1])) else max(first, at - 1)
        first = at if not _EVIDENCE.search(" ".join(lines[first:at])) else first
    joined = " ".join(lines[first : last + 1])
    if not _EVIDENCE.search(joined) and not followed:
        return None
    ends = _ENDS.search(lines[last][-80:]) is not None
    first -= first > 0 and _RULE.match(lines[first - 1][:300]) is not None
    return _Break(first, last) if ends or followed or _EVIDENCE.search(joined) else None


def _closes_address(lines: list[str], at: int) -> bool:
    """`<`, the address and `> wrote:` each on a line of its own."""
    above = " ".join(lines[max(at - 2, 0) : at])
    return at > 0 and not _QUOTED.match(lines[at - 1]) and "<" in above and ">" not in above and "@" in above


def _begins(line: str) -> bool:
    """A line like the start of an attribution: its lead word and, not far, something of a date or a name."""
    return _LEAD.match(line[:40]) is not None and (_DIGIT.search(line) is not None or bool(_verbs(line[:400].lower())))


def _block(lines: list[str], at: int) -> _Break | None:
    """A block of header lines (Outlook, Libero, forwards) that begins at line `at`."""
    roles, last = _roles(lines, at)
    if "from" not in roles or not _proved(roles):
        return None
    first = at
    while first > 0 and at - first < 3 and _leads(lines[first - 1]):
        first -= 1
    while first < at and not lines[first].strip():
        first += 1
    return _Break(first, last, headed=True)


def _leads(line: str) -> bool:
    """What may stand above the header lines of an old mail: nothing, a rule, "Original Message" without its dashes."""
    return not line.strip() or _RULE.match(line) is not None or _key(line[:60]).rstrip(" :") in phrases.ORIGINAL


def header_block(lines: list[str], at: int) -> dict[str, str]:
    """Return the header lines of an old mail that begin at line `at`, by their role: from, sent, to, subject."""
    return _roles(lines, at)[0] if _KEYED.match(lines[at][:1_000]) else {}


def _roles(lines: list[str], at: int) -> tuple[dict[str, str], int]:
    """The header lines from `at` on and the last of them."""
    roles: dict[str, str] = {}
    last = at
    for index in range(at, min(at + 14, len(lines))):
        found = _KEYED.match(lines[index][:1_000])
        role = _KEYS.get(_key(found.group(1))) if found is not None else None
        if found is not None and role is not None:
            roles.setdefault(role, found.group(2))
            last = index
        elif lines[index].strip() and index - last > 1:
            break  # one folded line is allowed, and empty lines between (HTML made into text)
    return roles, last


def _proved(roles: dict[str, str]) -> bool:
    """At least a time or an address among the values: a form that a customer fills in has neither in these places."""
    dated = "sent" in roles and _EVIDENCE.search(roles["sent"]) is not None
    timed = any(_TIME.search(roles.get(role, "")) for role in ("from", "sent", "to"))
    if len(roles) == 2:
        return dated and "@" in roles["from"]
    return len(roles) > 2 and (timed or (dated and len(roles) > 3))
