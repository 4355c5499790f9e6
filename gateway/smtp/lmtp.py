"""LMTP (RFC 2033): the last step from our own mail server to us. One session of it, told apart from SMTP by what differs.

The mail has been accepted from its sender already, so nothing is refused for its size: of a mail that is too big the
beginning is kept. Refuses to hear anybody but this machine and the relays, and HELO and EHLO: who says those wants SMTP.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from gateway.smtp.connection import HangUp
from gateway.smtp.hall import within
from gateway.smtp.session import Conversation
from gateway.smtp.values import Protocol

SMTP_ONLY = ("EHLO", "HELO")


class Handover(Conversation):
    """One client, a mail server of ours."""

    PROTOCOL: ClassVar[Protocol] = "lmtp"
    GREETING, HELLO = "LMTP", "LHLO"
    NAMELESS = "127.0.0.1"  # a socket in the file system is this machine
    KEEPS_BEGINNING = True

    def _enter(self) -> None:
        near = self.peer and ipaddress.ip_address(self.peer.partition("%")[0]).is_loopback
        if not near and not within(self.peer, (*self.hall.relays, *self.hall.proxies)):
            raise HangUp("554 5.7.1 Only our own mail servers hand over mail here")
        super()._enter()
        self.limits = self.limits.for_relays()

    async def _data(self, argument: str) -> str:
        """Section 4.2: after the mail one answer for each recipient that was taken, also for one named twice."""
        taken = len(self._recipients)
        words = await super()._data(argument)
        return words if self._recipients or not taken else "\r\n".join([words] * taken)

    COMMANDS: ClassVar[Mapping[str, Callable[[Conversation, str], Awaitable[str | None]]]] = {
        **{verb: does for verb, does in Conversation.COMMANDS.items() if verb not in SMTP_ONLY},
        "LHLO": Conversation.COMMANDS["EHLO"],
        "DATA": lambda session, argument: session._data(argument),
    }
