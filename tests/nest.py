"""Where tests get `presa` processes from by the hundred: everything is imported once, each process is a fork of that.

Run as a script it reads an order a line on its standard input and answers in a line, both JSON: {"argv", "env", "files": [in,
out, err], "cwd"} is a new process, answered by its id; with "wait" its exit code. {"reap": pid} is the exit code of one that
ended, with "now" null while it goes on. What is hatched dies with it. `nest()` is the one of this test process. Refuses to do
anything by itself: no thread may live in the script, or a fork would inherit half of it. Whether a command also starts by
itself is for tests that start it.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[1]
PRELOADED = (
    "gateway.app", "gateway.cli.commands", "gateway.cli.workers", "gateway.upkeep.checks", "gateway.demo", "gateway.logs", "gateway.post.check",
    "alembic.command", "alembic.config", "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite.pysqlite",
    "uvloop", "uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.off",
)  # fmt: skip


# In the nest ----------------------------------------------------------------------------------------------------


def hatch(argv: Sequence[str], env: Mapping[str, str], files: Sequence[str], cwd: str) -> int:
    """A new process that runs `presa` with these arguments."""
    child = os.fork()
    if child:
        return child
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        modes = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND, os.O_WRONLY | os.O_CREAT | os.O_APPEND
        for target, (path, mode) in enumerate(zip(files, modes, strict=True)):
            os.dup2(os.open(path, mode), target)
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        sys.argv = ["presa", *argv]
        sys.stdin = os.fdopen(0, closefd=False)  # the nest's own has read ahead
        _run()
    finally:
        os._exit(99)


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


def _reaped(pid: int, now: bool = False) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG if now else 0)
    return os.waitstatus_to_exitcode(status) if found else None


def attend() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "reap" in order:
            answer = _reaped(order["reap"], order.get("now", False))
        else:
            wait = order.pop("wait", False)
            answer = hatch(**order)
            if wait:
                answer = _reaped(answer)
        print(json.dumps(answer), flush=True)


# Outside of it --------------------------------------------------------------------------------------------------


class Nest:
    """The script in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self._lock = threading.Lock()
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == '"ready"\n'

    def ask(self, **order: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def hatch(self, argv: Sequence[str], env: Mapping[str, str], log: Path, cwd: Path = ROOT) -> "Hatched":
        """`presa ARGV`, its words in `log`."""
        files = [os.devnull, str(log), str(log)]
        return Hatched(self, self.ask(argv=list(argv), env=dict(env), files=files, cwd=str(cwd)))

    def run(self, argv: Sequence[str], env: Mapping[str, str], stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """A command, to its end."""
        with tempfile.TemporaryDirectory() as folder:
            given, out, err = (Path(folder, name) for name in ("in", "out", "err"))
            given.write_text(stdin)
            files = [str(given), str(out), str(err)]
            code = self.ask(argv=list(argv), env=dict(env), files=files, cwd=str(ROOT), wait=True)
            return subprocess.CompletedProcess(list(argv), code, out.read_text(), err.read_text())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


class Hatched:
    """A process of the nest, in the words of `subprocess.Popen`."""

    def __init__(self, nest: Nest, pid: int) -> None:
        self._nest = nest
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._nest.ask(reap=self.pid, now=True)
        return self.returncode

    def wait(self, timeout: float) -> int:
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("presa", timeout)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def nest() -> Nest:
    """The one of this test process: its imports take seconds."""
    made = Nest()
    atexit.register(made.close)
    return made


if __name__ == "__main__":
    attend()
