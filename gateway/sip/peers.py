"""Who may talk to us: the networks of the configuration, and wherever the trunk's and the telephones' names lead."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

import structlog

from gateway.phone.carrier import Later
from gateway.settings.sip import address

log = structlog.get_logger(__name__)

Address = tuple[str, int]


class Peers:
    """`family` of addresses that we can reach."""

    def __init__(self, networks: Iterable[str], *, ipv6: bool) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]
        self._hosts: set[str] = set()
        self._family = socket.AF_INET6 if ipv6 else socket.AF_INET

    def allowed(self, host: str) -> bool:
        """May this address talk to us?"""
        if host in self._hosts:
            return True
        try:
            return any(ipaddress.ip_address(host) in network for network in self._networks)
        except ValueError:
            return False

    async def know(self, *addresses: Address | None) -> None:
        for one in filter(None, addresses):
            try:
                self._hosts.add((await self.resolve(one))[0])
            except Later:
                log.warning("sip.name_unknown", host=one[0])

    async def resolve(self, to: Address) -> Address:
        """Raises Later when its name is not known."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(*to, family=self._family, type=socket.SOCK_DGRAM)
        except OSError as trouble:
            raise Later("the name of the SIP server is not known") from trouble
        return str(found[0][4][0]), int(found[0][4][1])


def phone_address(uri: str) -> Address:
    """Host and port of a SIP address."""
    return address(uri.rpartition("@")[2])
