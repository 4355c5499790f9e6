"""The demo desk with people on the telephone: a menu, agents, call backs; for stories by day."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from world import World

from routing.desk import Agent

EMMA, ROSSI = "+390655500303", "+390655500101"
AGENTS = {"ida": "+390255509001", "leo": "+390255509002"}
MENU = {"1": "report", "2": "add", "3": "escalate", "4": "status", "5": "information"}


def staffed(begin: Callable[..., World], at: str = "2026-11-25 10:00", agents: int = 2, **more: Any) -> World:
    """Open by day (Monday to Saturday, 9 to 18). `more`: fields of the desk's phone, or of its rules for call backs."""
    world = begin("demo", at, hours="gold")
    desk = world.desk
    assert desk.phone is not None
    assert desk.phone.callbacks is not None
    there = {name: Agent(name, name.capitalize(), AGENTS[name]) for name in list(AGENTS)[:agents]}
    rules = {name: value for name, value in more.items() if hasattr(desk.phone.callbacks, name)}
    fields = {name: value for name, value in more.items() if name not in rules}
    phone = replace(desk.phone, agents=there, callbacks=replace(desk.phone.callbacks, **rules), **fields)
    world.desk = replace(desk, phone=phone)
    world.engine.settings.desks[desk.id] = world.desk  # type: ignore[index]
    return world


def agent(world: World, name: str) -> Any:
    """The telephone of one of the desk's agents that rings now."""
    (handset,) = world.rehearsal.exchange.ringing(AGENTS[name])
    return handset


def picks_up(world: World, name: str) -> Any:
    """One of the desk's agents answers and presses the key that connects them."""
    handset = agent(world, name)
    handset.answer()
    handset.keys("1")
    return handset
