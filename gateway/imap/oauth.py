"""Access tokens for XOAUTH2 (RFC 6749 sections 4.4 and 6): asked for when they are needed, kept until shortly before
their end.

`Refused` is the provider's explicit no (consent withdrawn, secret expired): asking again will not help. Anything else is
Temporary. A provider that replaces refresh tokens (Microsoft) hands a new one, which the caller keeps. No secret is ever
part of an error's words.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import httpx2

from gateway.errors import Temporary
from gateway.imap.client import Refused
from gateway.settings.mailboxes import OAuth

SECONDS = 20.0  # for one request, connecting apart
EARLY = 300.0  # seconds before its end a token is asked for anew
SHORTEST = 60.0
LONGEST_ANSWER = 100_000
NO = frozenset({"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope", "invalid_request"})
Post = Callable[[str, dict[str, str]], tuple[int, bytes]]


@dataclass(slots=True)
class Tokens:
    """One mailbox's tokens. `refresh` is the newest refresh token; `ends`: how long it still holds, where the provider
    says so."""

    oauth: OAuth
    refresh: str | None = field(repr=False)
    kept: Callable[[str], None] = field(repr=False)
    post: Post = field(repr=False)
    ends: timedelta | None = None
    was_kept: bool = False
    """Whether the last token given was an earlier one, which the server may know to be void."""
    _access: str = field(default="", repr=False)
    _until: float = 0.0

    def __call__(self) -> str:
        """An access token that holds for a while. Raises Refused or Temporary."""
        self.was_kept = bool(self._access) and time.monotonic() < self._until
        if not self.was_kept:
            self._ask()
        return self._access

    def forget(self) -> None:
        """The server did not take the token: the next one is fresh."""
        self._access = ""

    def _ask(self) -> None:
        status, body = self.post(self.oauth.token_url, self._form())
        told = _json(body)
        if status in (400, 401, 403) and str(told.get("error", "")) in NO:
            raise Refused(
                f"the provider refused to renew the access token ({told['error']}); give a new consent or secret"
            )
        access, seconds = told.get("access_token"), told.get("expires_in", 3600)
        if status != 200 or not isinstance(access, str) or not access:
            raise Temporary(f"the provider gave no access token (HTTP {status})")
        self._access = access
        lasts = float(str(seconds)) if str(seconds).isdecimal() else 3600.0  # some write it as a text
        self._until = time.monotonic() + max(lasts - EARLY, min(lasts, SHORTEST))
        ends = told.get("refresh_token_expires_in")
        self.ends = timedelta(seconds=ends) if isinstance(ends, int) and 0 < ends < 10**9 else None
        newer = told.get("refresh_token")
        if isinstance(newer, str) and newer and newer != self.refresh and self.refresh is not None:
            self.refresh = newer
            self.kept(newer)

    def _form(self) -> dict[str, str]:
        oauth = self.oauth
        form = {"client_id": oauth.client_id}
        if oauth.scope:
            form["scope"] = oauth.scope
        if oauth.client_secret:
            form["client_secret"] = oauth.client_secret
        if self.refresh:
            return {**form, "grant_type": "refresh_token", "refresh_token": self.refresh}
        form["scope"] = form.get("scope", "").replace(" offline_access", "")
        return {**form, "grant_type": "client_credentials"}


def post(url: str, form: dict[str, str]) -> tuple[int, bytes]:
    """One request, bounded in time and size, without redirects: the form holds secrets."""
    end = time.monotonic() + SECONDS
    body = b""
    try:
        with (
            httpx2.Client(timeout=SECONDS / 2, follow_redirects=False) as client,
            client.stream("POST", url, data=form, headers={"Accept": "application/json"}) as answer,
        ):
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > LONGEST_ANSWER or time.monotonic() > end:
                    raise Temporary("the provider's answer about the access token is too long")
            return answer.status_code, body
    except httpx2.HTTPError as trouble:
        raise Temporary(f"the provider of access tokens does not answer ({type(trouble).__name__})") from trouble


def _json(body: bytes) -> dict[str, object]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
