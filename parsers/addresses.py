"""Address lists (RFC 5322 3.4 with its obsolete forms), kept exact because the sender decides trust.

Every address that stands in the header is returned, none is invented: a display name that looks like an address is a
name, encoded words are decoded after splitting, Unicode is never folded and its spaces are letters. Does not say whether
an address is valid. Linear in the length of the header; at most 1,000 addresses.
"""

import re

from parsers import encoded
from parsers.headers import line
from parsers.message import Address

MANY = 1_000
_SPACE = " \t\r\n"
LONGEST_NAME = 4_000  # characters as written
LONGEST = 200_000  # characters of one header; nobody writes to a thousand people in more

_PLAIN = re.compile(
    r'(?:"((?:[^"\\]|\\.)*)"\s*|([^"<>(),:;@\[\]\\]*))<([^\s"<>(),:;@\[\]\\]+@[^\s"<>(),:;@\[\]\\]+)>', re.ASCII
)
_BARE = re.compile(r'(?!\')[^\s"<>(),:;@\[\]\\]+@[^\s"<>(),:;@\[\]\\]+', re.ASCII)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^"<(),:;\[\s]+|\s+|.', re.DOTALL | re.ASCII)
_QUOTED_INSIDE = re.compile(r'[^"<>]{0,1000}"(?:[^"\\]|\\.){0,1000}"[^"<>]{0,1000}>')
_UNQUOTE = re.compile(r"\\(.)", re.DOTALL)


def parse(value: str | None) -> tuple[Address, ...]:
    """Return the addresses of one header value in order; group names are dropped, their members kept."""
    if not value:
        return ()
    simple = _PLAIN.fullmatch(value)
    if simple is not None:  # nine headers in ten
        quoted = simple.group(1)
        return (
            Address(_name(_UNQUOTE.sub(r"\1", quoted) if quoted is not None else simple.group(2)), simple.group(3)),
        )
    if _BARE.fullmatch(value):
        return (Address("", value),)
    return tuple(_List(value[:LONGEST]).read())


def _name(raw: str) -> str:
    """A display name for people: decoded, on one line, spaces single."""
    return " ".join(line(encoded.words(raw[:LONGEST_NAME])).split())


class _Element:
    """What stands between two commas: words, comments and the contents of angle brackets."""

    def __init__(self) -> None:
        self.words: list[str] = []  # as written; quoted strings with their quotes
        self.comments: list[str] = []
        self.angles: list[str] = []
        self.addressed = False  # a word holds an @

    def add(self, word: str) -> None:
        self.words.append(word)
        self.addressed = self.addressed or ("@" in word and word[:1] != '"')

    def __bool__(self) -> bool:
        return bool(self.angles or self.comments or any(not word.isspace() for word in self.words))

    @property
    def bare(self) -> bool:
        """Only a name so far: `Rossi` of `Rossi, Mario <m@x>`."""
        return not self.angles and not self.addressed

    def phrase(self) -> str:
        return _name("".join(_unquoted(word) for word in self.words))

    def addresses(self) -> list[Address]:
        comment = _name(" ".join(self.comments))
        if self.angles:
            name = self.phrase() or comment
            exact = list(dict.fromkeys(_angle(text) for text in self.angles))
            return [Address(name, addr) for addr in exact if addr or name]
        if self.bare:
            name = self.phrase()
            atoms = [word for word in self.words if not word.isspace()]
            if len(atoms) == 1 and atoms[0][:1] not in '"=':  # a mailbox without a domain: MAILER-DAEMON
                return [Address(comment, atoms[0])]
            return [Address(name or comment, "")] if (name or comment) and not name.endswith(":") else []
        found, rest = _specs(self.words)
        name = _name(rest) or comment
        return [Address(name, addr) for addr in found[:MANY]]


def _unquoted(word: str) -> str:
    return _UNQUOTE.sub(r"\1", word[1:-1]) if word[:1] == '"' and word[-1:] == '"' and len(word) > 1 else word


def _angle(text: str) -> str:
    """The address inside the brackets: without route (RFC 5322 4.4), comments and spaces around its parts."""
    text = text.strip(_SPACE).lstrip("<").strip(_SPACE)
    if text.startswith("@") and ":" in text:
        text = text.rpartition(":")[2] if '"' not in text else text.partition(":")[2]
    if text[:7].lower() == "mailto:":
        text = text[7:]
    if "(" in text and ")" in text:
        text = re.sub(r"\([^()]*\)", "", text)
    if "@" in text and " " in text:
        text = re.sub(r"\s*([@.])\s*", r"\1", text) if '"' not in text else text
    return text.strip(_SPACE)


