"""Lines of evidence in the reader's language. They are kept in English, as they were decided; a page says those that it
knows in other words, with the same facts in them. Refuses to judge: a line that is not known here is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from gateway.web.labels import LABELS
from gateway.web.labels import mark as _
from gateway.web.phrases import REASONS

# The first that fits is said; `rest` is a line by itself, `signs`, `fact` and `reason` are words of ours, everything else is a fact.
KNOWN: tuple[str, ...] = (
    # who it is (identity.clues, identity.match)
    _("%(a)s is the address of a contact of %(n)s customers"),
    _("%(a)s is the number of a contact of %(n)s customers"),
    _("%(a)s is a listed domain of %(n)s customers"),
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
    _("customer: %(a)s, as %(b)s said, %(at)s"),
    _("verified by a person: %(a)s, %(at)s"),
    _("verified: the caller is proven: somebody pressed 1 on the telephone on file, %(at)s"),
    _("verified later: %(rest)s"),
    # is the sender genuine (gateway.mail)
    _("demo: sender not checked"),
    _("sender not checked: no DNS here"),
    _("there is no single usable From address to check"),
    _("no results of %(a)s above the hop of %(b)s"),
    _("no results of %(a)s"),
    _("the topmost results are not written by %(a)s"),
    _("the edge checked nothing"),
    _("arc: sealed by %(a)s, whom the configuration trusts"),
    _("list: %(a)s, whom the configuration trusts, wrote its own address into From; the author is %(b)s: a claim"),
    _(
        "list: %(a)s, whom the configuration trusts, wrote its own address into From; the author is %(b)s: its chain proves "
        "the domain"
    ),
    _("pec: %(a)s proves its envelope and certifies that %(b)s sent what is inside"),
    _("pec: %(a)s wrote the certified mail, as a claim: it came to the provider from outside, where nobody certifies"),
    _("pec: %(a)s wrote the certified mail, as a claim: nothing proves that the envelope is %(b)s's"),
    _("pec: %(a)s wrote the certified mail, as a claim: %(b)s is not listed under pec_providers"),
    _("pec: %(a)s wrote the certified mail, as a claim: %(b)s is not the provider's own address"),
    _("pec: %(a)s wrote the certified mail, as a claim: the certificate names %(b)s"),
    _("form: %(a)s is a listed web form; %(b)s in its Reply-To wrote it, as a claim"),
    _("the address was typed into a web form: a claim, not proof"),
    _("the address was typed into a form: a claim, not proof"),
    _("sender: %(a)s sent it for %(b)s"),
    _("%(a)s vouches for the author"),
    _("%(a)s vouches for %(b)s"),
    _("door: HTTP, the token of «%(a)s», from %(b)s: a monitoring event"),
    _("door: HTTP, the token of «%(a)s», from %(b)s: call me back"),
    _("door: HTTP, the token of «%(a)s», from %(b)s"),
    _("dmarc: %(a)s has no policy"),
    _("dmarc: %(a)s asks for p=%(b)s"),
    # what it is and whose (routing.classify, routing.products, routing.decide)
    _("%(a)s, the desk's default"),
    _("%(a)s, as the customer chose"),
    _("%(a)s, by the rule «%(b)s»"),
    _("%(a)s, by a command in the mail's first line"),
    _("%(a)s, by the desk's route %(b)s"),
    _("%(a)s, by the address it was sent to"),
    _("%(a)s, by a rule of the desk"),
    _("%(a)s, because no route fits"),
    _("%(a)s, because nobody but a person can judge this report"),
    _("%(a)s, the only one of the contract"),
    _("%(a)s, by what it says (%(signs)s = %(n)s)"),
    _("because of the words «%(a)s»"),
    _("by the rule «%(a)s»"),
    _("by what it says (%(signs)s = %(n)s)"),
    _("a command in the mail is not followed, because the sender is not verified"),
    _("the command #%(a)s names nothing that this desk knows"),
    _("%(a)s is none of this kind's (%(b)s)"),
    _("not %(a)s, which the plan does not have: %(b)s"),
    _("«%(a)s» is denied in the text and counts for nothing"),
    _("«%(a)s» is none that this desk or the contract knows"),
    _("several are named: %(a)s"),
    _("nearly %(a)s: %(b)s of %(c)s points (%(signs)s)"),
    _("nearly %(a)s, by route %(b)s: %(rest)s"),
    _("«%(a)s» nearly: %(rest)s"),
    _("«%(a)s» fired: %(rest)s"),
    _("always"),
    _("of the plan %(a)s, provisionally, because the sender is not verified"),
    _("of the plan %(a)s"),
    _("%(a)s not in plan"),
    _("%(a)s is of the desk %(b)s, not of this one: no clock"),
    _("%(a)s over %(b)s, because of the words «%(c)s»"),
    _("%(a)s, because of the words «%(b)s»"),
    _("sent to %(a)s (away; %(b)s stands in)'s own address"),
    _("sent to %(a)s's own address"),
    _("speaks of several problems: «a numbered list»"),
    _("speaks of several problems: «%(a)s»"),
    _("failed-inside: see the alarm"),
    _("unreadable: the mail is damaged"),
    _("unreadable: a fault of ours while it was read"),
    _("unreadable: a fault of ours while the sender was checked"),
    _("unreadable: %(a)s"),
    _("wider-fault: trouble with %(a)s at %(n)s tickets, confirmed by %(b)s"),
    _("wider-fault: error %(a)s at %(n)s tickets, confirmed by %(b)s"),
    # a call (gateway.calls.callers)
    _("the caller chose how serious it is"),
    _("the caller did not say how serious it is"),
    _("no customer code was recognised"),
    _("too many wrong PINs: the caller left a message"),
    _("no PIN is on file: the caller left a message"),
    _("the caller gave no PIN and left a message"),
    _("on-call is not in the plan: the caller left a message"),
    _("the caller asked for a person and nobody was free"),
    _("the caller asked for a person"),
    _("the caller hung up early"),
    _("the caller has no PIN, so nothing was said of a ticket: they left a message"),
    _("the caller could not name the ticket and left a message"),
    _("the caller announces planned maintenance"),
    _("the caller asks for information"),
    _("the caller asked to be called back"),
    # is somebody woken (routing.decide)
    _("it is within the hours of %(a)s"),
    _("%(a)s on %(b)s outside the hours of %(c)s"),
    _("%(a)s does not page on %(b)s"),
    _("%(a)s does not page"),
    _("the mail is automatic"),
    _("the caller gave no PIN"),
    _("the sender is not verified"),
    _("planned maintenance, by PIN"),
    _("it is of an archive"),
    _("the duty speaks %(a)s only"),
    _("the region %(a)s has no duty"),
    _("the caller is an end user"),
    _("only the permitted staff may serve this customer"),
    # which conversation (routing.threads, gateway.engine, gateway.mail)
    _("%(ticket)s by the ticket's own token; the sender is a verified party to it"),
    _("%(ticket)s by references shared with its mails; the sender is a verified party to it"),
    _("%(ticket)s by the ticket's own token, but the sender is no verified party to it"),
    _("points at %(ticket)s, but the sender is no verified party to it: a ticket of its own"),
    _("reopened, within the window"),
    _("resolved more than %(n)s days ago: a new ticket linked to it"),
    _("a forward out of that of %(ticket)s: a ticket of its own"),
    _("carries a token that is not ours: a ticket of its own"),
    _("was added to %(ticket)s; %(a)s made it a ticket of its own"),
    _("came again after %(ticket)s; %(a)s made it a ticket of its own"),
    _("held: %(reason)s; released by %(a)s"),
    _("it failed %(n)s times"),
    _("Certified mail says of our mail on %(ticket)s: %(a)s"),
    _("Our mail on %(ticket)s is late; the other server still tries"),
    _("Our mail on %(ticket)s did not reach %(a)s; call the customer or correct the address"),
    _("one of our own letters came back"),
    _("%(n)s servers have had it"),
    _("%(ticket)s got %(n)s mails within an hour"),
    _("the same words came %(n)s times within an hour from senders that nobody verified"),
    # the same problem again (routing.relate)
    _("perhaps %(ticket)s: %(rest)s"),
    _("veto %(rest)s (%(ticket)s)"),
    _("veto %(rest)s"),
    _("sent-again: %(rest)s"),
    _("same-text: %(rest)s"),
    _("same-object: %(rest)s"),
    _("call-and-mail: %(rest)s"),
    _("same-alert: %(a)s"),
    _("alert: %(a)s is not known"),
    _("alert: %(a)s"),
    _("it recovered"),
    _("recovered again"),
    _("still in trouble, %(n)s days later"),
    _("still in trouble, %(a)s later"),
    _("the same text once greeting and signature are gone"),
    _("the same trouble (%(a)s) with %(b)s"),
    _("me too: a recent report"),
    _("names the same: %(a)s"),
    _("same place: %(a)s"),
    _("same code: %(a)s"),
    _("same kind of trouble"),
    _("trouble of a near kind"),
    _("alike (%(a)s)"),
    _("too-old: silent for %(n)s days"),
    _("too-old: silent for %(a)s"),
    _("too-old: %(n)s days"),
    _("closed: the earlier ticket is over"),
    _("recovered: one of the two says that it is over"),
    _("after-recovery: the earlier one was over"),
    _("after-recovery: somebody wrote that it was over"),
    _("other-mark: %(a)s, not %(b)s"),
    _("other-mark: the subjects differ"),
    _("other-mark: neither names anything"),
    _("other-mark: it may end more than one"),
    _("not-allowed: this desk does not join by %(a)s"),
    _("other-object: %(a)s, not %(b)s"),
    _("other-object: %(a)s"),
    _("other-place: %(a)s, not %(b)s"),
    _("other-code: %(a)s, not %(b)s"),
    _("replaced-word: %(a)s -> %(b)s"),
    _("something-new: %(a)s"),
    _("told-by-one-alone: %(a)s"),
    _("other-number: %(a)s in one of the two alone"),
    _("reordered: the same words, but not the same sentences"),
    _("quotes something else"),
    _("another-trouble: %(a)s too"),
    _("denied: one of the two says not"),
    _("second-matter: the text goes on to something else"),
    _("second-matter: one of the two speaks of something else too"),
    _("second-matter: %(a)s in a sentence of its own"),
    _("asked-again: it tells of no trouble, and the same thing may be wanted twice"),
    _("nothing-named: two people may ask for the same thing"),
    _("too-long: a long text may speak of more than one thing"),
    _("one asks for something, the other reports trouble"),
    _("names another place: %(a)s"),
    _("names more: %(a)s"),
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
    # what a rule wanted (routing.rules); last, because they are the most general
    _("%(fact)s is none of %(names)s"),
    _("%(fact)s is one of %(names)s"),
    _("%(fact)s %(names)s"),
)
# What words say of a report (`routing.signs`).
SIGNS = {
    "core": _("a core service"),
    "stopped": _("at a standstill"),
    "degraded": _("works badly"),
    "trouble": _("something is wrong"),
    "urgent": _("urgency"),
    "whenever": _("no hurry"),
    "production": _("in production"),
    "everyone": _("everybody is touched"),
    "one-person": _("one person only"),
    "workaround": _("a way around it"),
}
# What rules and routes ask for (`routing.rules`).
FACTS = {
    "words": _("words"),
    "signs": _("signs"),
    "facts": _("facts"),
    "channels": _("channels"),
    "kinds": _("kinds"),
    "priorities": _("priorities"),
    "plans": _("plans"),
    "customers": _("customers"),
    "regions": _("regions"),
    "products": _("products"),
    "languages": _("languages"),
    "reasons": _("reasons"),
    "verified": _("verified"),
    "automatic": _("automatic"),
}
TOPIC = re.compile(r"(?:loop|thread|related): ")  # where no heading says it already
DUE = re.compile(r"due (\d{4}-\d\d-\d\d \d\d:\d\d) UTC")
SIGN = re.compile(r"(?P<sign>[a-z-]+) «[^»]*»(?: [+-]\d+)?")
SIGNS_SAID = re.compile(rf"{SIGN.pattern.replace('?P<sign>', '?:')}(?:, {SIGN.pattern.replace('?P<sign>', '?:')})*")
HOLES = {
    "points": r"(?P<points>[+-]\d+)",
    "n": r"(?P<n>-?\d+)",
    "names": r"(?P<names>[^;]+)",
    "reason": f"(?P<reason>{'|'.join(REASONS)})",
    "ticket": r"(?P<ticket>[A-Z]{2,4}(?:-\d+)+|\d+)",
    "at": r"(?P<at>\d{4}-\d\d-\d\d[ T]\d\d:\d\d\S*(?: UTC)?)",
    "signs": f"(?P<signs>{SIGNS_SAID.pattern})",
    "fact": f"(?P<fact>{'|'.join(FACTS)})",
}
Say = Callable[[str], str]


def _pattern(message: str) -> re.Pattern[str]:
    holes = [HOLES.get(part, f"(?P<{part}>.+?)") for part in re.findall(r"%\((\w+)\)s", message)]
    fixed = [re.escape(part) for part in re.split(r"%\(\w+\)s", message)]
    return re.compile("".join(part + hole for part, hole in zip(fixed, [*holes, ""], strict=True)))


PATTERNS = tuple((_pattern(message), message) for message in KNOWN)


def said(line: str, say: Say, time: Callable[[datetime], str]) -> str:
    """The line in the language of `say`; instants as `time` writes them."""
    if due := DUE.fullmatch(line):
        at = datetime.strptime(due[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        return say(_("due %(at)s")) % {"at": time(at)}
    return _said(line, say) or _said(TOPIC.sub("", line), say) or line


def _said(line: str, say: Say) -> str:
    """ "" for a line that is not known. Several reasons stand in one line with semicolons, and each is said."""
    if SIGNS_SAID.fullmatch(line):
        return _signs(line, say)
    for pattern, message in PATTERNS:
        if found := pattern.fullmatch(line):
            return say(message) % {name: _fact(name, fact, say) for name, fact in found.groupdict().items()}
    parts = line.split("; ")
    words = [_said(part, say) for part in parts] if len(parts) > 1 else []
    return "; ".join(words) if words and all(words) else ""


def _fact(name: str, fact: str, say: Say) -> str:
    match name:
        case "rest":
            return _said(fact, say) or fact
        case "signs":
            return _signs(fact, say)
        case "fact":
            return say(FACTS[fact])
        case "reason":
            return say(REASONS[fact])
        case _:
            return say(LABELS[fact]) if fact in LABELS else fact


def _signs(line: str, say: Say) -> str:
    """The names of signs in the reader's words; the words that were found stay what they are."""
    return SIGN.sub(
        lambda found: found[0].replace(found["sign"], say(SIGNS.get(found["sign"], found["sign"])), 1), line
    )
