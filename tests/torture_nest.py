"""Hatches `presa` processes that can be killed by the hundred: everything is imported once, each process is a fork of that.

A script: reads one order a line on its standard input, {"argv": [...], "env": {...}, "log": path} or {"reap": pid}, and
prints the new process's id, or the exit code of the one that ended. What it hatches dies with it. Refuses to do anything
by itself: no thread may live here, or a fork would inherit half of it.
"""

import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import NoReturn

PRELOADED = (
    "gateway.app", "gateway.cli.commands", "gateway.cli.workers", "gateway.upkeep.checks", "gateway.demo", "gateway.logs", "gateway.post.check",
    "alembic.command", "alembic.config", "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite.pysqlite",
    "uvloop", "uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.off",
)  # fmt: skip


def hatch(argv: Sequence[str], env: Mapping[str, str], log: str) -> int:
    """A new process that runs `presa` with these arguments."""
    child = os.fork()
    if child:
        return child
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (_log(log), 1), (_log(log), 2)):
            os.dup2(source, target)
        os.environ.update(env)
        sys.argv = ["presa", *argv]
        _run()
    finally:
        os._exit(99)


def _log(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def _run() -> NoReturn:
    from gateway.cli import main

    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 98
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def attend() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "reap" in order:
            print(os.waitstatus_to_exitcode(os.waitpid(order["reap"], 0)[1]), flush=True)
        else:
            print(hatch(order["argv"], order["env"], order["log"]), flush=True)


if __name__ == "__main__":
    attend()
