"""Is this mail from a person? One table of reasons why nothing may be answered automatically.

Bounces and delays (not feedback reports, vacation notices or success reports), auto-replies, lists, bulk, receipts
(RFC 3834, RFC 2919, RFC 2369, RFC 3464, RFC 5965, and Italian certified mail). A subject alone proves nothing: it
counts only beside other evidence. It does not know our own addresses; loops are the engine's business.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from parsers import addresses, bounces, notices
from parsers.headers import Headers
from parsers.message import Address, Attachment
from parsers.once import once


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is the code of the first rule that fits, None for a person's mail."""

    is_bounce: bool
    failed_recipients: tuple[str, ...]
    is_auto_reply: bool
    reason: str | None


class Facts:
    """What the rules look at, each thing worked out at most once."""

    def __init__(self, raw: bytes, headers: Headers, kind: str, froms: tuple[Address, ...], to: tuple[Address, ...],
                 subject: str, words: str, attachments: tuple[Attachment, ...]) -> None:  # fmt: skip
        self.raw, self.headers, self.kind, self.froms, self.to = raw, headers, kind, froms, to
        self.subject, self.words, self.attachments = subject, words, attachments

    def value(self, name: str) -> str:
        """The first value of a header, lower-cased, "" when absent."""
        return (self.headers.raw(name) or "").lower() if name in self.headers else ""

    @once
    def report_type(self) -> str:
        """The kind of a multipart/report (RFC 6522), from its parameter or from the part that makes it one."""
        if self.kind != "multipart/report":
            return ""
        declared = self.headers.content_type[1].get("report-type", "").lower()
        kinds = {one.content_type for one in self.attachments}
        known = ("feedback-report", "disposition-notification", "delivery-status")
        return declared or next((name for name in known if f"message/{name}" in kinds), "")

    @once
    def local(self) -> str:
        return self.froms[0].addr.lower().rpartition("@")[0] or self.froms[0].addr.lower() if self.froms else ""

    @once
    def daemon(self) -> bool:
        """A mail system speaks: by address, or by name where the address is the system's own."""
        if _DAEMON.search(self.local):
            return True
        return bool(self.froms) and _DAEMON_NAME.search(self.froms[0].name) is not None

    @once
    def system(self) -> bool:
        """A sender that is hardly a person: no address at all, or the name of a role or a program."""
        return (
            not self.froms
            or _SYSTEM.search(f"{self.local} {self.froms[0].name}".lower()) is not None
            or _NO_REPLY.search(self.local) is not None
            or (notices.OPENING.match(self.words[:600]) is not None and self.returns_a_copy)
        )

    @once
    def returns_a_copy(self) -> bool:
        return "in-reply-to" not in self.headers and bounces.returns_a_copy(self.words, self.attachments)

    @once
    def null_sender(self) -> bool:
        return self.value("return-path").replace(" ", "") == "<>"

    @once
    def bounce(self) -> bounces.Report:
        return _bounce(self)

    @once
    def auto_reply_header(self) -> bool:
        return _auto_reply_header(self)

    @once
    def auto_reply(self) -> bool:
        return _auto_reply(self)


def judge(facts: Facts) -> Verdict:
    """Apply the table."""
    reason = next((code for code, holds in RULES if holds(facts)), None)
    failed = facts.bounce.verdict in ("failed", "delayed")
    return Verdict(failed, facts.bounce.recipients if failed else (), facts.auto_reply, reason)


# ---- bounces -------------------------------------------------------------------------------------------------------
_DAEMON = re.compile(
    r"^(?:mailer[-_.]?daemon|mail[-_.]?daemon|mdaemon|post[-_.]?master|daemon|mailerdaemon|microsoftexchange[0-9a-f]+|"
    r"mail[-_]?delivery|delivery[-_.]?(?:system|subsystem|status)|bounces?|mailsystem|mail[-_]?system|mmdf|"
    r"smtp[-_]?daemon|"
    r"postoffice|mailadmin|system[-_.]?attendant)(?:$|[-+_.])"
)
_DAEMON_NAME = re.compile(
    r"mail delivery|mailer[- ]daemon|delivery (?:subsystem|system|service)|mail (?:system|subsystem|administrator)|"
    r"system (?:administrator|attendant)|postmaster|internet mail service|returned mail|mail router",
    re.IGNORECASE,
)
_SYSTEM = re.compile(
    r"\b(?:administrator|amministratore|system|smtp|mta|mail ?(?:er|server|gateway|service|master|relay)|gateway|relay|"
    r"antivirus|delivery|ndr|exchange|server|daemon|notification)(?:\b|_)|_(?:smtp|mail|delivery)_"
)
_ANSWER = re.compile(r"\s*(?:re|r|aw|sv|antw|fwd?|i|wg|tr|rv|enc)\s*:", re.IGNORECASE)
_PEC_FAILED = ("errore-consegna", "preavviso-errore-consegna", "non-accettazione", "rilevazione-virus")
_NOTHING = bounces.Report("", ())


