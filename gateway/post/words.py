"""Targets, notes and events in the customer's words, as data; the catalogue holds their translations.

Refuses to be clever: a code that is not in a table is a KeyError in the tests, never a blank in a letter.
"""

from collections.abc import Mapping


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "translate this later"
    return message


TARGETS: Mapping[str, str] = {
    "notify": N_("We tell you the priority of your report"),
    "take_charge": N_("An engineer takes charge of your report"),
    "triage": N_("We confirm how critical it is and say what we know first"),
    "technical_contact": N_("A technician contacts you"),
    "resolution": N_("It is resolved, or a plan of action is agreed with you"),
    "execution": N_("Your request is carried out, or work on it has begun"),
    "analysis": N_("We start to analyse the change"),
}

# How often there is news, by the ISO 8601 length; "" for every other length. No language says "every 1 hour".
NEWS: Mapping[str, str] = {
    "": N_("Once a plan of action is agreed, you hear from us at least every %(time)s."),
    "PT1H": N_("Once a plan of action is agreed, you hear from us at least every hour."),
    "P1D": N_("Once a plan of action is agreed, you hear from us at least every working day."),
}

CHANNELS: Mapping[str, str] = {
    "mail": N_("mail"),
    "phone": N_("phone"),
    "portal": N_("portal"),
    "chat": N_("chat"),
}

NOTES: Mapping[str, str] = {
    "channel_not_in_plan": N_(
        "Your plan does not include support on this channel. Your report is registered all the same."
    ),
    "urgent_not_in_plan": N_("Urgent requests are not part of your plan, so we treat this one as a normal request."),
    "sender_unknown": N_(
        "We do not know this address as one of a customer. If you are one, please write from the address that we know, "
        "or tell us your customer code."
    ),
    "encrypted": N_("Your mail is encrypted and we cannot read it: please send it again without encryption."),
    "too_big": N_(
        "Your mail was larger than we can take in full: parts of it are missing here. "
        "Please send large files another way."
    ),
    "language_best_effort": N_(
        "We may not have somebody at hand who speaks your language: please write in English if you can."
    ),
    "no_cover": N_(
        "We found no support contract in force for this report. Our contracts office will look at it and write to you."
    ),
    "product_not_covered": N_(
        "The product that you write about is not covered by your contract. A person will look at it and write to you."
    ),
    "partner_serves": N_(
        "Your support is given by your partner. Your report is registered, and our partner desk will pass it on."
    ),
    "contact_unknown": N_(
        "You are not registered as a contact who may open reports for this contract. A person will look at it; please ask "
        "the person in charge at your company to register you."
    ),
    "end_user": N_(
        "Support for end users is not part of your contract: please ask your own administrator or reseller first."
    ),
    "kind_not_granted": N_(
        "You are not registered for requests of this kind. A person will look at it and ask your company."
    ),
    "several_problems": N_(
        "Your report seems to be about more than one matter. So that each has its own number and times, please send us every "
        "further matter as a report of its own."
    ),
}

MISSING: Mapping[str, str] = {
    "example": N_("an example of what goes wrong"),
    "context": N_("what you were doing, and since when it happens"),
    "configuration": N_("product, version and configuration"),
    "steps": N_("the steps that bring the problem about"),
    "account": N_("the account that it is about"),
    "service": N_("the service that it is about"),
    "customer_code": N_("your customer code"),
}

EVENTS: Mapping[str, tuple[str, str]] = {
    "pin_tried": (
        N_("A wrong PIN was keyed for your contract"),
        N_(
            "Somebody who called us gave your customer code and a wrong PIN, and got nowhere. If it was one of you, all is "
            "well. If not, please ask us for a new PIN."
        ),
    ),
    "pin_code": (
        N_("Your code for one call"),
        N_("Please key this code when we ask you for your PIN. It holds for one call and for 15 minutes."),
    ),
    # event -> (subject, what is said)
    "taken": (N_("Your report is in an engineer's hands"), N_("An engineer has taken charge of your report.")),
    "priority": (N_("Priority of your report"), N_("We have given your report its priority.")),
    "waiting": (
        N_("We are waiting for you"),
        N_("To go on we need something from you. Until it arrives, the times that we promised stand still."),
    ),
    "resumed": (
        N_("We are going on"),
        N_("We are working on your report again, and the times that we promised run on."),
    ),
    "resolved": (
        N_("Your report is resolved"),
        N_("We believe that your report is resolved. If it is not, simply reply to this message and we go on."),
    ),
    "closed": (N_("Your report is closed"), N_("Your report is closed. For anything new, please write to us again.")),
    "too_big": (N_("Your mail did not arrive whole"), NOTES["too_big"]),
    "encrypted": (N_("We cannot read your mail"), NOTES["encrypted"]),
}
