"""Commands that run or change something: up, check, import, ingest, call, user."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import (
    DEMO,
    DEMO_DATABASE,
    AsJson,
    Config,
    DatabaseUrl,
    contact_of,
    database_of,
    instant,
    settings_of,
    show,
    wrong,
)
from gateway.errors import Permanent

if TYPE_CHECKING:
    from gateway.app import Parts
    from gateway.settings import Settings

SMTP, WEB = "127.0.0.1:2525", "127.0.0.1:8000"


def up(
    demo: Annotated[bool, typer.Option("--demo", help="The demo desk on SQLite in ./var.")] = False,
    config: Config = None,
    database: DatabaseUrl = None,
    smtp: Annotated[str, typer.Option(help="HOST:PORT of the mail door.")] = SMTP,
    web: Annotated[str, typer.Option(help="HOST:PORT of the web door.")] = WEB,
    workers: Annotated[int, typer.Option(min=1, help="Processes; more than one needs PostgreSQL.")] = 1,
    pid_file: Annotated[Path | None, typer.Option(help="Where to write the process id.")] = None,
) -> None:
    """Open every door and stay in the foreground until SIGTERM or Ctrl-C."""
    from gateway import logs
    from gateway.mail import listening

    logs.configure()
    if demo and config is not None:
        wrong("give --demo or --config, not both")
    if not demo and config is None:
        wrong("say which configuration: --config DIR, or --demo for the demo desk")
    addresses = _address(smtp, "--smtp"), _address(web, "--web")
    settings = _served(settings_of(config or DEMO), *addresses[1])
    url = database or DEMO_DATABASE
    if workers > 1 and not url.startswith("postgres"):
        raise Permanent(
            f"{workers} workers need PostgreSQL; SQLite has one writer: use --workers 1 or --database postgresql://…"
        )
    if workers > 1 and settings.carrier is not None and settings.carrier.kind == "sip":
        raise Permanent(f"{workers} workers and 'kind: sip': a telephone line belongs to one process; use --workers 1")
    listening.certificate(settings.door)
    bound = listening.listen(addresses[0], "smtp"), listening.listen(addresses[1], "web")
    from gateway.app import Doors  # the heavy imports only now: what is wrong so far is said at once
    from gateway.cli import workers as children

    doors = Doors(*bound, listening.more(settings.door))
    _prepared(settings, url)
    if pid_file is not None:
        _write_pid(pid_file)
    try:
        children.run(
            settings, url, doors, workers, lambda: _welcome(settings, smtp, web) if settings.demo else _open(smtp, web)
        )
    finally:
        listening.close(doors.more)
        if pid_file is not None:
            pid_file.unlink(missing_ok=True)


def _write_pid(path: Path) -> None:
    try:
        path.write_text(f"{os.getpid()}\n")
    except OSError as trouble:
        raise Permanent(
            f"cannot write {path}: {trouble.strerror}; give --pid-file a place that can be written"
        ) from trouble


def _served(settings: "Settings", host: str, port: int) -> "Settings":
    """A public address on this machine follows --web, unless the environment says what it is."""
    from urllib.parse import urlsplit

    from gateway.settings.presa import is_loopback

    if os.environ.get("PRESA_PUBLIC_URL") or not is_loopback(urlsplit(settings.public_url).hostname or ""):
        return settings
    shown = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host
    return replace(settings, public_url=f"http://{f'[{shown}]' if ':' in shown else shown}:{port}")


def _address(text: str, option: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        wrong(f"{option}: {text!r} is not HOST:PORT, such as 127.0.0.1:2525")
    return host.strip("[]"), int(port)


def _prepared(settings: "Settings", url: str) -> None:
    """Schema, directory and the demo's logins, before any door opens: nothing starts half."""
    from gateway import app, demo
    from gateway.post import signing
    from gateway.post.check import check_templates
    from gateway.store import users
    from gateway.store.database import open_database

    signing.signer_of(settings.dkim, settings.secrets.dkim_key, settings.home)
    problems = [line for folders in settings.templates.values() if folders for line in check_templates(folders)]
    if problems:
        raise Permanent("\n".join(problems))
    opened = open_database(url)
    try:
        app.prepare(settings, opened)
        if settings.demo:
            opened.write(lambda c: users.add_missing(c, demo.people()))
    finally:
        opened.close()


def _open(smtp: str, web: str) -> None:
    typer.echo(f"Presa is open: SMTP {smtp}, web http://{web}", err=True)


