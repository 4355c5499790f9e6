"""Questions that need no database (or none but the directory): parse, who, sla, oncall."""

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
    DatabaseUrl,
    contact_of,
    database_of,
    instant,
    settings_of,
    show,
    wrong,
)


def parse() -> None:
    """Read paths of mails on stdin; print what each says as one JSON object a line."""
    import parsers

    for line in sys.stdin:
        path = line.rstrip("\r\n")
        if not path:
            continue
        try:
            said = parsers.as_json(parsers.parse(Path(path).read_bytes()))
        except OSError as trouble:
            said = parsers.as_json(parsers.Message(error=f"the file cannot be read: {trouble.strerror}"))
        sys.stdout.write(json.dumps(said, ensure_ascii=True) + "\n")
        sys.stdout.flush()


def who(
    from_: Annotated[str | None, typer.Option("--from", help="A mail address.")] = None,
    phone: Annotated[str | None, typer.Option(help="A calling number.")] = None,
    code: Annotated[str | None, typer.Option(help="A customer code.")] = None,
    mail: Annotated[Path | None, typer.Option(help="A mail file.", exists=True, dir_okay=False)] = None,
    trusted_edge: Annotated[
        str | None, typer.Option(help="Believe the Authentication-Results of this edge in the mail.")
    ] = None,
    config: Config = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Who is it, with the evidence? Looks in the database's directory, or without one in directory.yaml."""
    import parsers
    from gateway import authenticate
    from gateway.store.directory import StoredFinder
    from identity import match, normal, sender
    from identity.clues import Signs
    from identity.people import Recognition
    from identity.results import Edge

    if sum(given is not None for given in (from_, phone, code, mail)) != 1:
        wrong("give exactly one of --from, --phone, --code, --mail")
    settings = settings_of(config)
    today = datetime.now(UTC).date()
    if mail is not None:
        raw = mail.read_bytes()
        message = parsers.parse(raw)
        author = sender.judge([address.addr for address in message.froms], settings.own_addresses)
        edge = Edge(trusted_edge, ("127.0.0.1",)) if trusted_edge else None
        proof = authenticate.authenticate(message, raw, peer="127.0.0.1" if edge else "", edge=edge)
        if author.held:
            recognised = Recognition(
                None, None, "unknown", False, False, author.held, None, evidence=(f"the sender is held: {author.held}",)
            )
            _print_who(recognised, as_json)
            return
        signs = Signs("mail", author.address, proof, subject=message.subject or "", text=message.reply_text)
    elif from_ is not None:
        signs = Signs("mail", normal.address(from_))
    else:
        signs = Signs(
            "phone", phone=normal.phone(phone) if phone else None, keyed=normal.code_or_alias(code) if code else None
        )
    if database is None:
        recognised = match.recognise(signs, settings.people, settings.covers, today=today, suggest=True)
    else:
        with database_of(database) as opened:
            recognised = opened.read(
                lambda c: match.recognise(signs, StoredFinder(c), settings.covers, today=today, suggest=True)
            )
    _print_who(recognised, as_json)


def _print_who(who: Any, as_json: bool) -> None:
    said = {
        "customer": who.customer, "contact": contact_of(who), "verified": who.verified, "plan": who.plan,
        "entitled": who.entitled,
        "why_not": who.why_not, "certainty": who.certainty,
        "candidates": [{"customer": c.customer, "score": c.score, "evidence": c.evidence} for c in who.candidates],
        "evidence": list(who.evidence),
    }  # fmt: skip
    if as_json:
        show(said)
        return
    typer.echo(
        f"{who.customer or 'unknown'} ({who.certainty}; {'verified' if who.verified else 'not verified'}), plan {who.plan or '-'}"
    )
    typer.echo(f"entitled: {'yes' if who.entitled else f'no, {who.why_not}'}")
    for line in who.evidence:
        typer.echo(f"  {line}")
    for candidate in who.candidates:
        typer.echo(f"  perhaps {candidate.customer} ({candidate.score}): {candidate.evidence}")


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
