"""Where an old mail begins in a text: the lines that introduce it, in any program and language.

"On <date>, <who> wrote:", blocks of header lines, separators, a desk's own mark. It asks for evidence: a date, a time
or an address in those lines, or `>` marks below them. What is done with the places is for `replies`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from parsers import phrases

BLOCKS = 2_000  # lines that may begin the header lines of an old mail


def _any(words: Iterable[str]) -> str:
    """One alternation, longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_LETTER = re.compile(r"[^\W\d_]")
_LEAD = re.compile(rf"[\s*_\u200e\u200f\u202a-\u202e]*(?:(?:{_any(phrases.LEAD)})\b|\d)", re.IGNORECASE)
ENDS = re.compile(r"[:：]\W{0,6}$")
_COLON = re.compile(r"[:：][^\w\n]{0,6}$", re.MULTILINE)
_EVIDENCE = re.compile(
    r"\b\d{1,2}[:.h]\d{2}\b|\b\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}\b|\b(?:19|20)\d\d\b|[^\s<>@]@[^\s<>@]+\.\w|\d{1,2}月|"
    r"mailto:"
)
_DATED = re.compile(  # where nothing else looks like a program's line, a time alone is too little
    r"\d{1,4}[/.-] ?\d{1,2}[/.-] ?\d{2,4}\b|\b(?:19|20)\d\d\b|[^\s<>@]@[^\s<>@]+\.\w|\d{1,2}月|mailto:"
)
_DIGIT = re.compile(r"\d")
_TIME = re.compile(r"\b\d{1,2}[:.h]\d{2}\b|[^\s<>@]@[^\s<>@]+\.\w|mailto:")
CLOCK = re.compile(r"\b\d{1,2}[:.h]\d{2}\b")
STAMP = re.compile(rf"{CLOCK.pattern}|[^\s<>()@]@[^\s<>()@]+[>)]|mailto:")  # a time, or an address in brackets
_KEYS = {
    word: role
    for role, words in (
        ("from", phrases.FROM), ("sent", phrases.SENT), ("to", phrases.TO), ("subject", phrases.SUBJECT),
        ("beside", phrases.BESIDE),
    )
    for word in words
}  # fmt: skip
_KEYED = re.compile(r"[ \t*_|]{0,8}([^\n:：]{1,50}+)[:：](.*)")
# A line in a whole text: what begins with "\n" is found much faster than what begins with "^".
_KEY = re.compile(rf"\n{_KEYED.pattern}")
_SEPARATOR = re.compile(r"\n[ \t*_|]{0,8}[-_=*#‐‑–—]{2,80}[ \t]*(\w[^\n]{0,120})$", re.MULTILINE)
_FORWARDED = re.compile(
    "forward|inoltrat|weitergeleitet|transf[ée]r|transmis|reenviado|encaminhada|doorgestuurd|vidarebef|videresend|"
    "przekaz|přeposl|továbbít|välitetty|iletilen|пересыл|转发|轉寄|転送|전달"
)
_GMAIL = re.compile(
    r"\n\d{4}[/-]\d{1,2}[/-]\d{1,2}\b[^\n<]{0,100}\n?[^\n<]{0,100}<\n?[^>\s]+@[^>\s]+>[ \t]*:?[ \t]*$", re.MULTILINE
)
_GROUPWISE = re.compile(
    r"\n>>>[ \t][^\n]{0,150}\d[.:]\d\d\b[^\n]{0,40}$", re.MULTILINE
)  # >>> Desk <d@y> 16/11/2026 15:04 >>>
RULE = re.compile(  # a row of dashes, such a row with words in it, Lotus Notes' line
    r"\s*[-_=*‐‑–—]{3,}\s*$|\s*[-_=*]{4,}+[^-_=*\n][^\n]{0,120}?[-_=*]{4,}+\s*$|.{0,200}-{3}\d{1,2}/\d{1,2}/\d{4}\b"
)
_ABOVE = re.compile("|".join(f"(?:{pattern})" for pattern in phrases.ABOVE))
_TOLD = re.compile(  # somebody tells of a letter: that is no program's line
    r"\b(?:i|we|he|she|they|who|nobody|customer|colleague|user|author|supplier|client) (?:wrote|quoted)\b|"
    r"\bwrote (?:to )?(?:us|me|them|him)\b|"
    r"\b(?:mi|ci|vi|ti|le|gli|cliente|collega|fornitore|utente) ha scritto\b|\b(?:ho|abbiamo|hanno) scritto\b|"
    r"\b(?:ich|wir|er|kunde|kollege|kollegin) schrieb(?:en)?\b|\bschrieb (?:mir|uns|er|sie|ich|der kunde)\b|"
    r"\b(?:m['’]|nous |vous |client )a écrit\b|\b(?:me|nos|le|cliente) (?:escribió|escreveu)\b",
    re.IGNORECASE,
)
_NOTES = re.compile(r"(?<!\S)Subject[ \t]*$", re.MULTILINE)
QUOTED = re.compile(r"[ \t]{0,3}>")


