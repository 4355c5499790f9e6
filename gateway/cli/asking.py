"""Questions that need no database: parse, sla."""

import io
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.common import AsJson, Config, desk_of, show, wrong


def parse() -> None:
    """Read paths of mails on stdin; print what each says as one JSON object a line."""
    import parsers

    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # a path is bytes, whatever the locale says
    for line in sys.stdin:
        path = line.rstrip("\r\n")
        if not path:
            continue
        try:
            said = parsers.as_json(parsers.parse(Path(path).read_bytes()))
        except OSError as trouble:
            said = parsers.as_json(parsers.Message(error=f"the file cannot be read: {trouble.strerror}"))
        except ValueError:
            said = parsers.as_json(parsers.Message(error="the file cannot be read: its path holds a NUL"))
        sys.stdout.write(json.dumps(said, ensure_ascii=True) + "\n")
        sys.stdout.flush()


def sla(
    desk: Annotated[str, typer.Option(help="A desk's id or the path of its YAML.")],
    plan: Annotated[str, typer.Option()],
    kind: Annotated[str, typer.Option()],
    priority: Annotated[str, typer.Option()],
    received: Annotated[str, typer.Option(help="ISO 8601 with offset.")],
    base_plan: Annotated[str | None, typer.Option()] = None,
    via: Annotated[str | None, typer.Option(help="on-call: it came through the on-call duty.")] = None,
    pause: Annotated[list[str] | None, typer.Option(help="ISO/[ISO]; may be repeated.")] = None,
    at: Annotated[str | None, typer.Option(help="State at that instant.")] = None,
    region: Annotated[str | None, typer.Option(help="The customer's, where hours depend on it.")] = None,
    config: Config = None,
    language: Annotated[str, typer.Option(help="it or en.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Every promise for one report: deadlines, states and the arithmetic."""
    from routing import sla as clocks
    from routing import sla_words

    known = desk_of(desk, config)
    try:
        stamp = clocks.request(
            known,
            plan=plan,
            kind=kind,
            priority=priority,
            received=received,
            base_plan=base_plan,
            via=via,
            pauses=pause or (),
            at=at,
            region=region,
        )
    except ValueError as trouble:
        wrong(str(trouble))
    if as_json:
        show(clocks.as_json(stamp, known.zone))
        return
    for line in sla_words.in_words(stamp, language):
        typer.echo(line)
