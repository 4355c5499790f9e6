"""How many mails a second become tickets, durably, before the 250 - beside servers that do far less, in one run.

Distinct 4 KiB mails from 50 senders over 10 sessions, many a session and one a session, in alternation, several rounds,
medians. At the end the tickets are counted: every mail that was answered 250 must be there. See README.md.
"""

import argparse
import contextlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from processes import (
    HERE,
    Presa,
    cpu_seconds,
    free_port,
    load,
    median,
    server,
    settle,
    table,
    wait_for,
    workplace,
)

NAMES = {
    "bare": "bare aiosmtpd, discards",
    "commit": "bare aiosmtpd + one commit",
    "door": "Presa's door alone, discards",
    "presa": "Presa, tickets",
}
MODES = {"many": 0, "one": 1}  # mails per session; 0: all of them


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=2_000, help="per measurement (default 2000, at most 20000)")
    parser.add_argument("--rounds", type=int, default=5, help="default 5, at most 20")
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--servers", default="bare,presa", help=f"of {', '.join(NAMES)}; default bare,presa")
    parser.add_argument(
        "--database", help="SQLAlchemy URL of an EMPTY database; default: SQLite in a temporary directory"
    )
    parser.add_argument("--directory", help="where that temporary directory is made; take the disk that matters")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    given.mails, given.rounds = min(given.mails, 20_000), min(given.rounds, 20)
    given.servers = given.servers.split(",")
    if unknown := set(given.servers) - set(NAMES):
        parser.error(f"no such server: {', '.join(unknown)}")
    return given


def start(name: str, place: Path, presa: Presa, stack: contextlib.ExitStack) -> tuple[int, int]:
    """The port and process id of a running server."""
    if name == "presa":
        return presa.smtp, stack.enter_context(presa.up())
    port, log = free_port(), place / f"{name}.log"
    script = "bare_door.py" if name == "door" else "bare_smtp.py"
    words = [str(place / "bare.db")] if name == "commit" else []
    process = stack.enter_context(server([sys.executable, str(HERE / script), str(port), *words], {}, log))
    wait_for(process, log, port)
    return port, process.pid


def measure(port: int, pid: int, given: argparse.Namespace, mode: str, run: str, mails: int) -> dict[str, Any]:
    """One measurement; CPU a mail until the last 250, and what was still done after it."""
    before = cpu_seconds(pid)
    figures = load("smtp_load.py", port, mails, given.sessions, MODES[mode], run)
    during = cpu_seconds(pid)
    settle(pid)
    after = cpu_seconds(pid)
    accepted = max(figures["accepted"], 1)
    figures["cpu_us"] = (during - before) / accepted * 1e6
    figures["later_us"] = (after - during) / accepted * 1e6
    return figures


def balance(presa: Presa, accepted: int) -> dict[str, Any]:
    """What is stored against what was promised."""
    tickets = int(presa.ask("tickets", "--count"))
    rows = [json.loads(line) for line in presa.ask("ledger", "--json").splitlines() if line.strip()]
    outcomes = Counter(row["outcome"] for row in rows)
    ids = Counter(row["message_id"] for row in rows)
    return {
        "accepted": accepted,
        "tickets": tickets,
        "outcomes": dict(outcomes),
        "message_ids": len(ids),
        "balanced": accepted == tickets == len(ids) == len(rows),
    }


def report(results: dict[str, dict[str, list[dict[str, Any]]]], stored: dict[str, Any] | None) -> str:
    rows = []
    for mode, title in (("many", "many mails a session"), ("one", "one mail a session")):
        reference = median(results["bare"][mode], "rate") if "bare" in results else None
        for name, modes in results.items():
            ratio = median(modes[mode], "rate") / reference if reference else None
            rows.append(
                [
                    f"{title}: {NAMES[name]}",
                    f"{median(modes[mode], 'rate'):,.0f}",
                    f"{ratio:.2f}" if ratio else "-",
                    f"{median(modes[mode], 'cpu_us'):,.0f}",
                    f"{median(modes[mode], 'later_us'):,.0f}",
                    f"{median(modes[mode], 'p50_ms'):.1f}",
                    f"{median(modes[mode], 'p99_ms'):.1f}",
                ]
            )
    text = table(["", "mails/s", "of bare", "CPU us", "later us", "p50 ms", "p99 ms"], rows)
    refused = sum(run["refused"] for modes in results.values() for runs in modes.values() for run in runs)
    if refused:
        words = {
            word for modes in results.values() for runs in modes.values() for run in runs for word in run["refusals"]
        }
        text += f"\n{refused} mails were refused: {'; '.join(sorted(words))}"
    if stored:
        verdict = "all there, once each" if stored["balanced"] else f"NOT BALANCED: {stored}"
        text += f"\nanswered 250: {stored['accepted']}, tickets: {stored['tickets']} - {verdict}"
    return text


def main() -> None:
    given = arguments()
    results: dict[str, dict[str, list[dict[str, Any]]]] = {n: {m: [] for m in MODES} for n in given.servers}
    accepted = 0
    with workplace(given.directory) as place, contextlib.ExitStack() as stack:
        presa = Presa(place, given.database)
        ports = {name: start(name, place, presa, stack) for name in given.servers}
        for turn in range(-1, given.rounds):  # the round before the first warms up and is not counted
            for mode in MODES:
                for name, (port, pid) in ports.items():
                    mails = given.mails if turn >= 0 else min(200, given.mails)
                    figures = measure(port, pid, given, mode, f"{name}-{mode}-{turn}", mails)
                    accepted += figures["accepted"] if name == "presa" else 0
                    if turn >= 0:
                        results[name][mode].append(figures)
        stored = balance(presa, accepted) if "presa" in given.servers else None
    print(json.dumps({"results": results, "stored": stored}) if given.json else report(results, stored))
    if stored and not stored["balanced"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
