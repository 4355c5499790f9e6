"""How many signed phone webhooks a second the dialogue answers, beside bare FastAPI routes that do the least, and how long a
step takes while 50 people are on the line.

Every server runs on one core and the callers on another. In alternation, several rounds, medians. See README.md.
"""

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from processes import HERE, Presa, cpu_seconds, free_port, load, median, server, settle, table, wait_for, workplace

NAMES = {
    "documented": "bare FastAPI, as documented",
    "tuned": "bare FastAPI, tuned",
    "presa": "Presa, the call's dialogue",
}
SHORT = "1,*,*,100001#"  # Italian; again; again; the customer's code: four dialogue steps without the costly PIN
WHOLE = "1,*,100001#,!471108#,3,*"  # Italian; again; the code; the PIN; "single things fail": a ticket; again
PACE = (0.2, 0.5)  # seconds between two keys of a caller, who is in a hurry


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500, help="per measurement (default 500, at most 5000)")
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5, help="default 5, at most 20")
    parser.add_argument("--keys", default=SHORT, help=f"pressed as fast as answers come (default {SHORT})")
    parser.add_argument("--paced-keys", default=WHOLE, help=f"pressed by people (default {WHOLE}; ! is a PIN)")
    parser.add_argument("--servers", default="documented,tuned,presa", help="default documented,tuned,presa")
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


Runs = dict[str, list[dict[str, Any]]]


def report(fast: Runs, paced: Runs, cores: str) -> str:
    lines = [f"As fast as answers come; {cores}"]
    bare = {name: median(fast[name], "rate") for name in ("documented", "tuned") if name in fast}
    rows = []
    for name, runs in fast.items():
        rate = median(runs, "rate")
        ratios = [f"{rate / bare[one]:.2f}" if one in bare else "-" for one in ("documented", "tuned")]
        figures = [f"{median(runs, field):,.{places}f}" for field, places in FAST]
        rows.append([NAMES[name], f"{rate:,.0f}", *ratios, *figures])
    lines += [table(["", "posts/s", "of documented", "of tuned", "CPU us", "p50 ms", "p99 ms"], rows), ""]
    rows = []
    for name, runs in paced.items():
        rows.append([NAMES[name], *(f"{median(runs, field):,.{places}f}" for field, places in PACED)])
    lines += [f"A key of each caller every {PACE[0]} to {PACE[1]} s; steps without those that bring a PIN"]
    lines += [table(["", "posts/s", "p50 ms", "p99 ms", "max ms", "PIN p50", "PIN p99"], rows)]
    every = [run for runs in (*fast.values(), *paced.values()) for run in runs]
    faults = [example for run in every for example in run["examples"]]
    return "\n".join(lines) + (f"\nNOT ALL WENT WELL, for example: {faults[0]}" if faults else "")


FAST = (("cpu_us", 0), ("p50_ms", 1), ("p99_ms", 1))
PACED = (("rate", 0), ("p50_ms", 1), ("p99_ms", 1), ("max_ms", 1), ("pin_p50_ms", 1), ("pin_p99_ms", 1))


def servers(given: argparse.Namespace, place: Path, stack: contextlib.ExitStack) -> dict[str, tuple[int, int]]:
    """Start them; name -> port and process id."""
    found = {}
    for name in given.servers:
        if name == "presa":
            presa = Presa(place, given.database)
            found[name] = (presa.web, stack.enter_context(presa.up()))
            continue
        port, log = free_port(), place / f"{name}.log"
        command = [sys.executable, str(HERE / "bare_web.py"), str(port), str(place / f"{name}.db"), name]
        process = stack.enter_context(server(command, {}, log))
        wait_for(process, log, port)
        found[name] = (port, process.pid)
    return found


def main() -> None:
    given = arguments()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])  # what is started from here stays here; the callers move away
    words = ["--at-once", given.at_once, "--core", cores[-1]]
    pace = ["--pace", *PACE, "--keys", given.paced_keys, "--calls", given.at_once * 2]
    fast: Runs = {name: [] for name in given.servers}
    paced: Runs = {name: [] for name in given.servers}
    with workplace(given.directory) as place, contextlib.ExitStack() as stack:
        up = servers(given, place, stack)
        for turn in range(-1, given.rounds):  # the round before the first warms up and is not counted
            for name, (port, pid) in up.items():
                calls = given.calls if turn >= 0 else min(100, given.calls)
                before = cpu_seconds(pid)
                figures = load(
                    "phone_load.py", port, *words, "--calls", calls, "--keys", given.keys, "--name", f"{name}-{turn}"
                )
                figures["cpu_us"] = (cpu_seconds(pid) - before) / max(figures["posts"], 1) * 1e6
                settle(pid)
                if turn >= 0:
                    fast[name].append(figures)
                    paced[name].append(load("phone_load.py", port, *words, *pace, "--name", f"{name}-{turn}-paced"))
                    settle(pid)
    told = "one core for the server, another for the callers" if len(cores) > 1 else "ONE CORE FOR ALL"
    print(json.dumps({"fast": fast, "paced": paced}) if given.json else report(fast, paced, told))
    if any(run["faults"] for runs in (*fast.values(), *paced.values()) for run in runs):
        sys.exit(1)


if __name__ == "__main__":
    main()
