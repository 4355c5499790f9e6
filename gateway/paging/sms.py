"""An engineer answers a page by SMS: 1 accepts, 3 passes on, 5 has the next rung too, perhaps with the ticket's number and,
after it, a reason; the reply says what came of it.

Who it is from is known by the number alone, so it may do no more than somebody who was told of that page may. Refuses any
number that is none of the duty's.
"""

import re
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.paging import news as paging_news
from gateway.paging.words import words
from gateway.store import paging as store
from gateway.store import users
from identity import normal
from routing import numbers, paging
from routing.desk import Desk
from routing.oncall import Person

LATELY = timedelta(hours=12)  # a page that nobody accepted may still be answered
YES = re.compile(r"\s*(?:1|ok|s[i\u00ec]|yes|accetto|accept|ja|oui)\b", re.IGNORECASE)
NO = re.compile(r"\s*(?:3|no|passo|pass|nein|non)\b", re.IGNORECASE)
MORE = re.compile(r"\s*(?:5|altri|aiuto|escalat\w*|scala\w*|help me)\b", re.IGNORECASE)
WISHES: tuple[tuple[paging_news.Wish, re.Pattern[str]], ...] = (("accepted", YES), ("passed", NO), ("escalated", MORE))
NUMBER = re.compile(r"(?:[A-Za-z]{2,4}-)?\d{3,}(?:-\d{1,4})*")


def answer(connection: Connection, engine: Engine, message: str, sender: str, text: str, now: datetime) -> str | None:
    """What the sender reads; None for somebody we do not know, and for a message that came before."""
    found = _person(engine, normal.phone(sender) or "")
    if found is None or not users.first_time(connection, f"sms:{message}", now):
        return None
    desk, person = found
    language = person.language or desk.languages[0]
    what = next((wish for wish, said in WISHES if said.match(text)), None)
    if what is None:
        return words(language, "help", example=numbers.example(desk.ticket_prefix))
    page_id = _page(connection, desk, person, text, now)
    if page_id is None:
        return words(language, "none")
    done, ticket, name = paging_news.answer(
        connection, engine, page_id, person.id, what, now, by="SMS", reason=_reason(text)
    )
    if done == "over" or ticket is None:
        return words(language, "none")
    return words(language, done, number=ticket.number, name=name)


def _reason(text: str) -> str:
    """What stands after the answer and the ticket's number, if anything does."""
    said = NUMBER.sub(" ", text.strip().partition(" ")[2])
    return said.strip(" .,:;-")


def _person(engine: Engine, number: str) -> tuple[Desk, Person] | None:
    for desk in engine.settings.desks.values():
        for person in desk.on_call.people.values() if desk.on_call else ():
            if number and person.number == number:
                return desk, person
    return None


def _page(connection: Connection, desk: Desk, person: Person, text: str, now: datetime) -> int | None:
    """The page of the ticket that is named, else the newest of which this person was told."""
    named = next((found for one in NUMBER.findall(text) if (found := numbers.ticket_id(one)) is not None), None)
    for page_id, ticket_id, state in store.of_desk(connection, desk.id, now - LATELY):
        if named is not None and ticket_id != named:
            continue
        page = paging.from_json(state) if state else None
        if page is None or (named is None and not any(one.person == person.id for one in page.attempts)):
            continue
        return page_id
    return None
