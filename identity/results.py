"""Reads `Authentication-Results` (RFC 8601) of our own edge, and nobody else's.

A header counts only when it is the topmost of its kind, names our authserv-id exactly, came in over the configured
edge, and stands below no Received line but the edge's own (section 5: anybody may write such a header). Whatever fails
one of these is not read at all. No DNS, no signatures: that is the shell's.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from identity import domains, normal
from identity.people import Authentication, Verdict

_MAX_LENGTH = 20_000
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[;=]|[^\s;="]+')
_MARKS = re.compile(r'[()"\\]')
_BY = re.compile(r"(?:^|\s)by\s+([^\s;()]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Edge:
    """The relay whose results we believe: the id it signs with and the addresses or networks it delivers from.

    `hosts`: names in the Received lines that it writes itself; its authserv-id when left empty. The edge must remove
    results with its own id from what comes in (RFC 8601 section 5): below its own Received line we can't tell them.
    """

    authserv_id: str
    peers: tuple[str, ...]
    hosts: tuple[str, ...] = ()

    def delivers_from(self, peer: str) -> bool:
        """Whether `peer` (an IP address) is one of the edge's."""
        return _within(peer, self.peers)


@lru_cache(maxsize=1_000)
def _within(peer: str, known: tuple[str, ...]) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in ipaddress.ip_network(one, strict=False) for one in known)


@dataclass(frozen=True, slots=True)
class Result:
    """One method's result: ``dkim=pass header.d=acme.example`` -> ("dkim", "pass", {"header.d": "acme.example"})."""

    method: str
    result: str
    properties: Mapping[str, str]


def judge(headers: Sequence[tuple[str, str]], author: str, edge: Edge) -> Authentication:
    """What the edge says about `author` (a normal address). `headers`: lower-cased name and unfolded value, in order.

    The caller has made sure that the message came from one of the edge's peers.
    """
    found, reason = ours(headers, edge)
    return Authentication("none", "edge", None, (reason,)) if found is None else verdict(found, normal.host(author))


def ours(headers: Sequence[tuple[str, str]], edge: Edge) -> tuple[tuple[Result, ...] | None, str]:
    """The results that our edge has written on this mail, or None and why there are none."""
    hosts = {normal.lower(name) for name in edge.hosts or (edge.authserv_id,)}
    for name, value in headers:
        if name == "received":
            by = _BY.search(without_comments(value[:_MAX_LENGTH]) or "")
            host = normal.lower(by[1]).rstrip(".") if by else "?"
            if host not in hosts:
                return None, f"no results of {edge.authserv_id} above the hop of {host}"
        elif name == "authentication-results":
            parsed = parse(value)
            if parsed is None or parsed[0] != normal.lower(edge.authserv_id):
                return None, f"the topmost results are not written by {edge.authserv_id}"
            return parsed[1], ""
    return None, f"no results of {edge.authserv_id}"


def verdict(results: tuple[Result, ...], host: str) -> Authentication:
    """What these results come to for a From of `host`."""
    told = tuple(_in_words(r) for r in results)
    # Any other word (none, temperror, permerror, a relay's "bestguesspass") decides nothing: then alignment does.
    dmarc = [r for r in results if r.method == "dmarc" and r.result in ("pass", "fail")]
    if any(r.result == "fail" for r in dmarc):
        return Authentication("fail", "edge dmarc", None, told)
    if any(r.result == "pass" and _dmarc_author(r, host) == host for r in dmarc):
        return Authentication("pass", "edge dmarc", host, told)
    if not dmarc:
        for r in results:
            checked = _checked_domain(r)
            if r.result == "pass" and checked and domains.aligned(checked, host):
                return Authentication("pass", f"edge {r.method}", host, told)
    return Authentication(_without_pass(results), "edge", None, told or ("the edge checked nothing",))


def _without_pass(results: tuple[Result, ...]) -> Verdict:
    outcomes = {r.result for r in results if r.method in ("dmarc", "dkim", "spf")}
    if "temperror" in outcomes:
        return "temperror"
    return "fail" if "fail" in outcomes else "none"


def _dmarc_author(result: Result, host: str) -> str | None:
    """The From domain that a dmarc result is about; ours when it does not say."""
    named = result.properties.get("header.from")
    return normal.domain(named.rpartition("@")[2]) if named else host


def _checked_domain(result: Result) -> str | None:
    """The domain that dkim or spf vouched for. SPF on the HELO name says nothing about an author (RFC 7489 4.1)."""
    match result.method:
        case "dkim":
            named = result.properties.get("header.d") or result.properties.get("header.i", "")
        case "spf":
            named = result.properties.get("smtp.mailfrom") or result.properties.get("smtp.mail", "")
        case _:
            return None
    return normal.domain(named.strip("<>").rpartition("@")[2])


def _in_words(result: Result) -> str:
    about = " ".join(f"{name}={value}" for name, value in result.properties.items())
    return f"edge: {result.method}={result.result} {about}".strip()[:200]


def parse(value: str) -> tuple[str, tuple[Result, ...]] | None:
    """(authserv-id in lower case, results), or None when the header does not follow RFC 8601 section 2.2."""
    text = without_comments(value) if len(value) <= _MAX_LENGTH else None
    if text is None:
        return None
    first, *rest = list(_clauses(text)) or [[]]
    if not first or "=" in first or first[1:] not in ([], ["1"]):  # a version that we don't know can't be read
        return None
    results = []
    for clause in rest:
        if clause in ([], ["none"]):
            continue
        result = _result(clause)
        if result is None:
            return None
        results.append(result)
    return normal.lower(_bare(first[0])), tuple(results)


def _clauses(text: str) -> Iterator[list[str]]:
    clause: list[str] = []
    for piece in _PIECE.findall(text):
        if piece == ";":
            yield clause
            clause = []
        else:
            clause.append(piece)
    yield clause


def _result(pieces: list[str]) -> Result | None:
    """``dkim / 1 = pass reason="x" header.d = acme.example``: triples of name, "=", value."""
    if "=" not in pieces:
        return None
    sign = pieces.index("=")
    flat = ["".join(pieces[:sign]), *pieces[sign:]]
    if len(flat) % 3 or any(piece != "=" for piece in flat[1::3]):
        return None
    pairs = list(zip(flat[0::3], flat[2::3], strict=True))
    method, result = pairs[0]
    properties: dict[str, str] = {}
    for name, value in pairs[1:]:
        if properties.setdefault(normal.lower(name), _bare(value)) != _bare(value):
            return None  # two values of one property: whoever reads them may choose
    return Result(normal.lower(method.partition("/")[0]), normal.lower(result), properties)


def _bare(piece: str) -> str:
    if len(piece) >= 2 and piece.startswith('"') and piece.endswith('"'):
        return re.sub(r"\\(.)", r"\1", piece[1:-1])
    return piece


def without_comments(text: str) -> str | None:
    """`text` with comments (RFC 5322 section 3.2.2, nested) made a space; None when quotes or brackets stay open."""
    if not _MARKS.search(text):
        return text
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in text:
        if escaped or char == "\\":
            escaped = not escaped
        elif char == '"' and not depth:
            quoted = not quoted
        elif char == "(" and not quoted:
            depth += 1
        elif char == ")" and not quoted:
            depth -= 1
            if depth < 0:
                return None
            kept.append(" ")
            continue
        if not depth:
            kept.append(char)
    return None if depth or quoted else "".join(kept)
