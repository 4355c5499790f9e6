"""A support desk whose mail comes out of a mailbox: the world of the stories, a real IMAP server, a proxy between them."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from imap_server import PASSWORD, USER, Proxy, Server
from world import World

from gateway.imap.watch import Watch
from gateway.settings.mailboxes import Mailbox
from gateway.store import tables

__all__ = ["MailDesk", "maildesk", "utc"]


class MailDesk:
    """The desk and its mailbox `support`."""

    def __init__(self, world: World, server: Server) -> None:
        self.world = world
        loops = replace(world.engine.settings.loops, same_words=10_000)  # the same mail again and again is meant here
        world.engine.settings = replace(world.engine.settings, loops=loops)
        self.server = server
        self.proxy = Proxy(server.port)
        self.box = Mailbox(
            name="support", host="127.0.0.1", port=self.proxy.port, security="none", user=USER, password=PASSWORD,
            address=world.address,
        )  # fmt: skip
        self._watches: list[Watch] = []
        self._names = itertools.count(1)

    def close(self) -> None:
        for watch in self._watches:
            watch.hang_up()
        self.proxy.close()
        self.server.close()

    def replica(self, **changes: Any) -> Watch:
        """A replica's watch on the mailbox; `changes`: of its settings, or `post` for its token's provider."""
        more = {name: changes.pop(name) for name in ("post", "read") if name in changes}
        box = replace(self.box, **changes)
        self.world.engine.settings = replace(self.world.engine.settings, mailboxes={box.name: box})
        watch = Watch(self.world.engine, box, f"replica-{next(self._names)}", **more)
        self._watches.append(watch)
        return watch

    def settle(self, watch: Watch, rounds: int = 60) -> int:
        """Rounds until there is nothing to do and nothing went wrong; time goes by as the watch asks. Says how many."""
        for number in range(1, rounds):
            rest = watch.step()
            if watch.session is not None and rest.seconds >= watch.box.poll.total_seconds():
                return number
            self.world.rehearsal.clock.advance(rest.seconds)
        raise AssertionError(f"never came to rest: {self.rows()}")

    def rows(self) -> list[tuple[int, str, str | None, int]]:
        """(uid, state, outcome, tries) of all that was listed."""
        mails = tables.mailbox_mails.c
        query = sa.select(mails.uid, mails.state, mails.outcome, mails.tries).order_by(mails.uidvalidity, mails.uid)
        return self.world.read(lambda c: [tuple(row) for row in c.execute(query)])  # type: ignore[no-any-return]

    def subjects(self) -> list[str]:
        return sorted(ticket.subject for ticket in self.world.tickets())


@pytest.fixture
def maildesk(begin: Callable[..., World]) -> Iterator[MailDesk]:
    """The test desk on a Wednesday morning, and its mailbox."""
    world = begin()
    with ExitStack() as stack:
        desk = MailDesk(world, Server())
        stack.callback(desk.close)
        yield desk


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
