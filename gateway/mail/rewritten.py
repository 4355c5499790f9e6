"""Who wrote a mail whose From a mailing list or forwarder has put its own address into ("Mario via Lista <lista@...>").

Such lists keep the author in a header of their own, or in Reply-To under a name that says so. Anybody can write both: what
they are worth is for `authenticate` to say, of lists that the configuration names. Refuses to choose among several.
"""

import re

from identity import normal
from parsers import Message, addresses

KEPT = frozenset({"x-original-from", "original-from", "x-original-sender"})
_VIA = re.compile(r"\b(?:via|tramite|per conto di|on behalf of|durch|über|par)\b", re.IGNORECASE)


def author(message: Message) -> str | None:
    """The author's normal address; None when the mail names none or several."""
    if message.from_ is None:
        return None
    kept = [one for name, value in message.headers if name in KEPT for one in addresses.parse(value)]
    if not kept and _VIA.search(message.from_.name):
        kept = list(message.reply_to)
    named = {normal.address(one.addr) for one in kept} - {normal.address(message.from_.addr)}
    return named.pop() if len(named) == 1 else None
