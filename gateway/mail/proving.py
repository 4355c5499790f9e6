"""Who proves the sender of a mail: our edge, the provider of the mailbox it lay in, the demo's rule, or DNS.

Refuses to raise: a fault of ours makes the mail a ticket to look at.
"""

from dataclasses import replace

import structlog

from gateway.mail import authenticate, author
from gateway.mail.values import Arrival
from gateway.settings import Settings
from identity.people import Authentication
from parsers import Message

log = structlog.get_logger(__name__)


class Prover:
    """The proofs of this configuration. `resolver` None: nothing can be looked up."""

    def __init__(self, settings: Settings, resolver: authenticate.Resolver | None) -> None:
        self._settings = settings
        self._resolver = resolver

    def prove(self, arrival: Arrival, message: Message, sha256: str) -> tuple[Message, Authentication]:
        """The mail that its desk reads (a certified one without its envelope), and the proof of its sender."""
        edge = self._settings.edge
        peer = edge.peers[0].partition("/")[0] if arrival.edge and edge else arrival.peer
        try:
            if provider := self._provider(arrival):
                proof = authenticate.by_provider(message, provider, self._settings.sealers)
                return author.unwrapped(message, proof, self._settings.pec_providers)
            return self.judge(message, arrival.raw, peer, arrival.envelope_from or "", arrival.helo)
        except Exception as trouble:  # it should not raise; if it does, the mail is a ticket to look at
            log.error("engine.authentication_failed", sha256=sha256, exc_info=trouble)
            message = replace(message, error="a fault of ours while the sender was checked")
            return message, Authentication("none", "none", None, (message.error or "",))

    def judge(
        self, message: Message, raw: bytes, peer: str, envelope_from: str, helo: str
    ) -> tuple[Message, Authentication]:
        """Was it really sent by the domain in its From? By our edge, by the demo's rule, or by DNS within 3 s."""
        settings = self._settings
        proof = authenticate.authenticate(
            message, raw, peer=peer, envelope_from=envelope_from, helo=helo,
            edge=settings.edge, demo=settings.demo, resolver=self._resolver, sealers=settings.sealers,
        )  # fmt: skip
        return author.unwrapped(message, proof, settings.pec_providers)

    def at_once(self, peer: str) -> bool:
        """Is a mail from this peer judged without waiting for anybody's DNS?"""
        return self._resolver is None or self.vouched_for(peer)

    def vouched_for(self, peer: str) -> bool:
        """Is it our edge or, in the demo, anybody?"""
        edge = self._settings.edge
        return self._settings.demo or (edge is not None and edge.delivers_from(peer))

    def _provider(self, arrival: Arrival) -> str | None:
        """The authserv-id of the provider of the mailbox that a mail lay in, if its results count."""
        if arrival.door != "imap":
            return None
        box = self._settings.mailboxes.get(arrival.peer.removeprefix("mailbox:"))
        return box.authserv_id if box else None
