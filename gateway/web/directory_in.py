"""The directory by program: the text of a file in, what it changes out, as `presa import` does it.

All of it is loaded in one transaction, or nothing, with the line of everything that is wrong. Refuses to read a request's
bytes itself: the doors count them.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.people import importing
from gateway.people.importing import Imported, Kind
from gateway.settings.source import ConfigError
from gateway.web.reports_in import Refused

Load = Callable[[str, Kind, bool, bool], Imported]
"""(text, kind, dry run, keep) -> what it changes."""

KINDS: Mapping[str, Kind] = {
    "text/csv": "csv",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
}
YES, NO = ("1", "true", "yes"), ("", "0", "false", "no")
DESCRIPTION: Mapping[str, Any] = {
    "requestBody": {"required": True, "content": {kind: {"schema": {"type": "string"}} for kind in KINDS}},
    "parameters": [
        {"name": name, "in": "query", "schema": {"type": "boolean"}, "description": words}
        for name, words in (
            ("dry_run", "only say what would change"),
            ("keep", "customers that the file does not name stay"),
        )
    ],
}


def kind_of(request: Request) -> Kind:
    """What the body is, by its Content-Type."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said not in KINDS:
        raise Refused(415, f"the body must be {' or '.join(get_args(Kind))}; send it as text/csv or application/yaml")
    return KINDS[said]


def flag(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "").lower()
    if value not in (*YES, *NO):
        raise Refused(422, f"{name}: {value[:20]!r}; write true or false")
    return value in YES


def answer(load: Callable[[], Imported]) -> Response:
    """What the file changes; 422 with every problem."""
    try:
        done = load()
    except ConfigError as error:
        return JSONResponse({"error": "the directory was not loaded", "problems": list(error.problems)}, 422)
    change = done.difference
    return JSONResponse({
        "dry_run": done.dry_run, "added": list(change.added), "removed": list(change.removed), "unchanged": change.same,
        "changed": {one: list(done.details.get(one, ())) for one in change.changed},
        "pins_added": done.pins_added, "pins_revoked": done.pins_revoked,
    })  # fmt: skip


def text_of(raw: bytes, kind: Kind) -> str:
    return importing.decoded(raw, f"body.{kind}")