@dataclass(frozen=True, slots=True)
class Break:
    """Lines `first` to `last` introduce an old mail; `forward` means that the author passes it on."""

    first: int
    last: int
    forward: bool = False
    headed: bool = False


_MARKS = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")  # no letters: they steer how text runs
_BESIDE = re.compile(
    r"(?<=[^\s>])[ \t]+(?:-{2,}[ \t]*)?(?=(?:"
    + "|".join(
        rf"{lead}[^\n]{{0,14}}\d[^\n]{{2,120}}(?:\d[:.]\d\d|@)[^\n]{{0,120}}\b{verb}"
        for lead, verb in (
            (r"on (?=\d|(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))", "wrote"),
            ("il ", "ha scritto"), ("am ", "schrieb[^\n]{0,100}"), ("le ", "a écrit"), ("el ", "escribió"),
        )
    )
    + r")[ \t]?:[ \t]*$)",
    re.IGNORECASE | re.MULTILINE,
)  # fmt: skip


_ORIGINAL_BESIDE = re.compile(
    rf"(?<=[^\s>|-])[ \t]{{1,20}}(?=-{{3,30}}[ \t]*(?:{_any(phrases.ORIGINAL)})[ \t]*-{{3,40}}[ \t]*$)",
    re.IGNORECASE | re.MULTILINE,
)


def apart(text: str) -> str:
    """Put what introduces an old mail on a line of its own where a program wrote it behind the author's last word."""
    if ":" in text and any(verb in text for verb in ("wrote", "ha scritto", "schrieb", "a écrit", "escribió")):
        lines = text.split("\n")
        ends = (len(line) < 2_000 and line[-8:].rstrip()[-1:] == ":" for line in lines)
        text = "\n".join(_BESIDE.sub("\n", line) if end else line for line, end in zip(lines, ends, strict=True))
    return _ORIGINAL_BESIDE.sub("\n", text) if " ---" in text else text


def next_full(lines: list[str], at: int) -> int:
    """The next line that is not empty."""
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at


def find(text: str, lines: list[str]) -> list[Break]:
    """Every place where an old mail is introduced, in order; `lines` are those of the text."""
    if not text.isascii() and _MARKS.search(text):
        text = _MARKS.sub("", text)
        lines = text.split("\n")
    lower = text.lower()
    lower = lower if len(lower) == len(text) else text  # a few capitals grow when lowered: then places would not fit
    starts = _Lines(text)
    found: dict[int, Break] = {}
    colon = ":" in text or "：" in text
    quotes = ">" in text and "\n>" in text
    introduces = "@" in text or quotes or (colon and _COLON.search(text))  # nothing else can stand behind "wrote"
    for place in _verbs(lower.replace("\n", " ")) if introduces else ():
        _add(found, _attribution(lines, starts.of(place)))
    rows = "\n" + lower
    for separator in _SEPARATOR.finditer(rows):
        if separator.group(1).startswith(phrases.ORIGINAL):
            at = starts.of(separator.start())
            _add(found, Break(at, at, _FORWARDED.search(separator.group(1)) is not None))
    tried = 0
    for keyed in _KEY.finditer(rows) if colon else ():
        key = _key(keyed.group(1))
        if key in phrases.FORWARD:
            at = starts.of(keyed.start())
            _add(found, Break(at, at, forward=True))
        elif key in _KEYS and tried < BLOCKS:
            tried += 1
            _add(found, _block(lines, starts.of(keyed.start())))
    if (above := _above(lower)) is not None:
        _add(found, Break(above - (above > 0 and RULE.match(lines[above - 1][:300]) is not None), above))
    for subject in _NOTES.finditer(text) if "Subject" in text else ():
        _add(found, _notes(lines, starts.of(subject.start())))
    for pattern in (_GMAIL, _GROUPWISE):
        for line in pattern.finditer("\n" + text) if ">" in text else ():
            at = starts.of(line.start())
            _add(found, Break(at, at))
    return sorted(found.values(), key=lambda one: one.first)


