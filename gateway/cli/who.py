"""`presa who`: recognition of any address, number, code or mail, with its evidence, in words that a customer could be told."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from gateway.cli.common import AsJson, Config, DatabaseUrl, contact_of, database_of, settings_of, show, wrong

if TYPE_CHECKING:
    from gateway.settings import Settings
    from identity.clues import Signs
    from identity.directory import Finder
    from identity.people import Customer, Recognition

# What is known for certain, how sure, and what that is worth, told to the person it is about.
SURE = {
    "it": {
        "verified": "Abbiamo riconosciuto {name} e il mittente è verificato.",
        "certain": "Abbiamo riconosciuto {name}.",
        "likely": "Il mittente sembra di {name}, ma non è ancora verificato: una persona può confermarlo.",
        "unknown": "Non sappiamo di quale cliente si tratti.",
        "entitled": "La segnalazione è coperta dal piano {plan}.",
        "open": "In questo momento l'assistenza è aperta.",
        "closed": "In questo momento l'assistenza è chiusa.",
    },
    "en": {
        "verified": "We recognised {name}, and the sender is verified.",
        "certain": "We recognised {name}.",
        "likely": "This seems to be {name}, but it is not verified yet: a person can confirm it.",
        "unknown": "We do not know which customer this is.",
        "entitled": "The report is covered by the plan {plan}.",
        "open": "Support is open now.",
        "closed": "Support is closed now.",
    },
}


def who(
    from_: Annotated[str | None, typer.Option("--from", help="A mail address.")] = None,
    phone: Annotated[str | None, typer.Option(help="A calling number.")] = None,
    code: Annotated[str | None, typer.Option(help="A customer code.")] = None,
    mail: Annotated[Path | None, typer.Option(help="A mail file.", exists=True, dir_okay=False)] = None,
    trusted_edge: Annotated[
        str | None, typer.Option(help="Believe the Authentication-Results of this edge in the mail.")
    ] = None,
    desk: Annotated[str | None, typer.Option(help="The desk whose contract counts; the first without.")] = None,
    language: Annotated[str, typer.Option(help="it or en.")] = "en",
    config: Config = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Who is it, with the evidence? Looks in the database's directory, or without one in directory.yaml."""
    from gateway.store.directory import StoredFinder
    from identity import match, normal
    from identity.clues import Signs

    if sum(given is not None for given in (from_, phone, code, mail)) != 1:
        wrong("give exactly one of --from, --phone, --code, --mail")
    settings = settings_of(config)
    if desk is not None and desk not in settings.desks:
        wrong(f"--desk: {desk!r} is none of {', '.join(settings.desks)}")
    if mail is not None:
        signs = _of_mail(settings, mail, trusted_edge)
    elif from_ is not None:
        signs = Signs("mail", normal.address(from_))
    else:
        signs = Signs(
            "phone", phone=normal.phone(phone) if phone else None, keyed=normal.code_or_alias(code) if code else None
        )
    now = datetime.now(UTC)

    def look(finder: "Finder", by_id: "Callable[[str], Customer | None]") -> None:
        known = next(iter(settings.desks.values())) if desk is None else settings.desks[desk]
        today = now.astimezone(ZoneInfo(known.zone)).date()
        if isinstance(signs, str):
            found = _held(signs)
        else:
            found = match.recognise(signs, finder, settings.covers, today=today, suggest=True, desk=desk)
        customer = by_id(found.customer) if found.customer else None
        if as_json:
            show(_as_json(found))
            return
        for line in _in_words(settings, found, customer, now, language):
            typer.echo(line)

    if database is None:
        look(settings.people, settings.people.by_id)
        return
    with database_of(database) as opened:
        opened.read(lambda c: look(StoredFinder(c), StoredFinder(c).by_id))


def _of_mail(settings: "Settings", path: Path, trusted_edge: str | None) -> "Signs | str":
    """What the mail shows of its author, read and proven as at the door; the reason when it must be held."""
    from gateway.mail import author, reader
    from gateway.mail.proving import Prover
    from identity.results import Edge

    raw = path.read_bytes()
    edge = settings.edge if settings.edge and settings.edge.authserv_id == trusted_edge else None
    edge = edge or (Edge(trusted_edge, ("127.0.0.1",)) if trusted_edge else None)
    prover = Prover(replace(settings, edge=edge, demo=False), resolver=None)
    peer = edge.peers[0].partition("/")[0] if edge else ""
    message, proof = prover.judge(reader.read(raw, datetime.now(UTC)).message, raw, peer, "", "")
    found = author.of_mail(message, proof, settings.own_addresses, settings.form_senders)
    return found.sender.held or found.signs(message, settings.staff)


def _held(reason: str) -> "Recognition":
    from identity.people import Recognition

    told = (f"the sender is held: {reason}",)
    return Recognition(None, None, "unknown", False, False, reason, None, evidence=told)


def _as_json(who: "Recognition") -> dict[str, Any]:
    return {
        "customer": who.customer, "contact": contact_of(who), "verified": who.verified, "plan": who.plan,
        "entitled": who.entitled, "why_not": who.why_not, "certainty": who.certainty, "desk": who.desk,
        "marks": list(who.marks), "region": who.region,
        "candidates": [{"customer": c.customer, "score": c.score, "evidence": c.evidence} for c in who.candidates],
        "evidence": list(who.evidence),
    }  # fmt: skip


def _in_words(
    settings: "Settings", who: "Recognition", customer: "Customer | None", now: datetime, language: str
) -> Iterator[str]:
    from identity import entitlement

    words = SURE.get(language, SURE["en"])
    name = f"{customer.name} ({customer.id})" if customer else ""
    yield words["verified" if who.verified and who.certainty == "certain" else who.certainty].format(name=name)
    if who.customer is not None and who.entitled:
        yield words["entitled"].format(plan=who.plan)
    for reason in dict.fromkeys(filter(None, (who.why_not, *who.marks))):
        if reason in entitlement.WORDS and not (reason == "unknown-customer" and who.candidates):
            yield entitlement.in_words(reason, language)
    hours = _is_open(settings, who, now)
    if hours is not None:
        yield words["open" if hours else "closed"]
    yield from (f"  {line}" for line in who.evidence)
    for one in who.candidates:
        if one.customer != who.customer:
            yield f"  perhaps {one.customer} ({one.score}): {one.evidence}"


def _is_open(settings: "Settings", who: "Recognition", now: datetime) -> bool | None:
    """Whether the hours of the customer's plan and region are open; None without a plan."""
    from routing import calendars

    desk = settings.desks.get(who.desk or "")
    plan = desk.plans.get(who.plan or "") if desk else None
    if desk is None or plan is None:
        return None
    return calendars.is_open(desk.calendars[plan.calendar_by_region.get(who.region or "", plan.calendar)], now)