def _bounce(facts: Facts) -> bounces.Report:
    """Say whether this reports a failed or late delivery, and of which recipients."""
    receipt = facts.value("x-ricevuta")
    if receipt:
        return bounces.Report("failed", _pec_recipients(facts)) if receipt.startswith(_PEC_FAILED) else _NOTHING
    if facts.report_type == "feedback-report" or _feedback(facts):
        return _NOTHING
    if facts.report_type == "disposition-notification" and "automatically rejected" not in facts.words[:2_000].lower():
        return _NOTHING
    status = _status(facts)
    if status.verdict:
        return _named(facts, status)
    failed = [one.addr for one in addresses.parse(facts.headers.raw("x-failed-recipients")) if "@" in one.addr]
    if failed:
        return bounces.Report("failed", bounces.unique(failed))
    if not _suspect(facts):
        return _NOTHING
    found = bounces.guarded(facts.raw)
    sure = (facts.daemon or facts.report_type) and notices.BOUNCE_SUBJECT.search(facts.subject)
    if not (sure or found.recipients or facts.returns_a_copy or bounces.named(facts.words, _own(facts))):
        return _NOTHING  # words alone are too little: a parcel service has failed deliveries too
    late = found.verdict == "delayed" or (
        not found.verdict and notices.DELAY.search(facts.subject + "\n" + facts.words[:1_500]) is not None
    )
    return _named(facts, bounces.Report("delayed" if late else "failed", _others(facts, found.recipients)))


def _named(facts: Facts, report: bounces.Report) -> bounces.Report:
    """A report that names nobody by machine names them in its words, or only returns the mail."""
    if report.recipients or report.verdict not in ("failed", "delayed"):
        return report
    named = (
        bounces.in_words(facts.words, _own(facts))
        or bounces.in_words(facts.subject, _own(facts))
        or bounces.in_original(facts.words, facts.attachments)
    )
    return bounces.Report(report.verdict, named)


def _others(facts: Facts, found: tuple[str, ...]) -> tuple[str, ...]:
    """Without the one who is told and without lists they were expanded from, unless nobody else is named."""
    own = _own(facts) | bounces.sources(facts.words)
    others = tuple(
        address for address in found if address.lower() not in own and not bounces.advised(facts.words, address)
    )
    others = others or found
    listed = bounces.named(facts.words, own)
    return listed if others and set(others) < set(listed) else others


def _own(facts: Facts) -> frozenset[str]:
    """Who is told and who tells: never those that failed, when words are all there is."""
    return frozenset(one.addr.lower() for one in (*facts.to, *facts.froms))


def _status(facts: Facts) -> bounces.Report:
    """The machine-readable verdict of a delivery report that was not merely forwarded by a person."""
    parts = bounces.status_parts(facts.attachments)
    if not parts or (facts.kind != "multipart/report" and not _speaks(facts)):
        return _NOTHING
    reports = [bounces.delivery_status(part.content) for part in parts]
    for verdict in ("failed", "delayed", "other"):
        if any(report.verdict == verdict for report in reports):
            named = [address for report in reports if report.verdict == verdict for address in report.recipients]
            return bounces.Report(verdict, bounces.unique(named))
    return _NOTHING


def _speaks(facts: Facts) -> bool:
    """A mail system is the author."""
    return facts.daemon or facts.null_sender or facts.value("auto-submitted").startswith("auto-")


def _suspect(facts: Facts) -> bool:
    """Two kinds of evidence that this tells of an undelivered mail: who speaks, and what is said."""
    by_subject = notices.BOUNCE_SUBJECT.search(facts.subject) is not None
    machine = facts.daemon or facts.report_type == "delivery-status"
    if not (machine or by_subject or facts.null_sender):
        return False
    if notices.SUCCESS.search(facts.subject) or (facts.auto_reply_header and not facts.daemon):
        return False
    if facts.daemon and _ANSWER.match(facts.subject) and not facts.null_sender and "daemon" not in facts.local:
        return False  # a postmaster is also a person who answers
    by_words = (
        notices.BOUNCE_WORDS.search(f"{facts.subject}\n{facts.words[:4_000]}" if machine else facts.words[:4_000])
        is not None
    )
    if machine:
        return by_subject or by_words
    if facts.null_sender:
        return by_words and not notices.AWAY_SUBJECT.search(facts.subject)
    return by_subject and by_words and facts.system


def _pec_recipients(facts: Facts) -> tuple[str, ...]:
    """Certified mail names the recipient in daticert.xml (<destinatari>) of a failure notice."""
    for part in facts.attachments:
        if (part.filename or "").lower() == "daticert.xml":
            text = part.content[:200_000].decode("utf-8", "replace")
            return bounces.unique(re.findall(r"<(?:consegna|destinatari)\b[^>]*>\s*([^<\s]+@[^<\s]+)\s*<", text))
    return ()


# ---- auto-replies --------------------------------------------------------------------------------------------------
_REPLY_HEADERS = ("x-autoreply", "x-auto-reply", "x-autorespond", "x-autoresponder", "x-autoreply-from",
                  "x-mail-autoreply", "x-autoreply-to", "x-vacation", "x-auto-responder")  # fmt: skip


