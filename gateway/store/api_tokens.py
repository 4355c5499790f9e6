"""Tokens of programs: what each may do at the /in doors. Only a hash is kept, so the table opens no door.

A token is `presa_<id>_<secret>`: the id finds its row, the secret proves it. A web form shows no token; its site signs
what the form carries with the form's own key, which is derived from Presa's secret and kept nowhere (`form_key`).
Refuses to say which half of a token was wrong.
"""

import hmac
import re
import secrets as random_source
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, get_args

import sqlalchemy as sa
from sqlalchemy import Connection

from gateway.store.tables import api_tokens

Scope = Literal["mail", "report", "form", "directory", "event", "oncall"]
SCOPES: tuple[str, ...] = get_args(Scope)
NOTED_EVERY = timedelta(minutes=1)  # a busy token must not cost a write for every report
_TOKEN = re.compile(r"presa_(?P<id>[a-z2-7]{10})_(?P<secret>[A-Za-z0-9_-]{20,100})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token without its secret. `vouches`: its holder knows who its users are. `edge`: its results count as our
    edge's."""

    id: str
    name: str
    scopes: tuple[str, ...]
    vouches: bool
    edge: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None

    def live(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def issue(
    connection: Connection, name: str, scopes: Sequence[str], now: datetime, *, secret: bytes,
    vouches: bool = False, edge: bool = False, expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:  # fmt: skip
    """A new token and its text, which is shown this once. The text of a form's key is `presa_<id>_<form_key>`."""
    token_id = b32encode(random_source.token_bytes(10)).decode().lower()[:10]
    private = form_key(token_id, secret) if "form" in scopes else random_source.token_urlsafe(32)
    row = {
        "id": token_id, "name": name, "scopes": list(scopes), "hash": _hash(private), "vouches": vouches, "edge": edge,
        "created_at": now, "expires_at": expires_at, "revoked_at": None, "used_at": None,
    }  # fmt: skip
    connection.execute(sa.insert(api_tokens), row)
    return _token(connection, token_id), f"presa_{token_id}_{private}"


def listed(connection: Connection) -> tuple[ApiToken, ...]:
    rows = connection.execute(sa.select(api_tokens).order_by(api_tokens.c.created_at, api_tokens.c.id))
    return tuple(_row(row) for row in rows)


def revoke(connection: Connection, token_id: str, now: datetime) -> bool:
    """Take a token back; False when there is none that could be."""
    found = connection.execute(
        sa.update(api_tokens)
        .where(api_tokens.c.id == token_id, api_tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return found.rowcount > 0


def by_text(connection: Connection, text: str) -> ApiToken | None:
    """The token whose text this is, living or not; compared in constant time."""
    shape = _TOKEN.fullmatch(text)
    row = _found(connection, shape["id"]) if shape else None
    right = hmac.compare_digest(row.hash if row else "0" * 64, _hash(shape["secret"] if shape else ""))
    return _row(row) if row is not None and right else None


def by_id(connection: Connection, token_id: str) -> ApiToken | None:
    row = _found(connection, token_id)
    return None if row is None else _row(row)


def used(connection: Connection, token: ApiToken, now: datetime) -> None:
    """Remember, to the minute, that it was used."""
    connection.execute(sa.update(api_tokens).where(api_tokens.c.id == token.id).values(used_at=now))


def form_key(token_id: str, secret: bytes) -> str:
    """What a site signs its form with: 160 bits of an HMAC that only we can make again."""
    return b32encode(hmac.new(secret, f"presa.form\0{token_id}".encode(), sha256).digest()[:20]).decode().lower()


def _token(connection: Connection, token_id: str) -> ApiToken:
    found = by_id(connection, token_id)
    assert found is not None
    return found


def _found(connection: Connection, token_id: str) -> sa.Row[tuple[object, ...]] | None:
    return connection.execute(sa.select(api_tokens).where(api_tokens.c.id == token_id)).one_or_none()


def _row(row: "sa.Row[tuple[object, ...]]") -> ApiToken:
    known = dict(row._mapping)
    del known["hash"]
    return ApiToken(**{**known, "scopes": tuple(known["scopes"])})


def _hash(private: str) -> str:
    return sha256(private.encode("utf-8", "replace")).hexdigest()
