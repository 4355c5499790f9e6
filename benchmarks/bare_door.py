"""Presa's mail door alone: every mail is discarded, so that the door's own cost shows. Argument: port."""

import asyncio
import sys

import uvloop

from gateway.smtp import Delivery, Door


async def deliver(mail: Delivery) -> str:
    return "2.0.0 Ok"


async def main() -> None:
    door = Door("127.0.0.1", int(sys.argv[1]), deliver=deliver, ours=lambda address: True, hostname="door")
    await door.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
