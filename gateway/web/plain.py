"""Lines of evidence in the reader's language. They are kept in English, as they were decided; a page says those that it
knows in other words, with the same facts in them. Refuses to judge: a line that is not known here is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from gateway.web.labels import LABELS
from gateway.web.labels import mark as _

KNOWN: tuple[str, ...] = (
    # who it is (identity.clues, identity.match)
    _("%(a)s is the address of a contact"),
    _("%(a)s is the number of a contact"),
    _("%(a)s is a listed domain"),
    _("%(a)s stands below the listed domain %(b)s"),
    _("%(a)s was assigned to the customer by a person"),
    _("the mail that was passed on names %(a)s as its sender"),
    _("customer code %(a)s was given"),
    _("customer code %(a)s stands in the subject"),
    _("customer code %(a)s stands in the text"),
    _("the PIN of %(a)s was right: it proves the person"),
    _("the PIN was right"),
    _("no PIN was given: a hint, not proof"),
    _("demo: sender not checked"),
    # what it is and whose (routing.classify, routing.decide)
    _("%(a)s, the desk's default"),
    _("%(a)s, as the customer chose"),
    _("%(a)s, because of the words «%(b)s»"),
    _("%(a)s, by the rule «%(b)s»"),
    _("%(a)s, by a command in the mail's first line"),
    _("%(a)s, by the desk's route %(b)s"),
    _("%(a)s, by the address it was sent to"),
    _("%(a)s, by a rule of the desk"),
    _("%(a)s, because no route fits"),
    _("the caller chose how serious it is"),
    _("a command in the mail is not followed, because the sender is not verified"),
    _("«%(a)s» is denied in the text and counts for nothing"),
    _("nearly %(a)s: %(b)s of %(c)s points (%(d)s)"),
    _("of the plan %(a)s, provisionally, because the sender is not verified"),
    _("of the plan %(a)s"),
    # where it stands (routing.precedence)
    _("this desk works by deadline"),
    _("this desk takes plans first: %(a)s"),
    _("this desk takes critical faults first"),
    _("critical: overtakes everything"),
    _("priority %(a)s"),
    _("no deadline"),
    _("%(a)s customers touched %(points)s"),
    _("core %(points)s"),
    _("production %(points)s"),
    _("stopped %(points)s"),
    _("everyone %(points)s"),
    _("degraded %(points)s"),
    _("workaround %(points)s"),
    _("one person %(points)s"),
    _("whenever %(points)s"),
)
DUE = re.compile(r"due (\d{4}-\d\d-\d\d \d\d:\d\d) UTC")
HOLES = {"points": r"(?P<points>[+-]\d+)"}


def _pattern(message: str) -> re.Pattern[str]:
    holes = [HOLES.get(part, f"(?P<{part}>.+?)") for part in re.findall(r"%\((\w+)\)s", message)]
    fixed = [re.escape(part) for part in re.split(r"%\(\w+\)s", message)]
    return re.compile("".join(part + hole for part, hole in zip(fixed, [*holes, ""], strict=True)))


PATTERNS = tuple((_pattern(message), message) for message in KNOWN)


def said(line: str, say: Callable[[str], str], time: Callable[[datetime], str]) -> str:
    """The line in the language of `say`; instants as `time` writes them."""
    if due := DUE.fullmatch(line):
        at = datetime.strptime(due[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        return say(_("due %(at)s")) % {"at": time(at)}
    for pattern, message in PATTERNS:
        if found := pattern.fullmatch(line):
            facts = {name: say(LABELS[fact]) if fact in LABELS else fact for name, fact in found.groupdict().items()}
            return say(message) % facts
    return line
