"""Tokens of programs: issue one (it is shown once), list them, take one back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gateway.cli.common import AsJson, Config, DatabaseUrl, database_of, settings_of, show, wrong


def token(
    what: Annotated[str, typer.Argument(help="issue, list or revoke.")],
    name: Annotated[str | None, typer.Argument(help="Whose it is (issue), or its id (revoke).")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="mail, report, form, directory, event or oncall; may be repeated.")
    ] = None,
    vouches: Annotated[bool, typer.Option("--vouches", help="Its holder knows who its users are.")] = False,
    edge: Annotated[bool, typer.Option("--edge", help="Its holder is our edge: the results it writes count.")] = False,
    days: Annotated[int | None, typer.Option(min=1, help="For how many days; without, until it is revoked.")] = None,
    config: Config = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Tokens with which programs post mails and reports to /in."""
    if what == "issue":
        _issue(name, tuple(dict.fromkeys(scope or ())), vouches, edge, days, config, database, as_json)
    elif what == "revoke":
        _revoke(name, database)
    elif what == "list":
        _list(database, as_json)
    else:
        wrong(f"{what!r} is none of issue, list, revoke")


def _issue(
    name: str | None, scopes: tuple[str, ...], vouches: bool, edge: bool, days: int | None,
    config: Path | None, database: str | None, as_json: bool,
) -> None:  # fmt: skip
    from gateway.filing import secret_of
    from gateway.store import api_tokens

    if not name or not name.strip():
        wrong("say whose token it is: presa token issue NAME --scope report")
    unknown = [one for one in scopes if one not in api_tokens.SCOPES]
    if unknown or not scopes:
        wrong(f"--scope: {unknown[0] if unknown else 'missing'}; use {', '.join(api_tokens.SCOPES)}")
    if "form" in scopes and len(scopes) > 1:
        wrong("--scope form stands alone: its key lies in a web site, a token does not; issue two")
    if edge and "mail" not in scopes:
        wrong("--edge is for whole mails; add --scope mail")
    if edge and settings_of(config).edge is None:
        wrong("--edge: presa.yaml has no trusted_edge whose results could count; add one")
    with database_of(database) as opened:
        secret, now = secret_of(settings_of(config), opened), datetime.now(UTC)
        ends = now + timedelta(days=days) if days else None
        made, text = opened.write(
            lambda c: api_tokens.issue(
                c, name.strip()[:100], scopes, now, secret=secret, vouches=vouches, edge=edge, expires_at=ends
            )
        )
    said = {"id": made.id, "name": made.name, "scopes": list(made.scopes), "token": text}
    if scopes == ("form",):
        said |= {"key": text.rpartition("_")[2]}
    if as_json:
        show(said)
        return
    typer.echo(text)
    what = "The key for the site's own server is what follows the last _" if scopes == ("form",) else "Keep it well"
    typer.echo(f"{what}; it is not shown again. Take it back with: presa token revoke {made.id}", err=True)


def _list(database: str | None, as_json: bool) -> None:
    from gateway.store import api_tokens

    now = datetime.now(UTC)
    with database_of(database) as opened:
        found = opened.read(api_tokens.listed)
    for one in found:
        state = "live" if one.live(now) else "revoked" if one.revoked_at else "ended"
        if as_json:
            show({
                "id": one.id, "name": one.name, "scopes": list(one.scopes), "state": state, "vouches": one.vouches,
                "edge": one.edge, "created": one.created_at, "expires": one.expires_at, "used": one.used_at,
            })  # fmt: skip
            continue
        more = " ".join(word for word, there in (("vouches", one.vouches), ("edge", one.edge)) if there)
        used = f"used {one.used_at:%Y-%m-%d %H:%M} UTC" if one.used_at else "never used"
        typer.echo(f"{one.id}  {state:7} {','.join(one.scopes):12} {one.name}  {more}  {used}")


def _revoke(token_id: str | None, database: str | None) -> None:
    from gateway.store import api_tokens

    if not token_id:
        wrong("say which token: presa token revoke ID ('presa token list' shows the ids)")
    with database_of(database) as opened:
        done = opened.write(lambda c: api_tokens.revoke(c, token_id, datetime.now(UTC)))
    if not done:
        _not_there(token_id)
    typer.echo(f"{token_id} opens nothing any more.")


def _not_there(token_id: str) -> NoReturn:
    from gateway.errors import Permanent

    raise Permanent(f"there is no living token {token_id[:40]}; 'presa token list' shows them")
