"""The command line from outside: arguments, exit codes, starting and stopping. Trouble is one clear line, never a trace."""

import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from outside_presa import PRESA, ROOT, Carrier, Presa, mail, results, run

SLA = ["sla", "--desk", "test", "--plan", "gold", "--kind", "incident", "--priority", "P2", "--json"]
AT = "2026-11-23T09:00:00+01:00"
LATER = "2026-11-23T12:00:00+01:00"


@pytest.fixture(scope="module")
def presa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Presa]:
    carrier = Carrier()
    with Presa(tmp_path_factory.mktemp("commands"), carrier) as running:
        yield running
    carrier.close()


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PRESA_")}


def refused(*arguments: str, code: int) -> str:
    """The one line on stderr of a command that ends with this code."""
    done = run(*arguments, env=environment())
    assert done.returncode == code, (arguments, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert done.stderr.strip()
    return done.stderr.strip()


WRONG: dict[str, tuple[list[str], str]] = {
    "a time without offset": ([*SLA, "--received", "2026-11-23T09:00:00"], "offset"),
    "no time at all": ([*SLA, "--received", "yesterday"], "yesterday"),
    "an inverted pause": ([*SLA, "--received", AT, "--pause", f"{LATER}/{AT}"], "pause"),
    "a pause without a slash": ([*SLA, "--received", AT, "--pause", AT], "pause"),
    "a pause without offset": ([*SLA, "--received", AT, "--pause", "2026-11-23T10:00:00/"], "offset"),
    "--at without offset": ([*SLA, "--received", AT, "--at", "2026-11-23T10:00:00"], "offset"),
    "an unknown desk": (["sla", "--desk", "nowhere", "--plan", "gold", "--kind", "incident", "--priority", "P2", "--received", AT], "nowhere"),
    "an unknown plan": (["sla", "--desk", "test", "--plan", "tin", "--kind", "incident", "--priority", "P2", "--received", AT], "tin"),
    "an unknown kind": (["sla", "--desk", "test", "--plan", "gold", "--kind", "whim", "--priority", "P2", "--received", AT], "whim"),
    "an unknown priority": (["sla", "--desk", "test", "--plan", "gold", "--kind", "incident", "--priority", "P9", "--received", AT], "P9"),
    "an unknown --via": ([*SLA, "--received", AT, "--via", "pigeon"], "pigeon"),
    "on-call of an unknown desk": (["oncall", "--desk", "nowhere"], "nowhere"),
    "on-call without offset": (["oncall", "--desk", "test", "--at", "2026-11-23T10:00:00"], "offset"),
    "two ways to ask who": (["who", "--from", "a@b.example", "--code", "1"], "exactly one"),
    "no way to ask who": (["who"], "exactly one"),
    "an unknown outcome": (["ledger", "--outcome", "lost"], "lost"),
    "no ticket number": (["explain", "banana"], "banana"),
    "a wrong check digit": (["explain", "TS-1000-0001"], "TS-1000-0001"),
    "an address that is none": (["up", "--config", "desks/test", "--smtp", "nonsense"], "nonsense"),
    "a port that is none": (["up", "--config", "desks/test", "--web", "127.0.0.1:99999"], "99999"),
    "no configuration": (["up"], "--config"),
    "zero workers": (["up", "--config", "desks/test", "--workers", "0"], "workers"),
    "an unknown option": (["tickets", "--nonsense"], "nonsense"),
    "an unknown command": (["dance"], "dance"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_argument_ends_with_2_and_says_which(case: str) -> None:
    arguments, word = WRONG[case]
    words = refused(*arguments, code=2)
    assert word in words
    if words.startswith("presa:"):
        assert len(words.splitlines()) == 1


def up(tmp_path: Path, *more: str, config: str = "desks/test") -> list[str]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        ports = [made.getsockname()[1] for made in (one, two)]
    doors = ["--smtp", f"127.0.0.1:{ports[0]}", "--web", f"127.0.0.1:{ports[1]}"]
    return ["up", "--config", config, "--database", f"sqlite:///{tmp_path}/p.db", *doors, *more]


@pytest.mark.parametrize("door", ["--smtp", "--web"])
def test_a_port_in_use_is_one_line_and_nothing_is_left_behind(door: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = refused(*up(tmp_path, door, f"127.0.0.1:{port}", "--pid-file", f"{tmp_path}/pid"), code=1)
    assert port in words
    assert len(words.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_several_workers_on_sqlite_are_refused(tmp_path: Path) -> None:
    words = refused(*up(tmp_path, "--workers", "2"), code=1)
    assert "SQLite" in words
    assert len(words.splitlines()) == 1


@pytest.mark.parametrize("where", ["/proc/presa/p.db", "/dev/null/p.db"])
def test_a_database_that_cannot_be_written_is_one_line(where: str, tmp_path: Path) -> None:
    words = refused(*up(tmp_path, "--database", f"sqlite:///{where}"), code=1)
    assert where.rpartition("/")[0] in words
    assert len(words.splitlines()) == 1


def test_a_pid_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    words = refused(*up(tmp_path, "--pid-file", "/proc/presa/pid"), code=1)
    assert len(words.splitlines()) == 1


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "p.db").write_bytes(b"this is a letter, not a database" * 100)
    words = refused(*up(tmp_path), code=1)
    assert "p.db" in words
    assert len(words.splitlines()) == 1


def test_a_database_of_a_newer_presa_is_refused_by_every_command(tmp_path: Path) -> None:
    newer = sqlite3.connect(tmp_path / "p.db")
    newer.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    newer.execute("INSERT INTO alembic_version VALUES ('9999')")
    newer.commit()
    newer.close()
    for command in (up(tmp_path), ["tickets", "--config", "desks/test", "--database", f"sqlite:///{tmp_path}/p.db"]):
        words = refused(*command, code=1)
        assert "9999" in words
        assert len(words.splitlines()) == 1
    assert sqlite3.connect(tmp_path / "p.db").execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "sqlite://", "://", "postgresql://u@127.0.0.1:port/x", "postgresql://127.0.0.1:1/x"]
)
def test_a_database_that_is_none_is_one_line(url: str, tmp_path: Path) -> None:
    words = refused(*up(tmp_path, "--database", url), code=1)
    assert len(words.splitlines()) == 1


BROKEN = {
    "a tab": ("presa.yaml", "recipients:\n", "recipients:\n\t\n"),
    "an unknown key": ("presa.yaml", "public_url:", "pubic_url:"),
    "a wrong type": ("presa.yaml", "connections_per_peer: 100", "connections_per_peer: many"),
    "an unknown plan": ("directory.yaml", "plan: platinum", "plan: titanium"),
    "a wrong address": ("directory.yaml", "mario@acme.example", "mario at acme"),
    "an unknown person on duty": ("desk.yaml", "people: [uno, due, tre]", "people: [uno, due, quattro]"),
    "a date that is none": ("desk.yaml", "start: 2026-01-05", "start: 2026-13-05"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_wrong_configuration_names_file_and_line_and_nothing_starts(case: str, tmp_path: Path) -> None:
    name, before, after = BROKEN[case]
    shutil.copytree(ROOT / "desks" / "test", tmp_path / "desk")
    text = (tmp_path / "desk" / name).read_text()
    assert before in text
    (tmp_path / "desk" / name).write_text(text.replace(before, after, 1))
    number = text[: text.index(before)].count("\n") + 1
    words = refused(*up(tmp_path, config=f"{tmp_path}/desk"), code=1)
    named = [line for line in words.splitlines() if f"{name}:" in line]
    assert named, words
    lines = {int(line.split(f"{name}:")[1].split(":")[0]) for line in named}
    assert lines & {number, number + 1}, words
    assert not (tmp_path / "p.db").exists()


def test_a_directory_without_configuration_is_one_line(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        assert "presa.yaml" in refused(*up(tmp_path, config=str(folder)), code=1)


def test_commands_run_beside_presa_with_options_or_the_environment(presa: Presa) -> None:
    presa.send(mail(top=[results("acme.example")]))
    by_environment = presa.run("tickets", "--json")
    by_options = run("tickets", "--json", "--config", "desks/test", "--database", presa.database, env=environment())
    assert by_environment.stdout == by_options.stdout
    assert by_environment.returncode == by_options.returncode == 0
    (ticket,) = presa.tickets().values()
    assert {
        "ticket",
        "customer",
        "contact",
        "plan",
        "kind",
        "priority",
        "queue",
        "state",
        "opened",
        "message_ids",
        "reply_to",
        "outgoing_message_id",
    } <= ticket.keys()
    (entry,) = presa.ledger()
    wanted = {
        "id",
        "at",
        "door",
        "peer",
        "message_id",
        "envelope_from",
        "rcpt",
        "outcome",
        "reason",
        "ticket",
        "customer",
        "verified",
        "acknowledge",
        "sha256",
    }
    assert wanted <= entry.keys()
    assert presa.rows("ledger", "--outcome", "held,refused") == []
    assert presa.rows("ledger", "--outcome", "new,append") == [entry]
    assert presa.run("tickets", "--count").stdout == "1\n"
    assert presa.run("check", "--offline").returncode == 0
    assert presa.run("explain", ticket["ticket"]).returncode == 0
    assert presa.run("calls", "--json").stdout == ""
    assert presa.pid_file.read_text().strip() == str(presa.process and presa.process.pid)


@pytest.mark.parametrize(
    ("arguments", "customer"),
    [
        (["--from", "mario@acme.example"], "ACME"),
        (["--from", "Mario@ACME.example"], "ACME"),
        (["--from", "x@sub.acme.example"], None),
        (["--from", "luigi.beta@gmail.com"], "BETA"),
        (["--from", "altro@gmail.com"], None),
        (["--phone", "+390612345678"], "ACME"),
        (["--phone", "06 1234 5678"], "ACME"),
        (["--code", "100001"], "ACME"),
        (["--code", "ACM-0001"], "ACME"),
        (["--code", "999999"], None),
        (["--from", "not an address"], None),
    ],
)
def test_who_names_a_customer_by_one_sign_and_never_verifies_by_it(
    arguments: list[str], customer: str | None, presa: Presa
) -> None:
    (told,) = presa.rows("who", *arguments)
    assert (told["customer"], told["verified"]) == (customer, False)
    assert {"contact", "plan", "entitled", "why_not", "candidates", "evidence"} <= told.keys()


def test_parse_prints_one_object_a_line_and_never_dies(tmp_path: Path) -> None:
    good = tmp_path / "buona è.eml"
    good.write_bytes(mail(body="ciao è\r\n"))
    (tmp_path / "empty.eml").write_bytes(b"")
    (tmp_path / "noise.eml").write_bytes(bytes(range(256)) * 50)
    paths = [good, tmp_path / "empty.eml", tmp_path / "missing.eml", tmp_path, tmp_path / "noise.eml", good]
    done = run("parse", stdin="\n".join(map(str, paths)) + "\n", env=environment())
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, len(rows)) == (0, len(paths))
    assert rows[0] == rows[-1]
    assert rows[0]["from"] == {"name": "Mario Rossi", "addr": "mario@acme.example"}
    assert rows[0]["reply_text"].strip() == "ciao è"
    assert rows[2].get("error")
    keys = {"from", "to", "cc", "subject", "message_id", "in_reply_to", "references", "text", "html", "attachments", "reply_text", "reply_with_signature", "is_bounce", "failed_recipients", "is_auto_reply", "suppress_auto_response"}  # fmt: skip
    for row in rows:
        assert keys <= row.keys()
        assert None not in (
            row["to"],
            row["cc"],
            row["references"],
            row["attachments"],
            row["reply_text"],
            row["failed_recipients"],
        )
        assert {row["is_bounce"], row["is_auto_reply"], row["suppress_auto_response"]} <= {True, False}


def test_in_a_dry_run_later_files_see_the_earlier_ones(presa: Presa, tmp_path: Path) -> None:
    first, answer = tmp_path / "a.eml", tmp_path / "b.eml"
    first.write_bytes(mail(top=[results("acme.example")], id_="root@acme.example"))
    answer.write_bytes(
        mail(top=[results("acme.example")], more=["In-Reply-To: <root@acme.example>"], body="ancora\r\n")
    )
    before = presa.ledger()
    edge = ["--dry-run", "--trusted-edge", "mx.example.test", "--peer", "127.0.0.1"]
    told = presa.rows("ingest", *map(str, (first, first, answer, answer)), *edge)
    assert [row["outcome"] for row in told] == ["new", "duplicate", "append", "duplicate"]
    assert len({row["ticket"] for row in told}) == 1
    assert presa.ledger() == before


def test_sla_and_oncall_need_no_database(tmp_path: Path) -> None:
    done = run(*SLA, "--received", AT, "--pause", f"{AT}/{LATER}", "--at", LATER, env=environment())
    told = json.loads(done.stdout)
    assert {"desk", "plan", "kind", "priority", "received", "targets", "updates_every", "escalations"} <= told.keys()
    assert all(
        {"target", "due", "best_effort", "allowed", "calendar", "intervals", "state"} <= one.keys()
        for one in told["targets"]
    )
    (row,) = [
        json.loads(line)
        for line in run("oncall", "--desk", "test", "--at", AT, "--json", env=environment()).stdout.splitlines()
    ]
    assert [link["person"] for link in row["chain"]] == ["tre", "uno", "due"] or len(row["chain"]) == 3
    assert run("oncall", "gaps", "--desk", "test", env=environment()).returncode == 0


def test_sigterm_ends_presa_with_0_and_a_new_start_goes_on_with_the_same_tickets(tmp_path: Path) -> None:
    carrier = Carrier()
    with Presa(tmp_path, carrier, hatched=False) as first:
        first.send(mail(top=[results("acme.example")]))
        known = first.tickets()
        assert first.stop() == 0
        assert not first.pid_file.exists()
    with Presa(tmp_path, carrier, hatched=False) as second:
        assert {n: row["message_ids"] for n, row in second.tickets().items()} == {
            n: row["message_ids"] for n, row in known.items()
        }
        assert second.tickets()[next(iter(known))]["reply_to"] == known[next(iter(known))]["reply_to"]
        second.send(mail(top=[results("acme.example")], body="dopo\r\n"))
        assert len(second.tickets()) == 2
    carrier.close()


def test_the_commands_name_is_installed() -> None:
    assert PRESA.exists()
