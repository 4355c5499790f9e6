"""Who may see restricted tickets: whoever is of a team that serves the queue where they stand, and who administers Presa.

A restricted customer's ticket in a queue of everybody is seen by the teams of the desk's restricted queues, so that somebody can
put it where it belongs. Commands have the database's own password: they see everything. Refuses to guess: whom the desk does not
list among its `staff` is of no team.
"""

from collections.abc import Iterator

from gateway.settings import Settings
from gateway.store.sight import ALL, Sight
from routing.desk import Desk


def sight_of(settings: Settings, login: str, role: str) -> Sight:
    """What somebody who is signed in may see."""
    if role == "admin":
        return ALL
    return Sight(False, frozenset(place for desk in settings.desks.values() for place in _places(desk, login)))


def _places(desk: Desk, login: str) -> Iterator[tuple[str, str]]:
    worker = desk.staff.get(login)
    if worker is None:
        return
    trusted = frozenset(team for queue in desk.queues.values() if queue.restricted for team in queue.served_by)
    for queue in desk.queues.values():
        if worker.teams & (frozenset(queue.served_by) if queue.restricted else trusted):
            yield desk.id, queue.id
