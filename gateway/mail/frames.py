"""Values between two processes of one Presa, over a socket pair: pickles, each with its length before it.

A large value goes aside: in a file without a name, whose descriptor goes over a second pair, so that it is in nobody's buffers
and is copied once. Both ends are ours and were started together; nothing from outside is ever unpickled here.
"""

import asyncio
import pickle
import socket
import struct
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple, cast

LENGTH = struct.Struct(">I")
ASIDE = "aside"  # in the place of a value that lies in the next file


class Ends(NamedTuple):
    """One process's ends of the two pairs: for values, and for files."""

    values: socket.socket
    files: socket.socket

    def close(self) -> None:
        self.values.close()
        self.files.close()


def pairs() -> tuple[Ends, Ends]:
    """For us, and for the other process."""
    values, files = socket.socketpair(), socket.socketpair()
    return Ends(values[0], files[0]), Ends(values[1], files[1])


class Frames(asyncio.Protocol):
    """One end. `take` gets every value that comes, in order; `over` is called once, when the other end is gone."""

    def __init__(self, take: Callable[[Any], None], over: Callable[[], None], files: socket.socket) -> None:
        self._take = take
        self._files = files
        self._over = over
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        for value in values(self._buffer, self._files):
            self._take(value)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._files.close()
        self._over()

    def send(self, value: object, *, aside: bool = False) -> None:
        """Hand a value to the other end; when that is gone, nobody wants it any more."""
        if self._transport is not None:
            self._transport.write(framed_value(self._to_file(value) if aside else value))

    def _to_file(self, value: object) -> object:
        try:
            with tempfile.TemporaryFile() as file:
                pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)
                file.flush()
                socket.send_fds(self._files, [b"f"], [file.fileno()])
        except OSError:  # no room for the file, or too many of them are under way
            return value
        return ASIDE

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def framed(body: bytes) -> bytes:
    """A body with its length before it."""
    return LENGTH.pack(len(body)) + body


def whole(buffer: bytearray) -> list[bytes]:
    """The bodies of the frames that have come whole; they leave the buffer."""
    bodies, at = [], 0
    while len(buffer) - at >= LENGTH.size:
        end = at + LENGTH.size + LENGTH.unpack_from(buffer, at)[0]
        if len(buffer) < end:
            break
        bodies.append(bytes(memoryview(buffer)[at + LENGTH.size : end]))
        at = end
    del buffer[:at]
    return bodies


def values(buffer: bytearray, files: socket.socket) -> list[Any]:
    """The values of the frames that have come whole; they leave the buffer."""
    found = [pickle.loads(body) for body in whole(buffer)]  # noqa: S301 - our own process wrote it
    return [_from_file(files) if value == ASIDE else value for value in found]


def _from_file(files: socket.socket) -> object:
    _, found, _, _ = socket.recv_fds(files, 1, 1)  # it was sent before its frame
    with open(found[0], "rb") as file:
        file.seek(0)
        return pickle.load(file)  # noqa: S301 - our own process wrote it


def framed_value(value: object) -> bytes:
    return framed(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))


async def connect(ends: Ends, take: Callable[[Any], None], over: Callable[[], None]) -> Frames:
    """Speak on these ends, on the running event loop."""
    for one in ends:
        one.setblocking(False)
    loop = asyncio.get_running_loop()
    _, frames = await loop.create_connection(lambda: Frames(take, over, ends.files), sock=ends.values)
    return frames
