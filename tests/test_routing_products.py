"""Which product a report is about, and why: as chosen, as named, as the contract's only one; never by likeness."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.settings.desk import load_desk
from routing import classify, products

DESK = replace(
    load_desk(Path("desks/test/desk.yaml")),
    products={"Call": ("centralino",), "Call Recording": ("registrazioni",), "Fax": ("fax server",)},
)

CASES = {
    "chosen by its name, whatever the case": ("call", (), "", "Call"),
    "chosen by one of the desk's words": ("Fax Server", (), "", "Fax"),
    "chosen by the contract's own name": ("Stonefax Light", ("Stonefax Light",), "", "Stonefax Light"),
    "a choice that nobody knows gives way to the words": ("Nonsense", (), "le registrazioni mancano", "Call Recording"),
    "named in the text": (None, (), "Il fax server non risponde", "Fax"),
    "a longer name hides the shorter one inside it": (None, (), "Call Recording è fermo", "Call Recording"),
    "named as in the contract": (None, ("Stonefax", "Billy"), "Stonefax è fermo", "Stonefax"),
    "the contract's only one": (None, ("Stonefax",), "non va", "Stonefax"),
    "the contract's only one by the desk's name for it": (None, ("FAX SERVER",), "non va", "Fax"),
    "two are named: neither": (None, (), "il centralino e il fax server", None),
    "the contract has two and none is named": (None, ("Stonefax", "Billy"), "non va", None),
    "part of a word is no name": (None, (), "faxserver e centralinista", None),
    "nothing is known": (None, (), "non va", None),
}


@pytest.mark.parametrize("case", CASES)
def test_the_product_of_a_report(case: str) -> None:
    given, contract, text, wanted = CASES[case]
    found, told = products.product_of(DESK, given, contract, classify.read("", text, DESK), text)
    assert found == wanted
    assert bool(told) or wanted is None


def test_a_choice_that_nobody_knows_is_told() -> None:
    _, told = products.product_of(DESK, "Nonsense", (), (), "")
    assert told == ("product: «Nonsense» is none that this desk or the contract knows",)


def test_two_products_in_one_report_are_told() -> None:
    text = "il centralino e il fax server"
    _, told = products.product_of(DESK, None, (), classify.read("", text, DESK), text)
    assert told == ("product: several are named: Call, Fax",)
