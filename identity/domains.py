"""Organisational domains (RFC 7489 section 3.2) and alignment, from the public suffix list that ships with the package.

The list is read once at import; nothing here asks DNS.
"""

from publicsuffixlist import PublicSuffixList

_SUFFIXES = PublicSuffixList()


def organisational(domain: str) -> str | None:
    """``mail.acme.co.uk`` -> ``acme.co.uk``; None for a public suffix itself. `domain` in normal form."""
    name: str | None = _SUFFIXES.privatesuffix(domain)
    return name


def parents(domain: str) -> tuple[str, ...]:
    """The names above `domain` down to its organisational domain, nearest first, without itself."""
    top = organisational(domain)
    labels = domain.split(".")
    above = (".".join(labels[i:]) for i in range(1, len(labels)))
    return tuple(name for name in above if top and (name == top or name.endswith("." + top)))


def aligned(checked: str, author: str, *, strict: bool = False) -> bool:
    """Whether a pass for `checked` (DKIM d=, SPF mailfrom) speaks for the From domain `author`.

    The same name, or one above the other within one organisational domain. Siblings don't align: DMARC's relaxed mode
    would let ``news.acme.example`` speak for ``erp.acme.example``, and hosts let their tenants have the one.
    """
    if checked == author:
        return True
    return not strict and (checked in parents(author) or author in parents(checked))
