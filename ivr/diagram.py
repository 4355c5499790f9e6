"""The table of states as a Mermaid diagram, for the docs. Refuses to know anything that the table does not say."""

from __future__ import annotations

from collections.abc import Mapping

from ivr import states
from ivr.states import SAME, State

TABLES: Mapping[states.Leg, Mapping[str, State]] = {
    "caller": states.CALLER,
    "page": states.PAGE,
    "callback": states.CALLBACK,
    "agent": states.AGENT,
}


def mermaid(leg: states.Leg = "caller", *, again: bool = False) -> str:
    """One leg as `stateDiagram-v2`. Exits that lead back to the same prompt are left out unless `again`."""
    table = TABLES[leg]
    lines = ["stateDiagram-v2", f"    [*] --> {states.FIRST[leg]}"]
    for name, state in table.items():
        for target, columns in _edges(name, state, again).items():
            lines.append(f"    {name} --> {target}: {', '.join(columns)}")
        if state.expects in states.LAST:
            lines.append(f"    {name} --> [*]")
    return "\n".join(lines) + "\n"


def _edges(name: str, state: State, again: bool) -> dict[str, list[str]]:
    edges: dict[str, list[str]] = {}
    for column, target in state.exits.items():
        if target != SAME or again:
            edges.setdefault(name if target == SAME else target, []).append(_label(column))
    if state.give_up:
        edges.setdefault(state.give_up, []).append(f"{state.tries} slips")
    return edges


def _label(column: str) -> str:
    return {"*": "star", "hang_up": "hangs up", "choice": "a key of the menu"}.get(column, column.replace("_", " "))
