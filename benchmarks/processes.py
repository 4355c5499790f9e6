"""Servers under measurement: started, found ready, asked for their CPU time, ended by process id. Loopback only."""

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
TICKS = os.sysconf("SC_CLK_TCK")
TOKEN = "benchmark-token"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its living descendants so far."""
    parents, times = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
                times[int(entry.name)] = (int(fields[11]) + int(fields[12])) / TICKS
    family, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in family} - family
        family |= more
        grown = bool(more)
    return sum(times.get(member, 0.0) for member in family)


def settle(pid: int, at_most: float = 20.0) -> None:
    """Wait until a server has nothing left to do: under 3 % of a core for a second."""
    end, before = time.monotonic() + at_most, cpu_seconds(pid)
    while time.monotonic() < end:
        time.sleep(1.0)
        now = cpu_seconds(pid)
        if now - before < 0.03:
            return
        before = now


@contextlib.contextmanager
def server(command: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server process; SIGTERM at the end, SIGKILL after 20 s."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **env}, stdout=out, stderr=out
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(process: subprocess.Popen[bytes], log: Path, port: int, path: str | None = None) -> None:
    """Return once the port answers (with 200 on `path`, if one is given); exit with the server's own words if not."""
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError):
            if path is None:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
                if answer.status == 200:
                    return
        time.sleep(0.1)
    sys.exit(
        f"The server did not come up: {' '.join(map(str, process.args))}\n{log.read_text(errors='replace')[-2000:]}"
    )  # type: ignore[arg-type]


class Presa:
    """A `presa up` on the test desk with a database of its own."""

    def __init__(self, directory: Path, database: str | None) -> None:
        self.directory = directory
        self.smtp, self.web = free_port(), free_port()
        script = Path(sys.executable).with_name("presa")
        self.command = [str(script)] if script.exists() else [sys.executable, "-m", "gateway.cli"]
        self.env = {
            "PRESA_CONFIG": str(ROOT / "desks" / "test"),
            "PRESA_DATABASE": database or f"sqlite:///{directory / 'presa.db'}",
            "PRESA_PUBLIC_URL": f"http://127.0.0.1:{self.web}",
            "PRESA_TWILIO_AUTH_TOKEN": TOKEN,
            "PRESA_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "PRESA_TWILIO_API_URL": "http://127.0.0.1:9",  # nobody answers there: no call can go out
            "PRESA_PEPPER": "benchmark",
        }

    @contextlib.contextmanager
    def up(self) -> Iterator[int]:
        """The process id while it runs."""
        log = self.directory / "presa.log"
        doors = ["--smtp", f"127.0.0.1:{self.smtp}", "--web", f"127.0.0.1:{self.web}"]
        settings = ["--config", self.env["PRESA_CONFIG"], "--database", self.env["PRESA_DATABASE"]]
        command = [*self.command, "up", *settings, *doors, "--pid-file", str(self.directory / "presa.pid")]
        with server(command, self.env, log) as process:
            wait_for(process, log, self.web, "/ready")
            yield process.pid

    def ask(self, *words: str) -> str:
        """What a `presa` command prints."""
        done = subprocess.run(
            [*self.command, *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            sys.exit(f"presa {' '.join(words)} failed: {done.stderr[-2000:]}")
        return done.stdout


def load(script: str, *words: object) -> dict[str, Any]:
    """Run a load generator in a process of its own; its figures."""
    command = [sys.executable, str(HERE / script), *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        sys.exit(f"{script} failed: {done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@contextlib.contextmanager
def workplace(directory: str | None) -> Iterator[Path]:
    """A directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="presa-benchmark-", dir=directory) as made:
        yield Path(made)


def median(rows: Sequence[Mapping[str, Any]], field: str) -> float:
    return float(statistics.median(row[field] for row in rows))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Left column left, the others right."""
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells]))
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
