"""Whose mail is being passed on? The original sender of a forwarded mail, offered with the evidence for it.

Attached (message/rfc822) or inline, in the languages of `phrases`. It is an offer only: what somebody passes on proves
nothing about who wrote it, so nobody is recognised by it without a person's yes.
"""

import re
from collections.abc import Iterable

from parsers import addresses, headers
from parsers.headers import line
from parsers.intros import header_block
from parsers.message import Attachment, Forwarded
from parsers.replies import Reply

_SUBJECT = re.compile(
    r"\s*(?:\[[^\]\n]{0,40}\]\s*)?(?:fwd?|i|inoltr\w*|wg|tr|rv|enc|re?tr|doorst|vb|pd|vs|fs)\s*:", re.I
)


def passes_on(subject: str) -> bool:
    """Say whether a subject begins as forwards do: Fwd:, I:, WG:, TR:, RV:, ENC:."""
    return _SUBJECT.match(subject) is not None


def find(subject: str, text: str, reply: Reply, attachments: Iterable[Attachment]) -> Forwarded | None:
    """Return the sender of the one mail that is passed on; None when there is none, or more than one."""
    attached = [one for one in attachments if one.content_type in ("message/rfc822", "message/global")]
    if len(attached) == 1 and not attached[0].inside:
        return _attached(attached[0])
    if attached or reply.passed_on is None or not (reply.marked or passes_on(subject)):
        return None
    return _inline(text, reply.passed_on)


def _attached(one: Attachment) -> Forwarded | None:
    top, _ = headers.split(one.content, 0, len(one.content))
    listed = [found for value in top.all("from") for found in addresses.parse(value) if "@" in found.addr]
    if len(listed) != 1:
        return None
    return Forwarded(listed[0], top.text("subject") or "", f"attached mail, From: {top.text('from')}"[:300])


def _inline(text: str, at: int) -> Forwarded | None:
    """Read the header lines that follow line `at` of the text."""
    lines = [_MARK.sub("", one) for one in text.split("\n", at + 40)[at : at + 40]]
    for start in range(len(lines)):
        roles = header_block(lines, start)
        if "from" not in roles:
            continue
        listed = [found for found in addresses.parse(_plain(roles["from"])) if "@" in found.addr]
        if len(listed) == 1:
            said = line(lines[start]).strip()
            return Forwarded(listed[0], line(roles.get("subject", "")).strip(" *"), said[:300])
        return None
    return None


_MARK = re.compile(r"^[ \t]{0,3}>[> ]{0,20}")
_LINKED = re.compile(
    r"\s*[\[<(]+mailto:([^\]>)\s]{3,254})[\]>)]+|<(?:mailto:)?([^<>\s]{3,254})<mailto:[^<>\s]{3,254}>>", re.I
)


def _plain(value: str) -> str:
    """`Mario [mailto:m@x]` and `<m@x<mailto:m@x>>` as programs write them, in the form of a header."""
    value = line(value[:1_000]).replace("*", "").strip(" \t_|")
    return _LINKED.sub(lambda found: f" <{found.group(1) or found.group(2)}>", value, count=1)
