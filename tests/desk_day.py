"""A day at one of the desks that ship: its own file, with invented customers and telephones, on a clock that is moved."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from databases import DESKS
from world import World, instant

from gateway import settings as configuration
from gateway.rehearsal import Rehearsal
from gateway.store.database import open_database

PRESA = """\
public_url: http://127.0.0.1:8000
recipients: {{help@desk.example: {{desk: {desk}}}}}
trusted_edge: {{authserv_id: mx.example.test, peers: [127.0.0.1]}}
smarthost: "outbox:"
carrier: {{kind: twilio, from: "+390200000000"}}
desks: [desk.yaml]
"""
Open = Callable[..., World]


@contextmanager
def desk_day(url: str, home: Path, desk: str, at: str, customers: str, change: Callable[[str], str]) -> Iterator[World]:
    """``customers``: the directory's YAML. ``change``: what an administrator has changed in the desk's file."""
    numbers = (f"+39061234567{n}" for n in count(1))
    text = (DESKS / desk / "desk.yaml").read_text(encoding="utf-8")
    text = re.sub(r"number: ~", lambda _: f'number: "{next(numbers)}"', text)
    home.mkdir(parents=True, exist_ok=True)
    (home / "desk.yaml").write_text(change(text), encoding="utf-8")
    (home / "presa.yaml").write_text(PRESA.format(desk=desk), encoding="utf-8")
    (home / "directory.yaml").write_text(f"customers:\n{customers}", encoding="utf-8")
    world = World(Rehearsal(configuration.load(home, {}), open_database(url), instant(at)))
    try:
        yield world
    finally:
        world.close()
