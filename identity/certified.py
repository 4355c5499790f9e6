"""May the envelope of Italian certified mail (PEC) vouch for the sender that it names?

A PEC provider lets nobody send but the owner of a mailbox, and writes the envelope itself (DM 2 November 2005, technical rules,
6.4): so an envelope that is proven to be a listed provider's proves exactly the one address that it certifies. Everything else
inside an envelope is a claim. Refuses to read mails and to know providers: the configuration lists them.
"""

from collections.abc import Collection

from identity import normal
from identity.people import Authentication

WRITER = "posta-certificata"  # the local part under which a provider writes its envelopes


def judge(
    author: str | None, named: str, envelope: str | None, proof: Authentication, providers: Collection[str], *,
    transport: bool,
) -> Authentication:  # fmt: skip
    """`author`: who wrote the mail inside, `named`: whom the certificate names, `envelope`: the outer From, all normal forms
    but `named`; `proof`: of that From; `transport`: the envelope says that it certifies."""
    doubt = _doubt(author, named, envelope, proof, providers, transport=transport)
    if doubt is None:
        host = normal.host(author or "")
        told = f"pec: {proof.domain} proves its envelope and certifies that {author} sent what is inside"
        return Authentication("pass", "pec", host, (*proof.evidence, told))
    verdict = "none" if proof.passed else proof.verdict
    told = f"pec: {author or 'nobody'} wrote the certified mail, as a claim: {doubt}"
    return Authentication(verdict, "pec", None, (*proof.evidence, told))


def _doubt(
    author: str | None, named: str, envelope: str | None, proof: Authentication, providers: Collection[str], *,
    transport: bool,
) -> str | None:  # fmt: skip
    """Why the envelope proves nothing about the sender; None when it does."""
    local, _, host = (envelope or "").rpartition("@")
    if not transport:
        return "it came to the provider from outside, where nobody certifies"
    if host not in providers:
        return f"{host or 'its provider'} is not listed under pec_providers"
    if local != WRITER:
        return f"{envelope} is not the provider's own address"
    if not proof.passed or proof.domain != host:
        return f"nothing proves that the envelope is {host}'s"
    if author is None or normal.address(named) != author:
        return f"the certificate names {named or 'nobody'}"
    return None