def _welcome(settings: "Settings", smtp: str, web: str) -> None:
    """What a newcomer needs to see."""
    from gateway import demo

    host, _, port = smtp.rpartition(":")
    lines = [
        "",
        f"Presa's demo desk is open (it is a demo: senders are not checked).   Console  http://{web}",
        *(f"  login {hint.login:11} password {hint.password:16} ({hint.role})" for hint in demo.HINTS),
        f"Mail goes to {next(iter(settings.recipients))} on {smtp}. Paste this in another terminal to send one:",
        "",
        f'  {sys.executable} -c \'import smtplib; smtplib.SMTP("{host}", {port}).sendmail("emma.clarke@charlie-demo.example", '
        f'["support@demo.example"], "From: Emma <emma.clarke@charlie-demo.example>\\nSubject: Production is down\\n\\nNothing works '
        "since 9, nobody can log in.\")'",
        "",
        "and this to place an after-hours call (English, a report, customer code, PIN, severity 1, what happened):",
        "",
        f"  {Path(sys.executable).with_name('presa')} call{'' if web == WEB else f' --web {web}'} --keys "
        "'2 1 200003# 200333# 1 \"the main switchboard is dead\"' --engineer-keys '2 1'",
        "",
        "Ctrl-C ends it; the data stays in ./var ('make reset' forgets it).",
        "",
    ]
    typer.echo("\n".join(lines))


def check(
    config: Config = None,
    database: DatabaseUrl = None,
    offline: Annotated[bool, typer.Option(help="Do not ask other servers.")] = False,
) -> None:
    """Configuration, database, ledger, on-call, calendars: everything that would fail at 3 a.m. Exit code 1 if anything
    is wrong.
    """
    from gateway.upkeep.checks import Finding, check_all

    found: list[Finding] = check_all(
        settings_of(config), database or (DEMO_DATABASE if config is None else None), offline=offline
    )
    for one in found:
        typer.echo(f"{one.level:7} {one.what}: {one.words}")
    raise typer.Exit(1 if any(one.level == "wrong" for one in found) else 0)


def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="directory.yaml, or a table in .csv")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Customers that the file does not name stay.")] = False,
    config: Config = None,
    database: DatabaseUrl = None,
) -> None:
    """Make the stored directory exactly what the file says; nothing half done."""
    from gateway.people import importing

    settings = settings_of(config)
    kind: importing.Kind = "csv" if file.suffix.lower() == ".csv" else "yaml"
    text = importing.decoded(file.read_bytes(), str(file))
    with database_of(database) as opened:
        done = importing.import_text(settings, opened, text, kind, name=str(file), dry_run=dry_run, keep=keep)
    for line in importing.in_words(done):
        typer.echo(line)


