"""The English words for the identifiers that pages show; the catalogue says them in other languages.

An identifier that is not here (a plan, a desk's own priority) is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping


def mark(message: str) -> str:
    """The message itself, noticed by whoever gathers what there is to translate."""
    return message


_ = mark

LABELS: Mapping[str, str] = {
    # states of a ticket
    "new": _("New"),
    "taken": _("Taken in charge"),
    "waiting": _("Waiting"),
    "resolved": _("Resolved"),
    "closed": _("Closed"),
    "open": _("Open"),
    "all": _("All"),
    # states of a clock
    "running": _("Running"),
    "paused": _("Paused"),
    "met": _("Met"),
    "missed": _("Missed"),
    "stopped": _("Stopped"),
    # targets
    "notify": _("Notify"),
    "take_charge": _("Take charge"),
    "triage": _("Triage"),
    "technical_contact": _("Technical contact"),
    "resolution": _("Resolution"),
    "execution": _("Execution"),
    "analysis": _("Start of analysis"),
    # calendars
    "solar": _("By the clock, day and night"),
    # kinds
    "incident": _("Incident"),
    "fulfilment": _("Fulfilment"),
    "information": _("Information"),
    "access": _("Access"),
    "change": _("Change"),
    "problem": _("Problem"),
    "intervention": _("Intervention"),
    "event": _("Event"),
    # changes of the duty
    "duty-override": _("is on duty instead"),
    "duty-swap": _("is on duty by a swap"),
    "duty-absence": _("is away"),
    "duty-calendar": _("is on duty by an imported calendar"),
    # roles
    "admin": _("Administrator"),
    "supervisor": _("Supervisor"),
    "agent": _("Agent"),
    "on-call": _("On-call engineer"),
    "read-only": _("Read only"),
    # decisions
    "who": _("Who is it"),
    "authentication": _("Is the sender genuine"),
    "entitlement": _("What they are entitled to"),
    "kind": _("What kind of request"),
    "priority": _("How urgent"),
    "plan": _("Which plan"),
    "deadline": _("By when"),
    "deadlines": _("By when"),
    "merge": _("Is it a new matter"),
    "queue": _("In whose hands"),
    "page": _("Who is rung"),
    "answer": _("What is answered"),
    # outcomes of a report
    "new-ticket": _("New ticket"),
    "append": _("Added to a ticket"),
    "duplicate": _("Delivered again"),
    "held": _("Held"),
    "refused": _("Refused"),
    # doors and channels
    "mail": _("Mail"),
    "phone": _("Phone"),
    "smtp": _("SMTP"),
    "imap": _("IMAP"),
    "file": _("File"),
    "portal": _("Portal"),
    "http": _("HTTP"),
    "form": _("Web form"),
    "callback": _("Callback"),
    "chat": _("Chat"),
    # mails that leave
    "sent": _("Sent"),
    "failed": _("Failed"),
    "bounced": _("Came back"),
    # telephones
    "queued": _("Queued"),
    "initiated": _("Dialled"),
    "ringing": _("Ringing"),
    "answered": _("Answered"),
    "in-progress": _("In progress"),
    "no-answer": _("No answer"),
    "busy": _("Busy"),
    "canceled": _("Cancelled"),
    "completed": _("Ended"),
    "lost": _("The line fell silent"),
    "accepted": _("Accepted"),
    "passed": _("Passed on"),
    "intended": _("About to be rung"),
    "unknown": _("The carrier did not say"),
    "placed": _("Dialled"),
    "ended": _("Ended"),
    "not accepted": _("Not accepted"),
    "likely voicemail": _("Answered, but nothing was pressed: voicemail, perhaps"),
    "missing": _("The carrier knows of no call"),
    "capped": _("Not rung: called too often already"),
    "told": _("Written to"),
    # why an engineer passes a page on
    "not well": _("not well"),
    "no computer at hand": _("no computer at hand"),
    "not my field": _("not my field"),
    "busy with another fault": _("busy with another fault"),
    "no carrier configured": _("No telephone company is configured"),
    # who is on call, and why
    "rota": _("Rota"),
    "override": _("Stand-in"),
    "fallback": _("Fallback"),
    # entries of the story that say no more than their kind
    "given up": _("Given up"),
    "done": _("Done"),
    "did-mail-in": _("wrote"),
    "did-mail-out": _("answered by mail"),
    "did-call": _("called"),
    "did-page": _("rang the on-call chain"),
    "did-note": _("noted"),
    "did-state": _("changed the state"),
    "did-event": _("reported"),
    # decisions about a held mail
    "held-new": _("made it a new ticket"),
    "held-onto": _("added it to a ticket"),
    "held-spam": _("called it spam"),
    "held-erased": _("erased it"),
    "held-own": _("made it a ticket of its own"),
    # languages
    "it": _("Italian"),
    "en": _("English"),
    "de": _("German"),
    "fr": _("French"),
    "es": _("Spanish"),
    "pt": _("Portuguese"),
    "ar": _("Arabic"),
    # priorities of requests
    "urgent": _("urgent"),
    "normal": _("normal"),
    # impact and urgency
    "extensive": _("extensive"),
    "significant": _("significant"),
    "moderate": _("moderate"),
    "minor": _("minor"),
    "highest": _("highest"),
    "high": _("high"),
    "medium": _("medium"),
    "low": _("low"),
    # what else a plan has
    "custom-reports-3-a-year": _("3 custom reports a year"),
    "designated-support-engineer": _("designated support engineer"),
    "grants": _("grants by kind of request"),
    "incident-manager": _("incident manager"),
    "incident-report": _("incident report"),
    "kpi-reviews": _("periodic KPI and SLA reviews"),
    "named-engineer": _("named engineer"),
    "phone-24x7-severity-1": _("telephone 24x7 for severity 1"),
    "privileged-escalation": _("privileged escalation"),
    "proactive": _("proactive events"),
    "remote-sessions": _("remote sessions"),
    "reports-1-a-year": _("1 report a year"),
    "reports-2-a-year": _("2 reports a year"),
    "reports-on-request": _("reports on request"),
    "service-manager": _("service manager"),
    "shared-visibility": _("shared view of tickets"),
    "support-specialist": _("support specialist"),
    "technical-indicators-each-quarter": _("technical indicators each quarter"),
    # stages of a technical intervention
    "requested": _("Requested"),
    "assessed": _("Assessed"),
    "declined": _("Declined"),
    "quoted": _("Quoted"),
    "rejected": _("Rejected"),
    "expired": _("Expired"),
    "variation": _("Variation asked for"),
    "charged": _("Charged"),
    "short-of-credit": _("Not enough credit"),
}
