"""How many signed phone webhooks a second the dialogue answers, beside a bare FastAPI route that does the least.

The bare route checks the signature, reads one row and durably writes one. 50 calls at once, in alternation, several
rounds, medians. See README.md.
"""

import argparse
import contextlib
import json
import sys
from typing import Any

from processes import HERE, Presa, cpu_seconds, free_port, load, median, server, settle, table, wait_for, workplace

NAMES = {
    "bare": "bare FastAPI, tuned: signature, a read, a write",
    "plain": "bare FastAPI, plain: the same, one commit each",
    "presa": "Presa, the call's dialogue",
}
KINDS = {"bare": "tuned", "plain": "plain"}
SHORT = "1,*,*,100001#"  # Italian; again; again; the customer's code: four dialogue steps without the costly PIN


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500, help="per measurement (default 500, at most 5000)")
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5, help="default 5, at most 20")
    parser.add_argument("--keys", default=SHORT, help=f"what each caller presses (default {SHORT})")
    parser.add_argument("--servers", default="bare,plain,presa", help="default bare,plain,presa")
    parser.add_argument(
        "--database", help="SQLAlchemy URL of an EMPTY database; default: SQLite in a temporary directory"
    )
    parser.add_argument("--directory", help="where that temporary directory is made; take the disk that matters")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    given.calls, given.rounds = min(given.calls, 5_000), min(given.rounds, 20)
    given.servers = given.servers.split(",")
    if unknown := set(given.servers) - set(NAMES):
        parser.error(f"no such server: {', '.join(unknown)}")
    return given


def report(results: dict[str, list[dict[str, Any]]]) -> str:
    reference = median(results["bare"], "rate") if "bare" in results else None
    rows = []
    for name, runs in results.items():
        rate = median(runs, "rate")
        ratio = f"{rate / reference:.2f}" if reference else "-"
        figures = [f"{median(runs, field):,.{places}f}" for field, places in FIELDS]
        rows.append([NAMES[name], f"{rate:,.0f}", ratio, *figures])
    text = table(["", "posts/s", "of bare", "CPU us", "p50 ms", "p99 ms"], rows)
    faults = [example for runs in results.values() for run in runs for example in run["examples"]]
    return text + (f"\nNOT ALL WENT WELL, for example: {faults[0]}" if faults else "")


FIELDS = (("cpu_us", 0), ("p50_ms", 1), ("p99_ms", 1))


def main() -> None:
    given = arguments()
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in given.servers}
    with workplace(given.directory) as place, contextlib.ExitStack() as stack:
        ports = {}
        for name in given.servers:
            if name == "presa":
                presa = Presa(place, given.database)
                ports[name] = (presa.web, stack.enter_context(presa.up()))
                continue
            port, log = free_port(), place / f"{name}.log"
            command = [sys.executable, str(HERE / "bare_web.py"), str(port), str(place / f"{name}.db"), KINDS[name]]
            process = stack.enter_context(server(command, {}, log))
            wait_for(process, log, port)
            ports[name] = (port, process.pid)
        for turn in range(-1, given.rounds):  # the round before the first warms up and is not counted
            for name, (port, pid) in ports.items():
                calls = given.calls if turn >= 0 else min(100, given.calls)
                before = cpu_seconds(pid)
                figures = load("phone_load.py", port, calls, given.at_once, given.keys, f"{name}-{turn}")
                figures["cpu_us"] = (cpu_seconds(pid) - before) / max(figures["posts"], 1) * 1e6
                settle(pid)
                if turn >= 0:
                    results[name].append(figures)
    print(json.dumps(results) if given.json else report(results))
    if any(run["faults"] for runs in results.values() for run in runs):
        sys.exit(1)


if __name__ == "__main__":
    main()
