"""What the author newly wrote: quoted mail taken out, answers between the quotes kept; the signature is told apart.

It cuts only on evidence: a date, a time or an address in the line that introduces the old mail, a known separator, or
`>` marks. "Da: interno 204" is the customer's own text. Every step is linear in the text.
"""

import re
from dataclasses import dataclass, field

from parsers import intros, signatures

LONGEST = 400_000  # characters looked at; a longer text is cut only within them
_MARKED = re.compile(r"\n[> ]")  # what a quoted line may begin with


@dataclass(frozen=True, slots=True)
class Reply:
    """The author's words. `passed_on` is the line where an old mail with header lines or a forward begins, `marked`
    says that it calls itself forwarded."""

    text: str
    with_signature: str
    passed_on: int | None = field(default=None, compare=False)
    marked: bool = field(default=False, compare=False)


def cut(text: str, author: str = "") -> Reply:
    """Return the author's own words of a plain text, without and with signature; `author` is his name, if known."""
    head, tail = intros.apart(text[:LONGEST]), text[LONGEST:]
    lines = head.split("\n")
    breaks = intros.find(head, lines)
    if not breaks and not head.startswith(">") and not _MARKED.search(head):
        return Reply(_joined([signatures.without(lines, author=author)]) + tail, text.strip())
    segments, cut_off = _segments(lines, breaks)
    whole = _joined(segments)
    place, marked = _passed_on(breaks)
    signed = marked and not _joined([signatures.without(one, top=False, author=author) for one in segments])
    if signed or (cut_off and not whole):
        everything = text.strip()  # a forwarded mail and no other word: that is the report
        return Reply(everything, everything, place, marked)
    tail = "" if cut_off else tail
    own = _joined(
        [signatures.without(segment, top=not number, author=author) for number, segment in enumerate(segments)]
    )
    return Reply((own or whole) + tail, whole + tail, place, marked)


def _passed_on(breaks: list[intros.Break]) -> tuple[int | None, bool]:
    """Where the first old mail begins that may be passed on, and whether it calls itself forwarded."""
    forward = next((found.first for found in breaks if found.forward), None)
    headed = next((found.first for found in breaks if found.headed), None)
    return (headed, False) if forward is None else (forward, True)


def _joined(segments: list[list[str]]) -> str:
    texts = ("\n".join(segment).strip() for segment in segments)
    return "\n\n".join(text for text in texts if text)


def _segments(lines: list[str], breaks: list[intros.Break]) -> tuple[list[list[str]], bool]:
    """The author's lines, split where a quote stood; True when all that follows some line was cut off."""
    starts = {found.first: found for found in breaks}
    segments: list[list[str]] = [[]]
    at = 0
    while at < len(lines):
        found = starts.get(at)
        if found is not None:
            _drop_rule(segments[-1])
            after = intros.next_full(lines, found.last + 1)
            if after < len(lines) and not intros.QUOTED.match(lines[after]):
                return segments, True
            at = after
            segments.append([])
        elif intros.QUOTED.match(lines[at]) and not (segments[-1] and _closes_link(lines, at)):
            at += 2 if _wrapped(lines, at) else 1
            if segments[-1]:
                _drop_lead(segments[-1])
                segments.append([])
        else:
            segments[-1].append(lines[at])
            at += 1
    return segments, False


_OPEN_LINK = re.compile(r"<https?://[^\s<>]{1,2000}$")


def _closes_link(lines: list[str], at: int) -> bool:
    """`<http://...` on the line above, so that this `>` is its end and no quote."""
    return at > 0 and _OPEN_LINK.search(lines[at - 1][-2_010:].rstrip()) is not None


def _wrapped(lines: list[str], at: int) -> bool:
    """A quoted line so long that some program broke it: its tail stands below without a mark, the quote goes on."""
    if len(lines[at]) < 66 or at + 2 >= len(lines) or not intros.QUOTED.match(lines[at + 2]):
        return False
    tail = lines[at + 1]
    return tail[:1].islower() and len(tail) < 40


def _drop_rule(segment: list[str]) -> None:
    """A row of dashes above an old mail's header lines is the program's."""
    last = len(segment)
    while last and (not segment[last - 1].strip() or intros.RULE.match(segment[last - 1][:300])):
        last -= 1
    del segment[last:]


def _drop_lead(segment: list[str]) -> None:
    """Drop the lines right above a quote that say when and from whom, in whatever language: `пн, 16 нояб. в 15:04:`."""
    while segment and not segment[-1].strip():
        segment.pop()
    if not segment or not intros.ENDS.search(segment[-1][-80:]) or not intros.STAMP.search(segment[-1][:400]):
        return
    last = len(segment) - 1
    dated = next((i for i in range(last, max(last - 3, -1), -1) if intros.CLOCK.search(segment[i][:400])), last)
    if all(line.strip() for line in segment[dated:]):
        del segment[dated:]
    else:
        segment.pop()