def _above(lower: str) -> int | None:
    """The first line of a text that is a desk's own mark."""
    if not _speaks(lower):
        return None
    return next((at for at, row in enumerate(lower.split("\n")) if _speaks(row) and _ABOVE.search(row)), None)


def _speaks(lower: str) -> bool:
    return any(word in lower for word in phrases.ABOVE_WORDS)


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


def _add(found: dict[int, Break], one: Break | None) -> None:
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


def _attribution(lines: list[str], at: int) -> Break | None:
    """The lines of "On <date>, <who> wrote:" around line `at`, if they are one."""
    if QUOTED.match(lines[at]) and not _closes_address(lines, at):
        return None
    last = next((i for i in range(at, min(at + 3, len(lines))) if ENDS.search(lines[i][-80:])), None)
    after = next_full(lines, (at if last is None else last) + 1)
    followed = after < len(lines) and bool(QUOTED.match(lines[after]))
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
        and (lines[first - 1].strip() or _inside_brackets(lines[first : at + 1]))
        and not QUOTED.match(lines[first - 1])
    ):
        first -= 1
    if not _begins(lines[first]):
        first = at if _EVIDENCE.search(" ".join(lines[at : last + 1])) else max(first, at - 1)
        first = at if not _EVIDENCE.search(" ".join(lines[first:at])) else first
    joined = " ".join(lines[first : last + 1])
    proof = _EVIDENCE if _begins(lines[first]) else _DATED
    if not followed and (not proof.search(joined) or _TOLD.search(joined)):
        return None
    ends = ENDS.search(lines[last][-80:]) is not None
    first -= first > 0 and RULE.match(lines[first - 1][:300]) is not None
    return Break(first, last) if ends or followed or _EVIDENCE.search(joined) else None


def _closes_address(lines: list[str], at: int) -> bool:
    """`<`, the address and `> wrote:` each on a line of its own."""
    above = " ".join(lines[max(at - 2, 0) : at])
    return (
        at > 0
        and not QUOTED.match(lines[at - 1])
        and "<" in above
        and "@" in above
        and above.count("<") > above.count(">")
    )


def _inside_brackets(lines: list[str]) -> bool:
    """`<`, the address and `>` on lines of their own, with empty lines around them."""
    return lines[0].strip() == "<" and ">" in lines[-1]


def _begins(line: str) -> bool:
    """A line like the start of an attribution: its lead word and, not far, something of a date or a name."""
    return _LEAD.match(line[:40]) is not None and (_DIGIT.search(line) is not None or bool(_verbs(line[:400].lower())))


def _block(lines: list[str], at: int) -> Break | None:
    """A block of header lines (Outlook, Libero, forwards) that begins at line `at`."""
    roles, last = _roles(lines, at)
    if "from" not in roles or not _proved(roles):
        return None
    first = at
    while first > 0 and at - first < 3 and _leads(lines[first - 1]):
        first -= 1
    while first < at and not lines[first].strip():
        first += 1
    return Break(first, last, headed=True)


def _notes(lines: list[str], at: int) -> Break | None:
    """Lotus Notes' table: who and when, then To, cc and Subject, each at the end of a line, their values below."""
    first = at
    for word in ("cc", "To"):
        above = range(first - 1, max(first - 8, -1), -1)
        first = next((i for i in above if lines[i][-200:].split()[-1:] == [word]), -1)
        if first < 0:
            return None
    while first > 0 and not lines[first - 1].strip():
        first -= 1
    top = max(first - 8, 0)
    while first > top and lines[first - 1].strip():
        first -= 1
    return Break(first, at, headed=True) if _EVIDENCE.search(" ".join(lines[first:at])) else None


def _leads(line: str) -> bool:
    """What may stand above the header lines of an old mail: nothing, a rule, "Original Message" without its dashes."""
    return not line.strip() or RULE.match(line[:300]) is not None or _key(line[:60]).rstrip(" :") in phrases.ORIGINAL


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
