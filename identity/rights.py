"""What a sender may do: be a party to a ticket, and be answered automatically.

Both questions are settled by proof of the address, never by what a mail says about itself. Budgets and throttles of
answers are elsewhere.
"""

from collections.abc import Collection, Sequence

from identity import normal, shared
from identity.directory import Finder
from identity.people import Authentication, Recognition
from identity.sender import Sender


def is_party(recognition: Recognition, ticket_customer: str | None, ticket_addresses: Collection[str]) -> bool:
    """Whether this author may read, append to and reopen a ticket, given its token.

    A proven address that is the ticket's own (`ticket_addresses`: its requesters in normal form, never its CC), or a
    verified person of the ticket's customer.
    """
    if recognition.authenticated and recognition.address in ticket_addresses:
        return True
    return recognition.verified and ticket_customer is not None and recognition.customer == ticket_customer


def may_acknowledge(
    sender: Sender,
    authentication: Authentication,
    finder: Finder,
    *,
    automatic: str | None = None,
    reply_to: Sequence[str] = (),
) -> tuple[bool, str]:
    """(True, "") or (False, reason code): may an automatic answer go to the From address?

    `automatic`: the parser's reason why no answer may go, `reply_to`: addr-specs as written. An answer to an unproven
    address of a customer would tell a stranger's ticket to that customer; one to a failed address is backscatter.
    """
    if sender.held:
        return False, sender.held
    if sender.address is None:
        return False, "unusable-address"
    if automatic:
        return False, automatic
    if authentication.verdict == "fail":
        return False, "sender-failed"
    ours = _owners(sender.address, finder)
    proven = authentication.passed and authentication.domain == normal.host(sender.address)
    if ours and not proven:
        return False, "known-address-unverified"
    others = [address for text in reply_to if (address := normal.address(text)) and address != sender.address]
    for address in others:
        theirs = _owners(address, finder)
        if theirs and not theirs & ours:
            return False, "reply-to-other-party"
    return True, ""


def _owners(address: str, finder: Finder) -> set[str]:
    host = normal.host(address)
    rows = finder.by_address(address)
    if not rows and not shared.is_shared(host):
        rows = finder.by_domain(host)
    return {row.customer.id for row in rows}
