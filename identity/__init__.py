"""Who is it, and what are they entitled to? Pure decisions over values that the shell has looked up.

Read `people` for the values, `match` for the verdict, `clues` for what may point to a customer, `results` and `sender`
for what makes an address believable, `rights` for what a sender may do.
"""

from identity.clues import Signs
from identity.match import recognise
from identity.people import (
    Agreement,
    Authentication,
    Candidate,
    Contact,
    Contract,
    Customer,
    Found,
    PinRecord,
    Product,
    Recognition,
)
from identity.rights import is_party, may_acknowledge

__all__ = [
    "Agreement",
    "Authentication",
    "Candidate",
    "Contact",
    "Contract",
    "Customer",
    "Found",
    "PinRecord",
    "Product",
    "Recognition",
    "Signs",
    "is_party",
    "may_acknowledge",
    "recognise",
]
