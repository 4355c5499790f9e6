"""What several commands share: where the configuration and the database are, and how values are printed."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.store.database import Database
    from identity.people import Recognition

DEMO = Path(__file__).parents[2] / "desks" / "demo"
DESKS = Path(__file__).parents[2] / "desks"
DEMO_DATABASE = "sqlite:///var/presa.db"

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="PRESA_CONFIG",
        help="Directory with presa.yaml and directory.yaml.",
        show_default="the demo desk",
    ),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="PRESA_DATABASE",
        help="sqlite:///PATH or postgresql://…",
        show_default=DEMO_DATABASE,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, one object a line.")]


def settings_of(config: Path | None, env: Mapping[str, str] = os.environ) -> "Settings":
    """The configuration of `--config`; without one, the demo's."""
    from gateway.settings import load

    return load(config or DEMO, env)


def desk_of(name: str, config: Path | None) -> Any:
    """A desk by id: of the given configuration, else of those that ship."""
    from gateway.settings.desk import load_desk

    if config is not None:
        desks = settings_of(config).desks
        if name in desks:
            return desks[name]
    path = Path(name) if name.endswith((".yaml", ".yml")) else DESKS / name / "desk.yaml"
    if not path.is_file():
        wrong(
            f"there is no desk {name!r}; these ship: {', '.join(sorted(p.parent.name for p in DESKS.glob('*/desk.yaml')))}"
        )
    return load_desk(path)


@contextmanager
def database_of(url: str | None) -> Iterator["Database"]:
    """The database of `--database`, closed at the end; one that is not there or is another version is refused in a
    line.
    """
    from gateway.errors import Permanent
    from gateway.store.database import open_database
    from gateway.store.migrate import current, newest

    if (url or DEMO_DATABASE).startswith("sqlite:///"):
        path = Path((url or DEMO_DATABASE).removeprefix("sqlite:///"))
        if not path.exists():
            raise Permanent(
                f"there is no database at {path}; start Presa once ('presa up', or 'make run' for the demo), or give --database"
            )
    database = open_database(url or DEMO_DATABASE)
    try:
        have = database.read(current)
        if have != newest():
            raise Permanent(
                f"the database has schema {have or 'none'} and this Presa needs {newest()}; start 'presa up' once to bring it up to date"
            )
        yield database
    finally:
        database.close()


def show(value: Mapping[str, Any]) -> None:
    """One JSON object on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=_plain) + "\n")


def contact_of(who: "Recognition") -> str | None:
    """The recognised contact for people: by the address they wrote from, else by their id in the directory."""
    return (who.address or who.contact) if who.contact else None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value))


def instant(text: str, what: str) -> datetime:
    """An ISO 8601 instant with an offset; exit 2 with a clear line otherwise."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        wrong(f"{what}: {text!r} is no ISO 8601 time; write it like 2026-11-23T09:30:00+01:00")
    if at.tzinfo is None:
        wrong(f"{what}: {text!r} has no offset; add Z or one like +01:00")
    return at


def wrong(words: str) -> NoReturn:
    """Wrong arguments: one line, exit 2."""
    typer.echo(f"presa: {words}", err=True)
    raise typer.Exit(2)
