"""Was this mail really sent by the domain in its From? One answer, `identity.Authentication`, with its evidence.

Three ways, the first that applies: the demo's loopback rule, our edge's results (read by `identity.results`), or
Presa's own check of DKIM (RFC 6376), SPF (RFC 7208) and their alignment (RFC 7489). DNS is a function that is handed
in; all its answers together may take the budget. What can't be looked up now is "temperror": unverified, and worth
another try.

It never raises, never refuses a mail, and knows no customer. ARC (RFC 8617) is believed only of sealers that are
configured by name; of a From that one of them has rewritten, the author behind it is a claim until its chain proves more.
The libraries are imported when first needed: with dnspython they take longer than everything else here.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.mail import canonical, rewritten
from gateway.settings.presa import is_loopback
from identity import domains, normal, results, sealed, shared
from identity.people import Authentication, Verdict
from identity.results import Edge
from parsers import Message

# (name, record type, seconds) -> records as text: TXT joined and as latin-1, MX as "10 mx.example". () when there are
# none. Raises DnsTrouble when nobody could say.
Resolver = Callable[[str, str, float], tuple[str, ...]]

_MAX_SIGNATURES = 5
_MAX_SIGNATURE = 4_000  # characters; real ones have a thousand or two
_MAX_LOOKUPS = 40
_MAX_KEY = 2_000  # characters of a DKIM record: room for 8,192-bit keys, none for moduli that take seconds


class DnsTrouble(Exception):
    """DNS gave no answer: a time-out, a server failure, or the budget is used up."""


@dataclass(slots=True)
class _Asking:
    """A resolver with a deadline and a cap on questions."""

    resolver: Resolver
    deadline: float
    asked: int = 0

    def __call__(self, name: str, kind: str) -> tuple[str, ...]:
        left = self.deadline - time.monotonic()
        self.asked += 1
        if left <= 0 or self.asked > _MAX_LOOKUPS:
            raise DnsTrouble("the time for DNS is used up")
        return self.resolver(name.rstrip("."), kind, left)


@dataclass(frozen=True, slots=True)
class _Envelope:
    """How the mail reached us."""

    peer: str
    sender: str
    helo: str


@dataclass(frozen=True, slots=True)
class _Check:
    """What DKIM or SPF said of one domain. `outcome`: pass, fail, none or temperror."""

    method: str
    domain: str
    outcome: Verdict
    detail: str

    def in_words(self) -> str:
        return f"{self.method}: {self.outcome} for {self.domain} ({self.detail})"


def authenticate(
    message: Message,
    raw: bytes,
    *,
    peer: str,
    envelope_from: str = "",
    helo: str = "",
    edge: Edge | None = None,
    demo: bool = False,
    sealers: Collection[str] = (),
    resolver: Resolver | None = None,
    budget: float = 3.0,
) -> Authentication:
    """Judge the From of `message`, whose bytes are `raw`.

    `peer`: IP address it came from, "" when unknown. `demo`: settings.demo. `resolver` None: nothing can be looked up.
    `budget`: seconds for DNS. `sealers`: domains of forwarders and lists whose ARC sets are believed. A mail with no or
    several From addresses, or an unusable one, is "none".
    """
    author = normal.address(message.froms[0].addr) if len(message.froms) == 1 else None
    if author is None:
        return Authentication("none", "none", None, ("there is no single usable From address to check",))
    host = normal.host(author)
    if demo and is_loopback(peer):
        return Authentication("pass", "demo", host, ("demo: sender not checked",))
    if edge is not None and edge.delivers_from(peer):
        judged = results.judge(message.headers, author, edge)
        return _through(message, judged, host, sealers, lambda: _chain_passed(message.headers, edge))
    if resolver is None:
        return Authentication("none", "none", None, ("sender not checked: no DNS here",))
    asking = _Asking(resolver, time.monotonic() + budget)
    judged = _own_check(asking, host, raw, _Envelope(peer, envelope_from, helo))
    return _through(message, judged, host, sealers, lambda: _is_whole(asking, raw))


def _through(
    message: Message, judged: Authentication, host: str, sealers: Collection[str], whole: Callable[[], bool]
) -> Authentication:
    """What a trusted forwarder or list adds: its chain, for a mail that it changed; the author, where it rewrote the From.

    A chain proves a domain. At a shared one that is nobody, for such hosts check only what their users write into From."""
    author = rewritten.author(message) if judged.passed and host in sealers else None
    if not sealers or (judged.passed and author is None):
        return judged
    about = normal.host(author) if author else host
    # The chain is verified only where its word would count: it costs as many look-ups as there were hops.
    claimed = (
        None if author and shared.is_shared(about) else sealed.judge(message.headers, sealers, about, results.verdict)
    )
    proof = claimed if claimed and whole() else None
    if author is None:
        return proof or judged
    worth = "its chain proves the domain" if proof else "a claim"
    told = (
        f"list: {host}, whom the configuration trusts, wrote its own address into From; the author is {author}: {worth}"
    )
    if proof is None:
        return Authentication("none", "list", None, (told, *judged.evidence), author)
    return Authentication("pass", "arc", about, (told, *proof.evidence), author)


def _chain_passed(headers: Sequence[tuple[str, str]], edge: Edge) -> bool:
    """Whether whoever wrote the results has verified the ARC chain too."""
    written, _ = results.ours(headers, edge)
    return any(one.method == "arc" and one.result == "pass" for one in written or ())


def by_provider(message: Message, authserv_id: str, sealers: Collection[str] = ()) -> Authentication:
    """What the provider of a mailbox found out. Its own hops stand above its results under names of their own, so only
    the place of the results counts: the topmost, which every provider writes anew (RFC 8601 section 5)."""
    author = normal.address(message.froms[0].addr) if len(message.froms) == 1 else None
    if author is None:
        return Authentication("none", "none", None, ("there is no single usable From address to check",))
    headers = [one for one in message.headers if one[0] != "received"]
    edge = Edge(authserv_id, ())
    judged = results.judge(headers, author, edge)
    return _through(message, judged, normal.host(author), sealers, lambda: _chain_passed(headers, edge))


def _own_check(ask: _Asking, host: str, raw: bytes, envelope: _Envelope) -> Authentication:
    policy = _policy(ask, host)
    told = [policy.in_words]
    trouble, broken = policy.trouble, policy.exists
    for check in _checks(ask, host, raw, envelope):
        told.append(check.in_words())
        strict = policy.strict_dkim if check.method == "dkim" else policy.strict_spf
        if not domains.aligned(check.domain, host, strict=strict):
            continue
        if check.outcome == "pass":
            return Authentication("pass", check.method, host, tuple(told))
        trouble = trouble or check.outcome == "temperror"
        broken = broken or check.outcome == "fail"
    verdict: Verdict = "temperror" if trouble else "fail" if broken else "none"
    return Authentication(verdict, "own check", None, tuple(told))


def _checks(ask: _Asking, host: str, raw: bytes, envelope: _Envelope) -> Iterator[_Check]:
    """DKIM first: it survives forwarding. SPF only where its domain could align; nothing else would count."""
    yield from _signatures(ask, raw)
    sender = normal.address(envelope.sender)
    if envelope.peer and sender and domains.aligned(normal.host(sender), host):
        yield _sender_policy(ask, envelope.peer, sender, envelope.helo)


# DMARC: only the alignment modes matter, and whether the domain says that all its mail is authenticated ------------


@dataclass(frozen=True, slots=True)
class _Policy:
    exists: bool
    strict_dkim: bool
    strict_spf: bool
    trouble: bool
    in_words: str


def _policy(ask: _Asking, host: str) -> _Policy:
    """The record of the From domain or of its organisational domain (RFC 7489 section 6.6.3)."""
    names = [host]
    above = domains.organisational(host)
    if above and above != host:
        names.append(above)
    try:
        for name in names:
            records = [r for r in ask(f"_dmarc.{name}", "TXT") if r.replace(" ", "").startswith("v=DMARC1")]
            if len(records) == 1:
                tags = dict(_tags(records[0]))
                modes = tags.get("adkim") == "s", tags.get("aspf") == "s"
                return _Policy(True, *modes, False, f"dmarc: {name} asks for p={tags.get('p', 'none')[:20]}")
    except DnsTrouble as error:
        return _Policy(False, True, True, True, f"dmarc: {error}")
    return _Policy(False, False, False, False, f"dmarc: {host} has no policy")


def _tags(record: str) -> Iterator[tuple[str, str]]:
    for part in record.split(";"):
        name, sign, value = part.partition("=")
        if sign:
            yield name.strip().lower(), value.strip().lower()


# DKIM ------------------------------------------------------------------------------------------------------------


def _signatures(ask: _Asking, raw: bytes) -> Iterator[_Check]:
    import dkim

    def key(name: bytes, timeout: float = 0) -> bytes | None:
        records = ask(name.decode("ascii"), "TXT")
        return records[0].encode("latin-1")[:_MAX_KEY] if records else None

    try:
        mail = canonical.opened(dkim.DKIM, raw, minkey=1024)
        written = [value for name, value in mail.headers if name.lower() == b"dkim-signature"]
    except (dkim.DKIMException, ValueError):
        return
    for index, signature in enumerate(written[:_MAX_SIGNATURES]):
        if len(signature) <= _MAX_SIGNATURE:
            yield _signature(mail, index, key)


def _signature(mail: Any, index: int, key: Callable[[bytes, float], bytes | None]) -> _Check:
    mail.domain = mail.signature_fields = None
    try:
        valid, detail = bool(mail.verify(index, dnsfunc=key)), "signature"
        outcome: Verdict = "pass" if valid else "fail"
    except DnsTrouble as error:
        outcome, detail = "temperror", str(error)
    except Exception as error:  # dkimpy raises a dozen types on hostile headers and keys; each is "fail"
        outcome, detail = "fail", type(error).__name__
    fields = mail.signature_fields or {}
    if outcome == "pass" and b"l" in fields:
        # RFC 6376 section 8.2: with l= anybody may append to the body what the signer never saw.
        outcome, detail = "fail", "only part of the body is signed"
    if outcome == "pass" and b"from" not in mail.include_headers:
        outcome, detail = "fail", "From is not signed"
    return _Check("dkim", _ascii_domain(mail.domain or fields.get(b"d")), outcome, detail)


def _ascii_domain(name: bytes | None) -> str:
    return normal.domain((name or b"").decode("ascii", "replace")) or "unknown"


# ARC -------------------------------------------------------------------------------------------------------------


def _is_whole(ask: _Asking, raw: bytes) -> bool:
    """Whether every seal of the chain holds and the newest signature fits the mail as it is now."""
    import dkim

    def key(name: bytes, timeout: float = 0) -> bytes | None:
        records = ask(name.decode("ascii"), "TXT")
        return records[0].encode("latin-1")[:_MAX_KEY] if records else None

    try:
        outcome, _, _ = canonical.opened(dkim.ARC, raw, minkey=1024).verify(dnsfunc=key)
    except Exception:  # dkimpy on hostile sets; DNS trouble: no proof now, and DKIM's own answer stands
        return False
    return bool(outcome == dkim.CV_Pass)


# SPF -------------------------------------------------------------------------------------------------------------


def _sender_policy(ask: _Asking, peer: str, sender: str, helo: str) -> _Check:
    import spf

    query = spf.query(i=peer, s=sender, h=normal.domain(helo) or "unknown")
    # pyspf's own look-ups go through one function for the whole process, with its own time-outs.
    query.dns = partial(_spf_rows, query, ask)
    try:
        outcome, _, _ = query.check()
    except Exception:  # pyspf on hostile records; without a result there is no pass
        outcome = "permerror"
    verdicts: dict[str, Verdict] = {"pass": "pass", "fail": "fail", "temperror": "temperror"}
    return _Check("spf", normal.host(sender), verdicts.get(outcome, "none"), f"{outcome} for {peer}")


def _spf_rows(query: Any, ask: _Asking, name: str, qtype: str, *, ignore_void: bool = False) -> list[Any]:
    """In the place of `spf.query.dns`: the same rows, from our resolver, with RFC 7208's cap on empty answers."""
    import spf

    key = (str(name).lower().rstrip("."), qtype)
    if key not in query.cache:
        try:
            rows = [] if qtype == "SPF" else [_as_spf(qtype, row) for row in ask(*key)]
        except DnsTrouble as error:
            raise spf.TempError(str(error)) from error
        if not rows and not ignore_void:
            query.void_lookups += 1
            if query.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("too many empty look-ups")
        query.cache[key] = rows
    found: list[Any] = query.cache[key]
    return found


def _as_spf(kind: str, row: str) -> Any:
    if kind == "TXT":
        return (row.encode("latin-1"),)
    if kind == "MX":
        preference, _, name = row.partition(" ")
        return int(preference), name
    return row


# DNS -------------------------------------------------------------------------------------------------------------


def system_resolver() -> Resolver:
    """The machine's resolvers through dnspython, with its cache. Threads may share it."""
    import dns.exception
    import dns.resolver

    try:
        resolver = dns.resolver.Resolver()
    except dns.exception.DNSException:
        return _no_resolver
    resolver.cache = dns.resolver.LRUCache(10_000)

    def ask(name: str, kind: str, seconds: float) -> tuple[str, ...]:
        try:
            answer = resolver.resolve(name, kind, lifetime=seconds)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, UnicodeError, OSError) as error:
            raise DnsTrouble(f"DNS did not answer for {name[:80]}") from error
        if kind == "TXT":
            return tuple(b"".join(row.strings).decode("latin-1") for row in answer)
        return tuple(row.to_text().rstrip(".") for row in answer)

    return ask


def _no_resolver(name: str, kind: str, seconds: float) -> tuple[str, ...]:
    raise DnsTrouble("this machine has no resolver configured")
