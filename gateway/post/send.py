"""One letter, one recipient, one smart host: the way out.

Raises `Refused` (Permanent) and `Unsent` (Temporary) with public words and, apart, the other server's own words as
evidence. aiosmtplib and not smtplib: smtplib's time-out is per read, so a server that drips bytes holds a worker for
ever; here one deadline spans the whole exchange. The interface is synchronous, for a job's thread; each letter has a
short event loop of its own. Refuses to retry (the jobs do), to send to several, and to log in without encryption
beyond loopback.
"""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

import aiosmtplib

from gateway.errors import Permanent, Temporary
from gateway.post.letter import mailbox

Security = Literal["none", "starttls", "tls"]
Step = Literal["session", "envelope", "content"]
SCHEMES: dict[str, tuple[Security, int]] = {
    "smtp": ("none", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LONGEST_EVIDENCE = 500


@dataclass(frozen=True, slots=True)
class SmartHost:
    """Where all our mail goes. An empty `host` is the outbox: nothing leaves, the stored letter is all there is.

    `reply_seconds` bounds each step, `total_seconds` a whole letter. `tls`: the context to use, None for the
    system's."""

    host: str
    port: int = 25
    security: Security = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    hello: str = "localhost"
    reply_seconds: float = 30.0
    total_seconds: float = 120.0
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def is_outbox(self) -> bool:
        return not self.host


@dataclass(frozen=True, slots=True)
class Sent:
    """The smart host took it (or it stays in the outbox); `evidence` is what it said."""

    evidence: str


class Refused(Permanent):
    """The smart host will not take this letter."""

    def __init__(self, public: str, evidence: str) -> None:
        super().__init__(public)
        self.evidence = evidence


class Unsent(Temporary):
    """Not sent, or not known to be: `doubtful` when the letter was on its way and no reply came.

    A smart host can't be asked, so a doubtful letter is sent again with the same Message-ID, by which receivers fold
    it."""

    def __init__(self, public: str, evidence: str, *, doubtful: bool = False) -> None:
        super().__init__(public)
        self.evidence = evidence
        self.doubtful = doubtful


def smart_host(
    url: str, *, password: str = "", hello: str = "localhost", tls: ssl.SSLContext | None = None
) -> SmartHost:
    """Reads `outbox:`, `smtp://host[:port]`, `smtp+starttls://[user@]host[:port]` or `smtps://[user@]host[:port]`.

    `password` goes before one in the URL. Raises ValueError that says what was expected, without the URL's own words:
    they may hold the password."""
    if url == "outbox:":
        return SmartHost("")
    expected = "expected outbox:, smtp://host:port, smtp+starttls://user@host:port or smtps://user@host:port"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"the smart host's address can't be read; {expected}") from None
    if parts.scheme not in SCHEMES or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"the smart host's address can't be read; {expected}")
    security, usual = SCHEMES[parts.scheme]
    username = unquote(parts.username or "")
    if username and security == "none" and parts.hostname not in LOOPBACK:
        raise ValueError("a login without encryption would be readable on the way; use smtp+starttls:// or smtps://")
    password = password or unquote(parts.password or "")
    return SmartHost(parts.hostname, port or usual, security, username, password, hello, tls=tls)


def send(letter: bytes, envelope_from: str, to: str, host: SmartHost) -> Sent:
    """Hands one composed letter to the smart host; `envelope_from` "" is the empty return path.

    Blocks for `total_seconds` at most, name look-ups apart. Raises Refused or Unsent. Not to be called from a
    coroutine."""
    if mailbox(to) is None or (envelope_from and mailbox(envelope_from) is None):
        raise Refused("The letter's address is not one that mail can be sent to.", "not one plain address")
    if host.is_outbox:
        return Sent("kept in the outbox")
    return asyncio.run(_deliver(letter, envelope_from, to, host))


async def _deliver(letter: bytes, envelope_from: str, to: str, host: SmartHost) -> Sent:
    client = aiosmtplib.SMTP(
        hostname=host.host,
        port=host.port,
        username=host.username or None,
        password=host.password or None,
        local_hostname=host.hello,
        timeout=host.reply_seconds,
        use_tls=host.security == "tls",
        start_tls=host.security == "starttls",
        tls_context=host.tls,
    )
    step: Step = "session"
    try:
        async with asyncio.timeout(host.total_seconds):
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
            step = "envelope"
            # Only an address beyond ASCII brings UTF-8 into a letter of ours; its bodies are quoted-printable.
            international = not (letter.isascii() and to.isascii())
            if international and not client.supports_extension("smtputf8"):
                raise Refused("The mail server cannot write to an address with letters beyond ASCII.", "no SMTPUTF8")
            encoding = "utf-8" if international else "ascii"
            await client.mail(envelope_from, options=["SMTPUTF8"] if international else [], encoding=encoding)
            await client.rcpt(to, encoding=encoding)
            step = "content"
            response = await client.data(letter)
    except aiosmtplib.SMTPResponseException as trouble:
        raise _answered(step, trouble.code, trouble.message) from trouble
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as trouble:
        words = "The mail server could not be reached." if step == "session" else "The mail server broke off."
        raise Unsent(words, _evidence(f"{step}: {trouble}"), doubtful=step == "content") from trouble
    else:
        with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            await client.quit(timeout=5)  # the letter is theirs since the 250, whatever becomes of the farewell
    finally:
        client.close()
    return Sent(_evidence(f"{response.code} {response.message}"))


def _answered(step: Step, code: int, message: str) -> Refused | Unsent:
    """What a reply code means for this letter. One before the envelope (greeting, TLS, login) says nothing about the
    letter: our own set-up is at fault, and mending it lets the same letter through."""
    evidence = _evidence(f"{step}: {code} {message}")
    if step == "session":
        return Unsent("The mail server does not let us in.", evidence)
    if 500 <= code < 600:
        return Refused("The mail server refused this letter.", evidence)
    return Unsent("The mail server cannot take this letter now.", evidence)


def _evidence(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_EVIDENCE]
