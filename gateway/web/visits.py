"""One request of somebody signed in, and the answer that it can't be had: what every page of the console is handed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fastapi import Request
from starlette.responses import Response

from gateway.web.labels import mark as _
from gateway.web.rendering import Words
from gateway.web.views import User

ROWS = 100
MAY_NOT = _("Your role may look, but not do this.")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody signed in."""

    request: Request
    user: User
    token: str
    now: datetime
    change: int
    alarms: int
    words: Words
    form: Mapping[str, str]

    def path(self, name: str) -> str:
        return str(self.request.path_params.get(name, ""))


class Refused(Exception):
    """The request can't be had; `words` are for the page."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


Handler = Callable[[Visit], Response]


class Draw(Protocol):
    """A page of the console: the template with what every page shows and these values."""

    def __call__(self, visit: Visit, template: str, values: Mapping[str, object], status: int = 200) -> Response: ...


def offset(text: str) -> int:
    """Where a list goes on, from a link of ours."""
    return int(text) if re.fullmatch(r"[0-9]{1,7}", text) else 0