_SPEC = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+', re.DOTALL | re.ASCII)
_AT = re.compile(" ?@ ?")
_DOT = re.compile(r"(@[^\s@]*) (?=\.[^\s.])")  # RFC 5322 section 4.4: a domain may have spaces around its dots

_DOTS = re.compile(r"(?<=[^\s.]) \. (?=[^\s.])")


def _specs(words: list[str]) -> tuple[list[str], str]:
    """Addresses written without brackets, and the words that belong to none: `Mario m@x`, `mario @ x`, `"a b"@x`."""
    loose = _AT.sub("@", "".join(" " if word.isspace() else word if word[:1] != '"' else "\0" for word in words))
    loose = _DOTS.sub(".", _DOT.sub(r"\1", loose))
    quoted = iter([word for word in words if word[:1] == '"'])
    text = re.sub("\0", lambda _: next(quoted), loose)
    found: list[str] = []
    rest: list[str] = []
    for piece in _SPEC.findall(text):
        (found if "@" in piece and piece[:1] + piece[-1:] != '""' else rest).append(piece)
    bare = [one.strip("[]") if one[:8].lower() == "[mailto:" else one for one in found]
    listed = [one[7:] if one[:7].lower() == "mailto:" else one for one in bare]
    listed = [one[1:-1] if one[0] == one[-1] == "'" else one.rstrip(">") for one in listed]
    return listed, " ".join(_unquoted(piece) for piece in rest)


class _List:
    """One pass over the value: a piece at a time, brackets and comments taken whole where they close."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.closing = _comments(value) if "(" in value else {}
        self.unclosed = False
        self.element = _Element()
        self.held: list[_Element] = []  # names waiting for the part after their comma
        self.out: list[Address] = []

    def read(self) -> list[Address]:
        value, at, last_semicolon = self.value, 0, self.value.rfind(";")
        while at < len(value) and len(self.out) < MANY:
            char = value[at]
            if char == "<":
                at = self._bracket(at)
                continue
            if char == "(" and at in self.closing:
                self.element.comments.append(value[at + 1 : self.closing[at]])
                at = self.closing[at] + 1
                continue
            if char == '"' and self.unclosed:
                at += 1
                continue
            found = _TOKEN.match(value, at)
            piece = found.group() if found else char
            at += len(piece)
            if piece in ",;":
                self._end(soft=piece == ",")
            elif piece == ":" and at <= last_semicolon and self.element.bare:
                self.held, self.element = [], _Element()  # the name of a group
            elif piece == '"':  # it never closes: dropped, and looked for only once
                self.unclosed = True
            else:
                self.element.add(piece)
        self._end(soft=False)
        return self.out[:MANY]

    def _bracket(self, at: int) -> int:
        close = self.value.find(">", at)
        inner = self.value[at + 1 : close] if close >= 0 else ""
        if inner.count('"') % 2:  # a quoted local part that holds a bracket
            quoted = _QUOTED_INSIDE.match(self.value, at + 1)
            if quoted is not None:
                close, inner = quoted.end() - 1, self.value[at + 1 : quoted.end() - 1]
        if close < 0:  # never closed: the rest of the line up to a comma
            close = min((p for p in (self.value.find(",", at), len(self.value)) if p >= 0), default=len(self.value))
            inner = self.value[at + 1 : close]
            self.element.angles.append(inner)
            return close
        self.element.angles.append(inner)
        while self.value[close + 1 : close + 2] == ">":
            close += 1
        return close + 1

    def _end(self, *, soft: bool) -> None:
        element, self.element = self.element, _Element()
        if not element:
            return
        if soft and element.bare:
            self.held.append(element)
            return
        if self.held and element.angles and element.words:
            # `Rossi, Mario <m@x>`: an unquoted comma belongs to the name when an address follows.
            names = [[*part.words, ","] for part in self.held]
            element.words = [*(word for name in names for word in name), *element.words]
        else:
            for part in self.held:
                self.out += part.addresses()
        self.held = []
        self.out += element.addresses()


def _comments(value: str) -> dict[int, int]:
    """Where each outermost comment closes: quoted strings outside are skipped, nesting is only counted."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    quoted = False
    skip = False
    for at, char in enumerate(value):
        if skip:
            skip = False
        elif char == "\\":
            skip = True
        elif char == '"' and not opened:
            quoted = not quoted
        elif quoted:
            continue
        elif char == "(":
            opened.append(at)
        elif char == ")" and opened:
            closing[opened.pop()] = at
    return closing
