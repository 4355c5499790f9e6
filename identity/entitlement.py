"""Is this person, on this channel, today, covered? The answer never drops a report: it marks it and says why.

Takes facts of the plan as values, so that it knows no desk. Who decides about the uncovered, and where they are routed,
is not said here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from identity.people import Contact, Contract, Customer

RENEWABLE = timedelta(days=120)  # REFERENCE section 4: renewed up to 120 days after expiry, the cover has no gap

# Reason codes with the words for the customer, and for the agent who reads the ticket.
WORDS: Mapping[str, Mapping[str, str]] = {
    "unknown-customer": {
        "it": "Non abbiamo riconosciuto un contratto di assistenza per questo mittente.",
        "en": "We have not recognised a support contract for this sender.",
    },
    "several-customers": {
        "it": "Il mittente appartiene a più contratti: una persona sceglie quello giusto.",
        "en": "The sender belongs to several contracts: a person will choose the right one.",
    },
    "unknown-plan": {
        "it": "Il piano del contratto non è configurato: una persona verifica la copertura.",
        "en": "The plan of the contract is not configured: a person will check the cover.",
    },
    "channel-not-in-plan": {
        "it": "Questo canale non è compreso nel piano di assistenza.",
        "en": "This channel is not included in the support plan.",
    },
    "contact-not-registered": {
        "it": "Il mittente non è tra i referenti registrati del contratto.",
        "en": "The sender is not among the registered contacts of the contract.",
    },
    "contact-not-authorised": {
        "it": "Il referente non è autorizzato ad aprire segnalazioni.",
        "en": "The contact is not authorised to open tickets.",
    },
    "kind-not-granted": {
        "it": "Il referente non è autorizzato a questo tipo di richiesta.",
        "en": "The contact is not authorised for this kind of request.",
    },
    "contract-not-started": {
        "it": "Il contratto di assistenza non è ancora iniziato.",
        "en": "The support contract has not started yet.",
    },
    "contract-expired-renewable": {
        "it": "Il contratto di assistenza è scaduto: può ancora essere rinnovato senza interruzioni.",
        "en": "The support contract has expired: it can still be renewed without a gap.",
    },
    "contract-expired": {
        "it": "Il contratto di assistenza è scaduto.",
        "en": "The support contract has expired.",
    },
    "contract-unpaid": {
        "it": "I canoni del contratto di assistenza non risultano pagati.",
        "en": "The fees of the support contract have not been paid.",
    },
}


@dataclass(frozen=True, slots=True)
class Cover:
    """What recognition needs to know of a plan. `contacts_only`: only registered contacts may open tickets."""

    channels: frozenset[str]
    contacts_only: bool = False


def why_not(
    customer: Customer,
    contact: Contact | None,
    channel: str,
    cover: Cover | None,
    *,
    today: date | None = None,
    kind: str | None = None,
) -> str | None:
    """The first reason why this is not covered, or None.

    `today` is the date in the desk's zone; without it the contract's dates are not looked at. `kind` when known. The
    contract comes first: who has none is told that, not that mail is the wrong way to write.
    """
    lapsed = _contract(customer.contract, today)
    if lapsed:
        return lapsed
    if cover is None:
        return "unknown-plan"
    if channel not in cover.channels:
        return "channel-not-in-plan"
    if contact is None:
        return "contact-not-registered" if cover.contacts_only else None
    if not contact.authorised:
        return "contact-not-authorised"
    if kind and contact.grants and kind not in contact.grants:
        return "kind-not-granted"
    return None


def _contract(contract: Contract, today: date | None) -> str | None:
    if not contract.paid:
        return "contract-unpaid"
    if today is None:
        return None
    if contract.starts and today < contract.starts:
        return "contract-not-started"
    if contract.ends and today > contract.ends:
        return "contract-expired-renewable" if today - contract.ends <= RENEWABLE else "contract-expired"
    return None


def in_words(reason: str, language: str) -> str:
    """The reason for people, in `language` or English."""
    words = WORDS[reason]
    return words.get(language, words["en"])