def _auto_reply(facts: Facts) -> bool:
    """A vacation notice or other automatic answer (RFC 3834 5), told by its headers or by two kinds of evidence."""
    if facts.bounce.verdict or facts.value("x-ricevuta") or facts.report_type:
        return False
    if facts.auto_reply_header:
        return True
    away = notices.AWAY_SUBJECT.search(facts.subject)
    if away is None:
        return False
    return (
        facts.null_sender
        or facts.value("auto-submitted").startswith("auto-")
        or bool(facts.value("x-auto-response-suppress"))
        or facts.value("precedence") in ("bulk", "junk", "auto_reply", "list")
        or _NO_REPLY.search(facts.local) is not None
        or (
            notices.AWAY_FORM.match(facts.subject, away.end()) is not None
            and notices.AWAY_WORDS.search(facts.words[:3_000]) is not None
            and not _asks(facts)
        )
    )


def _asks(facts: Facts) -> bool:
    """A person who asks about responders writes their words too; a responder puts the old subject behind a colon."""
    return ":" not in facts.subject and "?" in facts.subject + facts.words[:1_500]


def _auto_reply_header(facts: Facts) -> bool:
    if any(facts.value(name) not in ("", "no", "false", "0") for name in _REPLY_HEADERS if name in facts.headers):
        return True
    return (
        facts.value("auto-submitted").startswith("auto-replied")
        or facts.value("precedence") in ("auto_reply", "auto-reply")
        or facts.value("x-autogenerated").startswith("reply")
        or facts.value("x-precedence") in ("auto_reply", "auto-reply")
        or facts.value("delivered-to") == "autoresponder"
        or facts.value("x-post-messageclass").startswith("9;")
        or facts.value("x-apple-action").startswith("vacation")
    )


# ---- the table -----------------------------------------------------------------------------------------------------
_LIST = ("list-id", "list-post", "list-unsubscribe", "list-help", "list-subscribe", "list-owner", "list-archive",
         "mailing-list", "x-mailing-list", "x-beenthere", "x-mailman-version", "x-ml-name", "x-list-id")  # fmt: skip
_BULK = ("feedback-id", "x-campaign", "x-campaign-id", "x-campaignid", "x-mc-user", "x-bulkmail")
_GENERATED = (
    "x-autogenerated",
    "x-cron-env",
    "x-auto-generated",
    "x-fc-machinegenerated",
    "x-otrs-loop",
    "x-ms-exchange-generated-message-source",
)
_NO_REPLY = re.compile(
    r"(?:^|[._+-])(?:no|non|not)[._-]?repl(?:y|ies)(?:$|[^a-z])|^no[._-]?reply|do[._-]?not[._-]?repl|"
    r"don'?t[._-]?reply|"
    r"ne[._-]?pas[._-]?r[eé]pondre|n[aã]o[._-]?respond|no[._-]?(?:responder|contestar)|non[._-]?rispond|"
    r"nicht[._-]?antworten|keine[._-]?antwort|"
    r"^(?:mailer-daemon|postmaster|listserv|majordomo|mailman|nobody|autoresponder|auto-?reply|auto-?confirm|"
    r"automailer)(?:$|[+_.-])|"
    r"^owner-|-(?:request|owner|bounces)(?:$|[+=])"
)


def _feedback(facts: Facts) -> bool:
    return any(one.content_type == "message/feedback-report" for one in facts.attachments)


def _answered_by_rule(facts: Facts) -> bool:
    """Only values that speak of automatic answers count: DR, NDR, RN and NRN decline receipts."""
    asked = re.split(r"[,;\s]+", facts.value("x-auto-response-suppress"))
    return any(word in ("all", "autoreply", "oof") for word in asked)


def _mailbox_of_nobody(facts: Facts) -> bool:
    """By its address, or by a name that no person bears: a System Administrator may well be one."""
    if _DAEMON.search(facts.local) or _NO_REPLY.search(facts.local):
        return True
    return facts.daemon and re.search(r"delivery|daemon|postmaster", facts.froms[0].name, re.IGNORECASE) is not None


RULES: tuple[tuple[str, Callable[[Facts], bool]], ...] = (
    ("pec-receipt", lambda facts: bool(facts.value("x-ricevuta"))),
    ("bounce", lambda facts: facts.bounce.verdict == "failed"),
    ("delay", lambda facts: facts.bounce.verdict == "delayed"),
    ("report", lambda facts: facts.report_type == "feedback-report" or _feedback(facts)),
    ("receipt", lambda facts: bool(facts.report_type) or facts.bounce.verdict == "other"),
    ("auto-reply", lambda facts: facts.auto_reply),
    ("list", lambda facts: facts.headers.has_any(_LIST)),
    ("bulk", lambda facts: facts.value("precedence") in ("bulk", "list", "junk")
                           or facts.headers.has_any(_BULK)),
    ("auto-generated", lambda facts: re.split("[;( ]", facts.value("auto-submitted"))[0] not in ("", "no")
                                     or facts.headers.has_any(_GENERATED)),
    ("null-sender", lambda facts: facts.null_sender),
    ("no-reply", _mailbox_of_nobody),
    ("asked-not-to", _answered_by_rule),
)  # fmt: skip
