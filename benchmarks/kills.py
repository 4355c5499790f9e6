"""How many random SIGKILLs Presa survives with mails streaming in, and how many mails that lost or doubled: both must be 0.

    python benchmarks/kills.py [--minutes 5] [--database postgresql+psycopg://user:pw@host/empty]

The longer run of tests/test_torture.py: the same town of customers, smart host and telephones; every third kill hits the mail
door's process alone. Its books are compared at the end: every Message-ID that was answered 250 is there exactly once.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

from test_torture import night  # noqa: E402 - the folder is put on the path first


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--database", help="an empty database; without it SQLite in a folder that is thrown away")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="presa-kills-") as folder:
        url = asked.database or f"sqlite:///{folder}/presa.db"
        with night(Path(folder), url, asked.seed) as one:
            began = time.monotonic()
            done = one.run(1_000_000, asked.minutes * 60)
            took = time.monotonic() - began
            one.settle()
            faults = one.faults()
            mails, given_up = len(one.customers.promised), len(one.customers.given_up)
    print(
        f"seed {asked.seed}: {done} kills in {took:.0f} s, {mails} mails promised, {given_up} given up by their senders"
    )
    print("\n".join(faults) or "nothing lost, nothing doubled, nothing half done")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
