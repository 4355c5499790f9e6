"""Questions that need no database: parse, sla, oncall."""

import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.common import (
    DESKS,
    AsJson,
    Config,
    instant,
    settings_of,
    show,
    wrong,
)


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

    known = _desk(desk, config)
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


def _desk(name: str, config: Path | None) -> Any:
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


def oncall(
    what: Annotated[str, typer.Argument(help="chain (who is rung) or gaps.")] = "chain",
    desk: Annotated[str | None, typer.Option(help="A desk's id.")] = None,
    at: Annotated[str | None, typer.Option(help="ISO 8601 with offset; now without.")] = None,
    days: Annotated[int, typer.Option(help="How far gaps are looked for.")] = 30,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Who is rung, in order; or when nobody would be."""
    from datetime import timedelta

    from routing import oncall as duty

    known = _desk(desk, config) if desk else next(iter(settings_of(config).desks.values()))
    instant_ = instant(at, "--at") if at else datetime.now(UTC)
    if known.on_call is None:
        wrong(f"the desk {known.id} has no on-call section")
    if what == "gaps":
        found = duty.gaps(known.on_call, instant_, instant_ + timedelta(days=days))
        for gap in found:
            show({"rota": gap.rota, "from": gap.start, "to": gap.end, "reason": gap.reason, "person": gap.person})
        raise typer.Exit(1 if found else 0)
    if what != "chain":
        wrong(f"{what!r} is neither chain nor gaps")
    chain = duty.chain(known.on_call, instant_)
    if as_json:
        show({"desk": known.id, "at": instant_, "chain": duty.as_json(chain)})
        return
    for place, link in enumerate(chain, 1):
        typer.echo(
            f"{place}. {link.name} ({link.person}) {link.number}, {link.source}, next after {link.wait_seconds} s"
        )
