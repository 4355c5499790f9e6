"""What the mail door hands in is filed, and the sender hears 250 when all of it is durable.

No thread waits for a commit: whoever filed it tells. Refuses to read or to judge a mail: that has been done, or is the engine's.
"""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

from gateway.engine import Arrival, Engine, Outcome
from gateway.errors import Temporary
from gateway.mail.porter import Handed, Told
from gateway.mail.promises import Promises

PAUSE_SECONDS = 0.1  # between two mails of one wave


class Intake:
    """The mail door's promise: filed by the database, and the words of the 250 when all is durable. No thread waits for it."""

    def __init__(self, engine: Engine, pool: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._pool = pool
        self.promises = Promises(engine.database)
        self._in_hand: set[Handed] = set()
        self._promised = float("-inf")

    def busy(self) -> bool:
        """Does somebody wait for a 250, or did a moment ago? One commit answers many, who then come with the next mail."""
        return bool(self._in_hand) or time.monotonic() - self._promised < PAUSE_SECONDS

    def take(self, handed: Handed, told: Told) -> None:
        self._in_hand.add(handed)
        if self._engine.prover.at_once(handed.delivery.peer):
            self._file(handed, told)  # nothing to wait for: no DNS is asked
        else:
            self._pool.submit(self._file, handed, told)

    def _file(self, handed: Handed, told: Told) -> None:
        delivery = handed.delivery
        try:
            received = self._engine.database.clock.now() - timedelta(seconds=time.monotonic() - handed.at)
            arrival = Arrival(
                delivery.door, delivery.peer, delivery.envelope_from, delivery.recipients, delivery.raw, received,
                delivery.helo, whole=delivery.size,
            )  # fmt: skip
            mail = self._engine.in_hand(arrival, handed.reading())
        except Exception as trouble:  # the edge: nothing was filed, and whoever waits must hear of it
            self._tell(handed, told, trouble)
            return

        def filed(filing: "Future[Outcome]") -> None:
            trouble = filing.exception()
            if trouble is None or isinstance(trouble, Temporary):
                promised(filing)
            else:  # as in `Engine.take_mail`, without a thread that waits for the commit
                self._engine.file_failed(mail, trouble).add_done_callback(promised)

        def promised(filing: "Future[Outcome]") -> None:
            trouble = filing.exception()
            if trouble is None:
                self.promises.note(arrival.door, *self._engine.keys(mail))
            self._tell(handed, told, trouble or f"2.0.0 Ok: {filing.result().outcome}")

        self._engine.file(mail).add_done_callback(filed)

    def _tell(self, handed: Handed, told: Told, outcome: str | BaseException) -> None:
        self._in_hand.discard(handed)
        self._promised = time.monotonic()
        told(outcome)
