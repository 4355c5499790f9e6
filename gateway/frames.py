"""Values between two processes of one Presa, over a socket pair: pickles, each with its length before it.

Both ends are ours and were started together; nothing from outside is ever unpickled here.
"""

import asyncio
import pickle
import socket
import struct
from collections.abc import Callable
from typing import Any, cast

_LENGTH = struct.Struct(">I")


class Frames(asyncio.Protocol):
    """One end. `take` gets every value that comes, in order; `over` is called once, when the other end is gone."""

    def __init__(self, take: Callable[[Any], None], over: Callable[[], None]) -> None:
        self._take = take
        self._over = over
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        buffer, at = self._buffer, 0
        buffer += data
        while len(buffer) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, at)
            end = at + _LENGTH.size + length
            if len(buffer) < end:
                break
            value = pickle.loads(memoryview(buffer)[at + _LENGTH.size : end])  # noqa: S301 - our own process wrote it
            at = end
            self._take(value)
        del buffer[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._over()

    def send(self, value: object) -> None:
        """Hand a value to the other end; when that is gone, nobody wants it any more."""
        if self._transport is not None:
            body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            self._transport.writelines((_LENGTH.pack(len(body)), body))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def connect(sock: socket.socket, take: Callable[[Any], None], over: Callable[[], None]) -> Frames:
    """Speak on one end of a socket pair, on the running event loop."""
    sock.setblocking(False)
    _, frames = await asyncio.get_running_loop().create_connection(lambda: Frames(take, over), sock=sock)
    return frames
