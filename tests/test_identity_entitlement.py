"""What somebody is entitled to, and the words when they are not."""

from datetime import date

import pytest

from identity import entitlement
from identity.entitlement import WORDS, Cover
from identity.people import Contact, Contract, Customer

TODAY = date(2026, 11, 22)
MAIL = Cover(frozenset({"mail", "phone"}))
PHONE_ONLY = Cover(frozenset({"phone"}))
REGISTERED = Cover(frozenset({"mail"}), contacts_only=True)
PERSON = Contact("p", "Person")
READER = Contact("r", "Reader", authorised=False)
ASKER = Contact("i", "Asker", grants=frozenset({"information"}))


@pytest.mark.parametrize(
    ("contract", "contact", "cover", "kind", "expected"),
    [
        (Contract(), PERSON, MAIL, None, None),
        (Contract(), None, MAIL, None, None),
        (Contract(), PERSON, PHONE_ONLY, None, "channel-not-in-plan"),
        (Contract(), PERSON, None, None, "unknown-plan"),
        (Contract(), None, REGISTERED, None, "contact-not-registered"),
        (Contract(), READER, MAIL, None, "contact-not-authorised"),
        (Contract(), ASKER, MAIL, "information", None),
        (Contract(), ASKER, MAIL, "change", "kind-not-granted"),
        (Contract(), ASKER, MAIL, None, None),
        (Contract(paid=False), PERSON, MAIL, None, "contract-unpaid"),
        (Contract(starts=date(2026, 11, 23)), PERSON, MAIL, None, "contract-not-started"),
        (Contract(starts=TODAY, ends=TODAY), PERSON, MAIL, None, None),
        (Contract(ends=date(2026, 11, 21)), PERSON, MAIL, None, "contract-expired-renewable"),
        (Contract(ends=date(2026, 7, 25)), PERSON, MAIL, None, "contract-expired-renewable"),  # 120 days
        (Contract(ends=date(2026, 7, 24)), PERSON, MAIL, None, "contract-expired"),
        (Contract(ends=date(2026, 7, 24)), PERSON, PHONE_ONLY, None, "contract-expired"),
    ],
)
def test_the_first_reason_is_told(
    contract: Contract, contact: Contact | None, cover: Cover | None, kind: str | None, expected: str | None
) -> None:
    customer = Customer("C", "C", "d", "p", contract=contract)
    assert entitlement.why_not(customer, contact, "mail", cover, today=TODAY, kind=kind) == expected


def test_without_a_date_the_contracts_dates_are_not_judged() -> None:
    expired = Customer("C", "C", "d", "p", contract=Contract(ends=date(2000, 1, 1)))
    assert entitlement.why_not(expired, PERSON, "mail", MAIL) is None


def test_every_reason_has_words_in_both_languages() -> None:
    for reason, words in WORDS.items():
        assert {"it", "en"} <= words.keys()
        assert entitlement.in_words(reason, "it") != entitlement.in_words(reason, "en")
        assert entitlement.in_words(reason, "pt") == words["en"]
