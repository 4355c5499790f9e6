"""Is this person, on this channel, today, covered? The answer never drops a report: it marks it and says why.

Takes facts of the plan as values, so that it knows no desk. Who decides about the uncovered, and where they are routed,
is not said here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from identity.people import Contact, Contract, Customer, Product

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
    "end-of-life": {
        "it": "Il prodotto è fuori produzione e non è più coperto dall'assistenza.",
        "en": "The product has reached its end of life and is no longer covered.",
    },
    "altered-product": {
        "it": "Il prodotto risulta modificato rispetto a quello fornito: non è coperto.",
        "en": "The product has been altered and is not covered.",
    },
    "third-party-product": {
        "it": "Il prodotto è di terzi: l'assistenza spetta al suo fornitore.",
        "en": "The product is a third party's: its supplier supports it.",
    },
    "unsupported-version": {
        "it": "La versione del prodotto non è più supportata: serve un aggiornamento.",
        "en": "The version of the product is no longer supported: an update is needed.",
    },
    "hardware": {
        "it": "L'hardware è assistito dal suo fornitore.",
        "en": "Hardware is supported by its supplier.",
    },
    "product-expired": {
        "it": "La copertura di questo modulo è terminata.",
        "en": "The cover of this module has ended.",
    },
    "bought-through-partner": {
        "it": "L'assistenza di questo cliente è fornita dal suo partner.",
        "en": "This customer is served by their partner.",
    },
    "end-user": {
        "it": "L'assistenza agli utenti finali non è compresa: si rivolgano al proprio amministratore o rivenditore.",
        "en": "Support for end users is not included: their own administrator or reseller helps them first.",
    },
    "kind-not-by-channel": {
        "it": "Questo tipo di richiesta non si apre da questo canale.",
        "en": "This kind of request can't be opened through this channel.",
    },
    "restricted": {
        "it": "Questo cliente può essere servito solo dal personale autorizzato.",
        "en": "This customer may be served by the permitted staff only.",
    },
    "language-best-effort": {
        "it": "La lingua della segnalazione non è tra quelle garantite dal servizio.",
        "en": "The language of the report is not one that the service guarantees.",
    },
    "via-partner": {
        "it": "Segnalazione inoltrata dal partner del cliente.",
        "en": "Reported by the customer's partner.",
    },
    "via-agent": {
        "it": "Segnalazione inoltrata da un nostro operatore: il mittente originale non è verificato.",
        "en": "Passed on by one of our agents: the original sender is not verified.",
    },
}


# Marks that say how to serve a report, not that it is not covered.
TELLING: frozenset[str] = frozenset({"restricted", "language-best-effort", "via-partner", "via-agent"})


@dataclass(frozen=True, slots=True)
class Cover:
    """What recognition needs to know of a plan. `contacts_only`: only registered contacts may open tickets. `routed`: the
    reasons that the desk has a place for: one without a partner desk serves a partner's customers itself."""

    channels: frozenset[str]
    contacts_only: bool = False
    routed: frozenset[str] = frozenset()


def why_not(
    customer: Customer,
    contact: Contact | None,
    channel: str,
    cover: Cover | None,
    *,
    today: date | None = None,
    kind: str | None = None,
    text: str = "",
    by_partner: bool = False,
) -> str | None:
    """The first reason why this is not covered, or None.

    `today` is the date in the desk's zone; without it the contract's dates are not looked at. `kind` when known, `text`:
    what the report says, where products are named. `by_partner`: the customer's partner reports it. The contract comes
    first: who has none is told that, not that mail is the wrong way to write.
    """
    lapsed = _contract(customer.contract, today)
    if lapsed:
        return lapsed
    if cover is None:
        return "unknown-plan"
    if customer.partner and not by_partner and "bought-through-partner" in cover.routed:
        return "bought-through-partner"
    if channel not in cover.channels:
        return "channel-not-in-plan"
    return _person(customer, contact, cover, kind) or _product(customer.contract.products, text, today)


def _person(customer: Customer, contact: Contact | None, cover: Cover, kind: str | None) -> str | None:
    if contact is None:
        return "contact-not-registered" if cover.contacts_only else None
    if not contact.authorised:
        return "contact-not-authorised"
    if contact.end_user and not customer.contract.end_users and "end-user" in cover.routed:
        return "end-user"
    if kind and contact.grants and kind not in contact.grants:
        return "kind-not-granted"
    return None


def _product(products: tuple[Product, ...], text: str, today: date | None) -> str | None:
    """Why the product that the report names is not covered. The longest name wins (``Call`` against ``Call Recording``); a
    report that names none is judged only where all products of the contract share one fate."""
    if not products:
        return None
    said = f" {' '.join(_WORD.findall(text.lower()))} "
    named = [one for one in products if f" {' '.join(_WORD.findall(one.name.lower()))} " in said]
    if named:
        longest = max(len(one.name) for one in named)
        fates = {_fate(one, today) for one in named if len(one.name) == longest}
    else:
        fates = {_fate(one, today) for one in products}
    return next(iter(fates)) if len(fates) == 1 else None


_WORD = re.compile(r"\w+")


def _fate(product: Product, today: date | None) -> str | None:
    if product.state != "covered":
        return product.state
    return "product-expired" if product.ends and today and today > product.ends else None


def marks(customer: Customer, contact: Contact | None) -> tuple[str, ...]:
    """What whoever serves this customer must know, entitled or not."""
    found = ("restricted" if customer.restrictions else "", "end-user" if contact and contact.end_user else "")
    return tuple(mark for mark in found if mark)


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
