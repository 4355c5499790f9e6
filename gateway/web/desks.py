"""The pages that show how each desk is configured. Refuses to change anything: the YAML file is the only place for that."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from gateway.web import summary
from gateway.web.labels import mark as _
from gateway.web.visits import Draw, Handler, Refused, Visit
from routing.desk import Desk


class DeskPages:
    """`/desks` and `/desks/{desk}` over the configured desks."""

    def __init__(self, desks: Mapping[str, Desk], draw: Draw) -> None:
        self._desks = desks
        self._draw = draw

    def pages(self) -> tuple[tuple[str, Handler], ...]:
        return (("/desks", self.all), ("/desks/{desk}", self.one))

    def all(self, visit: Visit) -> Response:
        shown = [self._summary(desk, visit) for desk in self._desks.values()]
        return self._draw(visit, "desks.html", {"desks": shown})

    def one(self, visit: Visit) -> Response:
        desk = self._desks.get(visit.path("desk"))
        if desk is None:
            raise Refused(404, _("There is no such desk."))
        return self._draw(visit, "desk.html", {"desk": self._summary(desk, visit)})

    def _summary(self, desk: Desk, visit: Visit) -> summary.Summary:
        words = visit.words
        return summary.summary(desk, words.language, words.say, words.label, visit.now.year)
