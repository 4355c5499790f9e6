"""Sockets to listen on, bound by the parent before anything else happens: a port that cannot be had is told at start, and
the workers of one Presa share what was bound. Refuses to accept anything: the doors do.
"""

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

from gateway.errors import Permanent
from gateway.settings.mail_door import UNIX, MailDoor
from gateway.smtp import Certificate, Listener

Address = tuple[str, int]


def listen(address: Address, what: str, setting: str = "") -> socket.socket:
    """A bound socket, or Permanent with one clear line. `setting`: where another port is given, else the option."""
    host, port = address
    return _bound(
        socket.AF_INET6 if ":" in host else socket.AF_INET,
        lambda made: made.bind((host, port)),
        f"cannot listen for {what} on {host}:{port}: {{}}; stop what uses that port or give another with {setting or f'--{what}'}",
    )


def more(door: MailDoor) -> tuple[Listener, ...]:
    """The listeners that the mail door's section names. Raises Permanent."""
    found = []
    if door.smtps:
        found.append(Listener(listen(split(door.smtps), "smtps", "'smtps' in presa.yaml"), encrypted=True))
    if door.lmtp and door.lmtp.startswith(UNIX):
        found.append(Listener(_listen_beside(Path(door.lmtp.removeprefix(UNIX))), "lmtp"))
    elif door.lmtp:
        found.append(Listener(listen(split(door.lmtp), "lmtp", "'lmtp' in presa.yaml"), "lmtp"))
    return tuple(found)


def certificate(door: MailDoor) -> Certificate | None:
    """What the mail door proves itself with, if it is configured. Raises Permanent."""
    return Certificate(door.certificate, door.key) if door.certificate and door.key else None


def split(text: str) -> Address:
    """HOST:PORT as the settings have checked it."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def close(listeners: tuple[Listener, ...]) -> None:
    """The end: a socket in the file system does not stay behind."""
    for one in listeners:
        path = one.sock.getsockname() if one.sock.family == socket.AF_UNIX else ""
        one.sock.close()
        if path:
            with contextlib.suppress(OSError):
                os.unlink(path)


def _listen_beside(path: Path) -> socket.socket:
    """A socket in the file system, for the owner and the group; the one that an earlier Presa left there gives way."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as other:
        if path.is_socket():
            try:
                other.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
    advice = "stop what uses it, or give another path with 'lmtp' in presa.yaml"
    made = _bound(
        socket.AF_UNIX, lambda made: made.bind(str(path)), f"cannot listen for lmtp on {path}: {{}}; {advice}"
    )
    path.chmod(0o660)
    return made


def _bound(family: socket.AddressFamily, bind: Callable[[socket.socket], object], words: str) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bind(made)
    except OSError as trouble:
        made.close()
        raise Permanent(words.format(trouble.strerror or trouble)) from trouble
    return made
