"""What the mail door takes in and hands on: frozen values without behaviour."""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

Protocol = Literal["smtp", "lmtp"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail as it came over the wire, with the evidence of its receipt."""

    peer: str
    """The address of the other side, an IPv4 or IPv6 literal without port."""
    helo: str
    """What the other side called itself; a claim."""
    envelope_from: str
    """The return path; "" for the null sender of bounces."""
    recipients: tuple[str, ...]
    """At least one, all of them ours, as written, in order, without repeats."""
    raw: bytes
    """The content with its doubled dots undone, otherwise byte for byte; may be empty or no mail at all."""
    tls: bool = False
    smtputf8: bool = False
    door: Protocol = "smtp"
    size: int | None = None
    """Of the whole mail, when it was too big and `raw` is only its beginning."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One bound socket, and how one speaks there. `encrypted`: TLS from the first byte (RFC 8314)."""

    sock: socket.socket
    protocol: Protocol = "smtp"
    encrypted: bool = False


Deliver = Callable[[Delivery], Awaitable[str]]
"""Keeps a mail for good and returns the words after 250; raises Permanent (554) or Temporary (451)."""

Ours = Callable[[str], bool]
"""Is this a recipient that we take mail for? Called before DATA, so it must be quick and must not block."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one stranger, and all of them together, may ask of the door. Sizes in bytes, times in seconds."""

    size: int = 26_214_400
    """The largest mail (RFC 1870); a larger one is answered 552."""
    connections: int = 500
    connections_per_peer: int = 100
    recipients: int = 100
    """Per mail; RFC 5321 section 4.5.3.1.8 asks for at least 100. The next one is answered 452."""
    commands: int = 500
    """Between two accepted mails, or a second or more without any."""
    errors: int = 20
    """Answers 5xx between two accepted mails; also what ends the guessing of addresses."""
    line: int = 2_048
    """Of a command, not of the content: content lines have no limit but `size`."""
    idle: float = 60.0
    """Waiting for the next command."""
    session: float = 1_200.0
    """After which no further command is taken; a mail under way is finished."""
    data_grace: float = 60.0
    data_rate: int = 1_000
    """A mail may take `data_grace` seconds plus one second for every `data_rate` bytes that came."""
    answer: float = 9.0
    """For `deliver`; then 451, while it goes on undisturbed: the same mail sent again is known by its content."""
    data_longest: float = 900.0
    """A mail may never take longer than this, however much of it came."""
    small: int = 32_768
    """What each session may hold whatever the others do."""
    held: int = 0
    """What all sessions together may hold above `small` each; 0 means `size`. Beyond it: 452, come again."""
    stall: float = 5.0
    """A large mail of which less than `small` bytes came for so long gives its room to one that moves."""
    greet_delay: float = 0.0
    """How long a client must wait for the greeting; who talks before it ends the session (RFC 5321 section 4.3.1)."""
    linger: float = 2.0
    """Reading on, unheard, after a last answer: closing at once would reset the connection and lose the answer."""
    stop: float = 15.0
    """For deliveries that are running when the door closes."""

    def for_relays(self) -> "Limits":
        """A relay speaks for everybody behind it: what it does often is no sign of an attack."""
        far = float("inf")
        return replace(
            self, connections_per_peer=self.connections, commands=10**9, errors=10**9, session=far, greet_delay=0.0
        )
