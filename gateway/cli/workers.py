"""One process or several on the same doors. Each is equal; the parent only starts them, waits, and passes on the end."""

import os
import signal
import sys
from collections.abc import Callable

from gateway.app import Doors, build, serve
from gateway.mail import authenticate
from gateway.settings import Settings


def run(settings: Settings, url: str, doors: Doors, workers: int, ready: Callable[[], None]) -> None:
    """Serve until told to stop; with several workers, in children that share the bound sockets and end with the parent."""
    if workers == 1:
        _serve(settings, url, doors, ready)
        return
    children = {_fork(settings, url, doors, ready if number == 0 else lambda: None) for number in range(workers)}

    def pass_on(number: int, _: object) -> None:
        for child in children:
            os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)
    failed = 0
    while children:
        child, status = os.wait()
        children.discard(child)
        if os.waitstatus_to_exitcode(status) != 0:
            failed += 1
            pass_on(signal.SIGTERM, None)  # a desk with fewer hands than were asked for must not look healthy
    if failed:
        sys.exit(1)


def _fork(settings: Settings, url: str, doors: Doors, ready: Callable[[], None]) -> int:
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        _end_with(parent)
        _serve(settings, url, doors, ready)
        code = 0
    finally:
        os._exit(code)


def _end_with(parent: int) -> None:
    """Ask the kernel for SIGTERM when the parent dies (Linux); elsewhere a killed parent leaves its children."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)


def _serve(settings: Settings, url: str, doors: Doors, ready: Callable[[], None]) -> None:
    from gateway.store.database import open_database

    database = open_database(url)
    try:
        resolver = None if settings.demo else authenticate.system_resolver()
        serve(build(settings, database, resolver=resolver), doors, ready)
    finally:
        database.close()
