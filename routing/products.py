"""Which product is a report about: as the customer chose in a form, by the words that the desk lists for its products, by the names
in the contract, else the contract's only one.

A report that names two is about neither, and that is told. Refuses to guess by likeness, and to judge whether the product is
covered: `identity.entitlement` does.
"""

import re
from collections.abc import Sequence

from routing.desk import Desk
from routing.lexicon import Hit

SIGN = "product "  # what a phrase of a product stands for in the desk's lexicon: this and the product's name
_WORD = re.compile(r"\w+")


def product_of(
    desk: Desk, given: str | None, contract: Sequence[str], hits: Sequence[Hit], text: str
) -> tuple[str | None, tuple[str, ...]]:
    """The product by the desk's name for it (else the contract's), and why. `given`: as it was typed; `contract`: the customer's."""
    if given:
        chosen = _known(desk, contract, given)
        if chosen is not None:
            return chosen, (f"product: {chosen}, as the customer chose",)
    told = (f"product: «{given}» is none that this desk or the contract knows",) if given else ()
    named = {hit.sign.removeprefix(SIGN): hit.words for hit in hits if hit.sign.startswith(SIGN)}
    lower, said = text.lower(), ""
    for name in contract:
        parts = _WORD.findall(name.lower())
        if not parts or not all(part in lower for part in parts):
            continue
        said, words = said or f" {' '.join(_WORD.findall(lower))} ", " ".join(parts)
        if f" {words} " in said:
            named.setdefault(_known(desk, contract, name) or name, words)
    # "Call Recording" is not "Call": a name inside a longer one was not meant by itself.
    alone = {
        one: words
        for one, words in named.items()
        if not any(f" {words} " in f" {other} " and words != other for other in named.values())
    }
    if len(alone) == 1:
        ((found, words),) = alone.items()
        return found, (*told, f"product: {found}, because of the words «{words}»")
    if alone:
        return None, (*told, f"product: several are named: {', '.join(sorted(alone))}")
    if len(contract) == 1:
        only = _known(desk, contract, contract[0]) or contract[0]
        return only, (*told, f"product: {only}, the only one of the contract")
    return None, told


def _known(desk: Desk, contract: Sequence[str], name: str) -> str | None:
    """The desk's name for it, else the contract's."""
    wanted = " ".join(name.lower().split())
    for product, words in desk.products.items():
        if wanted == product.lower() or wanted in words:
            return product
    return next((one for one in contract if one.lower() == wanted), None)
