"""The yardstick: aiosmtpd as it comes, under uvloop. Arguments: port, and a file for the one with a commit.

Without a file it discards every mail; with one, it inserts the mail into SQLite first, WAL and synchronous=FULL, one
commit for all the mails that wait (group commit).
"""

import asyncio
import queue
import sqlite3
import sys
import threading

import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session


class Discard:
    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return "250 OK"


class Commit(Discard):
    """Durable before 250, and nothing else."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.waiting: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=self.write, daemon=True).start()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        done = asyncio.get_running_loop().create_future()
        self.waiting.put((envelope.mail_from, envelope.content, done))
        await done
        return "250 OK"

    def write(self) -> None:
        database = sqlite3.connect(self.file, isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE mails (id INTEGER PRIMARY KEY, sender TEXT, raw BLOB)")
        while True:
            batch = [self.waiting.get()]
            while not self.waiting.empty():
                batch.append(self.waiting.get())
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO mails (sender, raw) VALUES (?, ?)", [item[:2] for item in batch])
            database.execute("COMMIT")
            futures = [item[2] for item in batch]
            futures[0].get_loop().call_soon_threadsafe(self.tell, futures)

    @staticmethod
    def tell(futures: list) -> None:
        for future in futures:
            if not future.done():
                future.set_result(None)


async def main() -> None:
    loop = asyncio.get_running_loop()
    handler = Commit(sys.argv[2]) if len(sys.argv) > 2 else Discard()
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="bare", loop=loop), "127.0.0.1", int(sys.argv[1]), backlog=512
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
