"""One SMTP conversation (RFC 5321), hardened: it survives whatever the other side sends.

aiosmtpd's command loop and its DATA reader are replaced: there, an endless line ignores SIZE, an exception's text goes
out to the client, long lines are refused, commands that were already received still run after the session was closed,
and a hang-up cancels the commit.

Refuses to relay, to verify addresses, to authenticate, and to speak with whatever is no mail client. No answer ever
holds more than fixed words, numbers from the limits, and the public words of `deliver`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from gateway.errors import Permanent, Temporary
from gateway.smtp import paths
from gateway.smtp.connection import PIECE, Connection, HangUp
from gateway.smtp.content import Content
from gateway.smtp.hall import CLOSING, Hall
from gateway.smtp.values import Delivery, Protocol

log = logging.getLogger(__name__)

OK = "250 2.0.0 Ok"
UNREADABLE = "\0"  # stands for a command line with NUL, bare CR or bytes that are not UTF-8: no command is called so
WEB = frozenset({"GET", "POST", "CONNECT", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "PRI"})
NEEDS_HELO = frozenset({"MAIL", "RCPT", "DATA"})
FAULTS = {
    "large": "552 5.3.4 Larger than {size} bytes: send large files another way",
    "full": "452 4.3.1 Too many large mails at once, try again later",
    "smuggled": "554 5.6.0 A lone dot between bare line ends: end lines with CRLF and double the dot",
}


class Conversation(Connection):
    """One client, from its greeting to its leave. `_converse` is the loop, `COMMANDS` all that may be said."""

    PROTOCOL: ClassVar[Protocol] = "smtp"
    GREETING, HELLO = "ESMTP", "EHLO"
    KEEPS_BEGINNING = False  # of a mail that is too big; otherwise it is refused

    def __init__(self, hall: Hall, loop: asyncio.AbstractEventLoop, *, encrypted: bool = False) -> None:
        super().__init__(hall, loop, encrypted=encrypted)
        self._helo: str | None = None
        self._pending = b""  # received and not looked at yet
        self._commands = 0
        self._errors = 0
        self._started = loop.time()
        self._forget()

    # The loop

    async def _converse(self) -> None:
        await self._greet()
        while (line := await self._line()) is not None:
            self._commands += 1
            if self._commands > self.limits.commands:
                raise HangUp("421 4.7.0 Too many commands")
            if self.loop.time() - self._started >= self.limits.session:
                raise HangUp("421 4.4.2 Session too long, please connect again")
            verb, _, argument = line.partition(" ")
            verb = verb.upper()
            command = self.COMMANDS.get(verb)
            if command is None:
                self._unknown(verb)
            elif self._helo is None and verb in NEEDS_HELO:
                self._answer(f"503 5.5.1 {self.HELLO} first")
            elif words := await command(self, argument.strip()):
                self._answer(words)
                await self._writer.drain()  # who never reads is held up here, and the timer ends it

    async def _greet(self) -> None:
        if self.limits.greet_delay:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.limits.greet_delay):
                    await self._reader.read(1)
                raise HangUp("554 5.5.1 Talked before the greeting")
        self._say(f"220 {self.hostname} {self.GREETING} Presa")

    async def _line(self) -> str | None:
        """The next command without its line end; None once the client has gone."""
        if self.hall.closing:
            raise HangUp(CLOSING)
        while (end := self._pending.find(b"\n")) < 0:
            if len(self._pending) > self.limits.line:
                raise HangUp("500 5.5.2 Line too long")
            self._reset_timeout(self.limits.idle)
            piece = await self._reader.read(PIECE)
            if not piece:
                return None
            self._pending += piece
        line, self._pending = self._pending[:end].removesuffix(b"\r"), self._pending[end + 1 :]
        if len(line) > self.limits.line:
            raise HangUp("500 5.5.2 Line too long")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            return UNREADABLE
        return UNREADABLE if "\0" in text or "\r" in text else text

    def _unknown(self, verb: str) -> None:
        if verb in WEB or verb.endswith(":"):
            raise HangUp("554 5.5.1 This is a mail server")  # a browser, or the text of a mail read as commands
        if verb == UNREADABLE:
            self._answer("501 5.5.2 No NUL, no bare CR, only UTF-8")
        else:
            self._answer("500 5.5.1 Unknown command")

    def _answer(self, words: str) -> None:
        """Say it, and count it if the client did wrong."""
        if words[0] == "5":
            self._errors += 1
            if self._errors > self.limits.errors:
                raise HangUp("421 4.7.0 Too many errors")
        self._say(words)

    def _forget(self) -> None:
        """Back to before MAIL."""
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._smtputf8 = False

    # The commands: each returns its answer, or None when it has spoken itself

    async def _ehlo(self, name: str) -> str:
        refusal = await self._introduced(name)
        if refusal:
            return refusal
        largest = "SIZE" if self.KEEPS_BEGINNING else f"SIZE {self.limits.size}"
        offers = [self.hostname, largest, "8BITMIME", "SMTPUTF8", "PIPELINING"]
        if self.hall.tls and not self._tls_protocol:
            offers.append("STARTTLS")
        return "\r\n".join([*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}"])

    async def _hello(self, name: str) -> str:
        return await self._introduced(name) or f"250 {self.hostname}"

    async def _introduced(self, name: str) -> str | None:
        if not name or " " in name or not name.isprintable():
            return "501 5.5.4 Say your name"
        self._forget()
        self._helo = name
        return None

    async def _mail(self, argument: str) -> str:
        path = paths.parse(argument, "FROM:")
        if path is None:
            return "501 5.5.4 Say MAIL FROM:<address>, or <> for none"
        if self._sender is not None:
            return "503 5.5.1 One sender for one mail"
        given = path.parameters
        if not given.keys() <= {"SIZE", "BODY", "SMTPUTF8"}:
            return "555 5.5.4 Only SIZE, BODY and SMTPUTF8 are known"
        if given.get("BODY", "7BIT").upper() not in {"7BIT", "8BITMIME"} or given.get("SMTPUTF8"):
            return "501 5.5.4 BODY is 7BIT or 8BITMIME, SMTPUTF8 has no value"
        size = given.get("SIZE", "0")
        if not size.isdigit() or len(size) > 20:
            return "501 5.5.4 SIZE is a number of bytes"
        if int(size) > self.limits.size and not self.KEEPS_BEGINNING:
            return FAULTS["large"].format(size=self.limits.size)
        if not path.address.isascii() and "SMTPUTF8" not in given:
            return "553 5.6.7 An address beyond ASCII needs SMTPUTF8"
        self._sender, self._smtputf8 = path.address, "SMTPUTF8" in given
        return "250 2.1.0 Ok"

    async def _rcpt(self, argument: str) -> str:
        if self._sender is None:
            return "503 5.5.1 MAIL first"
        path = paths.parse(argument, "TO:")
        if path is None or not path.address:
            return "501 5.1.3 Say RCPT TO:<address>"
        if path.parameters:
            return "555 5.5.4 No parameters are known here"
        if not path.address.isascii() and not self._smtputf8:
            return "553 5.6.7 An address beyond ASCII needs SMTPUTF8"
        if not self.hall.ours(path.address):
            return "550 5.1.1 No such address here"
        if len(self._recipients) >= self.limits.recipients and path.address not in self._recipients:
            return "452 4.5.3 Too many recipients, send the rest in another mail"
        self._recipients.append(path.address)
        return "250 2.1.5 Ok"

    async def _data(self, argument: str) -> str:
        if argument:
            return "501 5.5.4 DATA has no argument"
        if not self._recipients:
            return "503 5.5.1 MAIL and RCPT first"
        if self._pending:
            # RFC 2920 section 3.1: DATA is the last of its group; more comes from a client that does not listen.
            raise HangUp("503 5.5.0 Wait for 354")
        self._say("354 End with <CRLF>.<CRLF>")
        content = Content(self.limits.size, keep_beginning=self.KEEPS_BEGINNING)
        with self.hall.memory(content, self.loop.time()) as memory:
            start, rest = self.loop.time(), None
            while rest is None:
                allowed = min(
                    self.limits.data_grace + content.received / self.limits.data_rate, self.limits.data_longest
                )
                self._reset_timeout(max(start + allowed - self.loop.time(), 0.001))
                piece = await self._reader.read(PIECE)
                if not piece:
                    raise ConnectionResetError
                rest = content.feed(piece)
                memory.hold(self.loop.time())
                if content.fault == "smuggled" or (content.fault and content.received > 4 * self.limits.size):
                    raise HangUp(FAULTS[content.fault or "large"].format(size=self.limits.size))
            self._pending = rest
            if content.fault is None:
                memory.settle()
                size = content.received if content.cut else None
                words = await self._hand_over(content.take(), size)
            else:
                words = FAULTS[content.fault].format(size=self.limits.size)
        self._forget()
        return words

    async def _hand_over(self, raw: bytes, size: int | None) -> str:
        """Have a mail delivered; the answer to it. `size`: of the whole mail when `raw` is its beginning."""
        assert self._timeout_handle is not None
        assert self._sender is not None
        assert self._helo is not None
        self._timeout_handle.cancel()
        rcpt, tls = tuple(dict.fromkeys(self._recipients)), self._tls_protocol is not None
        mail = Delivery(
            self.peer, self._helo, self._sender, rcpt, raw,
            tls=tls, smtputf8=self._smtputf8, door=self.PROTOCOL, size=size,
        )  # fmt: skip
        # A task of its own, which the hall remembers: a client that hangs up ends this session, not the commit.
        delivery = self.hall.run(mail)
        self._must_answer = True
        try:
            await asyncio.wait({delivery}, timeout=self.limits.answer)
        finally:
            self._must_answer = False
            if not delivery.done():
                delivery.add_done_callback(_tell_late)
        self._reset_timeout(self.limits.idle)
        return self._outcome(delivery)

    def _outcome(self, delivery: asyncio.Future[str]) -> str:
        """The one place where the words of others go out."""
        try:
            if not delivery.done():
                raise TimeoutError(f"no outcome within {self.limits.answer} s")
            words = "250 " + _plain(delivery.result())
            self._commands = self._errors = 0
        except Permanent as refusal:
            words = "554 5.6.0 " + _plain(refusal.public)
        except Temporary as trouble:
            words = "451 4.3.0 " + _plain(trouble.public)
        except (Exception, asyncio.CancelledError):
            words = self._trouble("delivery")
        return words

    async def _rset(self, argument: str) -> str:
        self._forget()
        return OK

    async def _noop(self, argument: str) -> str:
        return OK

    async def _vrfy(self, argument: str) -> str:
        return "252 2.5.0 Neither confirmed nor denied; send the mail"  # the same for all: nobody learns who exists

    async def _help(self, argument: str) -> str:
        return "214 2.0.0 RFC 5321"

    async def _quit(self, argument: str) -> str:
        raise HangUp("221 2.0.0 Goodbye")

    async def _starttls(self, argument: str) -> str | None:
        if self._tls_protocol is not None:
            return "503 5.5.1 TLS is already on"
        if self.hall.tls is None:
            return "502 5.5.1 No TLS here"
        if argument:
            return "501 5.5.4 STARTTLS has no argument"
        # RFC 3207 section 4.2: what was said in the clear, also behind STARTTLS in the same packet, never counts.
        self._pending = b""
        self._helo = None
        self._forget()
        self._say("220 2.0.0 Ready to start TLS")
        await self._encrypt()
        return None

    COMMANDS: ClassVar[Mapping[str, Callable[["Conversation", str], Awaitable[str | None]]]] = {
        "EHLO": _ehlo,
        "HELO": _hello,
        "MAIL": _mail,
        "RCPT": _rcpt,
        "DATA": _data,
        "RSET": _rset,
        "NOOP": _noop,
        "VRFY": _vrfy,
        "HELP": _help,
        "QUIT": _quit,
        "STARTTLS": _starttls,
    }


def _plain(words: str) -> str:
    """One line of printable ASCII, short enough for a reply (RFC 5321 section 4.5.3.1.5)."""
    return "".join(c if " " <= c <= "~" else "?" for c in words)[:400]


def _tell_late(delivery: asyncio.Future[str]) -> None:
    """Nobody waits for this outcome any more: the answer was 451, or the client had gone."""
    trouble = None if delivery.cancelled() else delivery.exception()
    if trouble is not None:
        log.error("a delivery failed after its client was told to come again or had gone", exc_info=trouble)