def ingest(
    files: Annotated[list[Path], typer.Argument(help=".eml files, mbox files or Maildirs.", exists=True)],
    explain: Annotated[bool, typer.Option("--explain", help="Print why.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; store nothing.")] = False,
    envelope_from: Annotated[str | None, typer.Option(help="The envelope sender of all files.")] = None,
    rcpt: Annotated[list[str] | None, typer.Option(help="The envelope recipient; may be repeated.")] = None,
    trusted_edge: Annotated[str | None, typer.Option(help="Believe results of this authserv-id from --peer.")] = None,
    peer: Annotated[str, typer.Option(help="The address the mails came from.")] = "127.0.0.1",
    archive: Annotated[bool, typer.Option("--archive", help="Old mails: nobody is answered or rung.")] = False,
    config: Config = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Take in mails from files. Restartable: a mail that is already there is a duplicate."""
    from rich.console import Console
    from rich.progress import Progress

    from gateway.engine import Arrival
    from gateway.mail import files as mailfiles
    from identity.results import Edge

    settings = settings_of(config)
    if trusted_edge:
        settings = replace(settings, edge=Edge(trusted_edge, (peer,)))
    with (
        _parts(settings, database, dry_run) as parts,
        Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar,
    ):
        now, most = datetime.now(UTC), settings.limits.size
        template = Arrival("file", peer, envelope_from, tuple(rcpt or ()), b"", now, quiet=archive)
        task = bar.add_task("taking in", total=sum(mailfiles.size(path) for path in files))
        found = mailfiles.arrivals(files, template, most, now)
        for one, outcome in mailfiles.take(parts.engine, found, dry_run=dry_run):
            bar.update(task, completed=one.read)
            _print_outcome(one.name, outcome, as_json, explain)


@contextmanager
def _parts(settings: "Settings", database: str | None, dry_run: bool) -> "Iterator[Parts]":
    """Presa without doors; a dry run without a database uses an empty one that is thrown away."""
    from gateway import app
    from gateway.store.database import open_database

    url = database or DEMO_DATABASE
    with tempfile.TemporaryDirectory() as folder:
        missing = url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists()
        opened = open_database(f"sqlite:///{folder}/dry.db" if dry_run and missing else url)
        try:
            app.prepare(settings, opened)
            yield app.build(settings, opened)
        finally:
            opened.close()


def _print_outcome(name: str, outcome: Any, as_json: bool, explain: bool) -> None:
    who, decision = outcome.who, outcome.decision
    said = {
        "file": name, "outcome": outcome.outcome, "reason": outcome.reason, "ticket": outcome.number,
        "customer": who.customer if who else None, "contact": contact_of(who) if who else None,
        "verified": bool(who and who.verified),
        "plan": decision.plan if decision else None, "kind": decision.kind if decision else None,
        "priority": decision.priority if decision else None, "queue": decision.queue if decision else None,
        "acknowledge": outcome.acknowledge, "evidence": list(outcome.evidence),
    }  # fmt: skip
    if as_json:
        show(said)
        return
    typer.echo(f"{name}: {outcome.outcome} {outcome.number or outcome.reason or ''} {said['customer'] or ''}".rstrip())
    for line in outcome.evidence if explain else ():
        typer.echo(f"  {line}")


def call(
    from_: Annotated[str, typer.Option("--from", help="The calling number.")] = "+390655500303",
    keys: Annotated[
        str | None, typer.Option(help="What is keyed or, in quotes, said at each prompt; interactive without.")
    ] = None,
    engineer_keys: Annotated[str | None, typer.Option(help="What an engineer who is rung presses.")] = None,
    at: Annotated[
        str | None, typer.Option(help="Play the call at that instant, on a desk that is thrown away.")
    ] = None,
    web: Annotated[str | None, typer.Option(help="Where Presa listens (HOST:PORT).")] = None,
    config: Config = None,
) -> None:
    """A simulated phone in the terminal against the real, signed webhooks."""
    from gateway.phone import terminal

    settings = settings_of(config)
    carrier = settings.carrier
    if carrier is None or (not carrier.ready and at is None):
        raise Permanent(
            "no phone is configured: presa.yaml needs a carrier, and PRESA_TWILIO_ACCOUNT_SID and PRESA_TWILIO_AUTH_TOKEN must be set"
        )
    if at is None and carrier.kind in ("signalwire", "telnyx"):
        raise Permanent(
            f"presa call cannot sign as {carrier.kind} does; play the call on a desk that is thrown away: presa call --at INSTANT"
        )
    if at is not None:
        from gateway.rehearsal import ACCOUNT, TOKEN, Rehearsal
        from gateway.store.database import open_database

        with tempfile.TemporaryDirectory() as folder:
            world = Rehearsal(settings, open_database(f"sqlite:///{folder}/call.db"), instant(at, "--at"))
            options = terminal.Options(
                settings.public_url, settings.public_url, ACCOUNT, TOKEN, carrier.number, from_, keys, engineer_keys
            )
            code = terminal.run(
                options,
                fetch=world.fetch,
                engineers=world,
                now=lambda: world.clock.now().timestamp(),
                sleep=world.advance,
            )
            world.close()
        raise typer.Exit(code)
    base = f"http://{web}" if web else settings.public_url
    public = base if web and not os.environ.get("PRESA_PUBLIC_URL") else settings.public_url
    options = terminal.Options(
        base, public, carrier.account_sid or "", carrier.auth_tokens[0], carrier.number, from_, keys, engineer_keys
    )
    raise typer.Exit(terminal.run(options))


def user(
    login: Annotated[str, typer.Argument(help="What they sign in with.")],
    name: Annotated[str, typer.Option(help="Their name, as shown on tickets.")],
    role: Annotated[str, typer.Option(help="admin, supervisor, agent, on-call or read-only.")] = "agent",
    language: Annotated[str, typer.Option(help="it or en.")] = "it",
    database: DatabaseUrl = None,
) -> None:
    """Add somebody who may sign in to the console; the password is asked for, or read from PRESA_PASSWORD."""
    from gateway.store import users
    from gateway.web import sessions
    from gateway.web.views import ROLES

    if role not in ROLES:
        wrong(f"--role: {role!r} is none of {', '.join(ROLES)}")
    password = os.environ.get("PRESA_PASSWORD") or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    new = users.StoredUser(login.lower(), name, role, language, sessions.hash_password(password))
    with database_of(database) as opened:
        if not opened.write(lambda c: users.add_missing(c, {new.login: new})):
            raise Permanent(f"there is somebody with the login {new.login} already; choose another")
    typer.echo(f"{name} may sign in as {new.login} ({role}).")
