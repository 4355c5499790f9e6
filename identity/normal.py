"""One normal form each for addresses, domains, phone numbers and codes, so that equality is enough.

Refuses to be helpful with letters: nothing outside ASCII is ever folded into ASCII, neither full-width letters nor the
Kelvin sign, because that is how one writes somebody else's domain. What has no safe normal form is None, and matches
nobody.
"""

import re
import unicodedata
from functools import lru_cache

import idna
import phonenumbers

_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
LONGEST_ADDRESS = 64 + 1 + 253  # RFC 5321 section 4.5.3.1, RFC 1035
_SPECIALS = frozenset('()<>[]:;@\\,"')  # RFC 5322 section 3.2.3; "." is allowed inside
_SLASH = re.compile(r"\s*/\s*")
_PHONE = re.compile(
    r"(?P<number>\+?[0-9(][0-9\s().\-]*)(?:[;,]?\s*(?:ext|x|int|interno|int\.|ext\.)\.?\s*[0-9]{1,6})?", re.IGNORECASE
)


def lower(text: str) -> str:
    """ASCII letters in lower case, everything else untouched (``"\\u212a".lower()`` would be the letter k)."""
    return text.translate(_LOWER)


def domain(text: str) -> str | None:
    """A DNS name in lower-case punycode, or None: empty labels, literals, a trailing dot, or what IDNA 2008 forbids.

    RFC 5891 without the mappings of UTS 46: those map full-width letters to ASCII.
    """
    labels = [_label(label) for label in lower(text).split(".")]
    if len(labels) < 2 or None in labels:
        return None
    name = ".".join(label for label in labels if label)
    return name if len(name) <= 253 and not labels[-1].isdigit() else None  # type: ignore[union-attr]


def _label(label: str) -> str | None:
    if label.isascii():
        return label if _LABEL.fullmatch(label) else None
    if len(label) > 63:
        return None
    try:
        return idna.alabel(label).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None


def address(text: str) -> str | None:
    """``Mario.Rossi@ACME.Example`` -> ``mario.rossi@acme.example``; None without a safe normal form.

    The local part is lower-cased for comparison only: keep the written form for sending. Quoted local parts have no
    normal form: nobody sends them, and ``"victim@acme.example"@evil.example`` reads like two addresses.
    """
    text = text.strip(" \t")
    return _address(text) if len(text) <= LONGEST_ADDRESS else None


@lru_cache(maxsize=4096)
def _address(text: str) -> str | None:
    local, at, host = text.rpartition("@")
    name = domain(host) if at else None
    if not name or not local or len(local) > 64 or not all(_allowed(c) for c in local):
        return None
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    return f"{lower(local)}@{name}"


def _allowed(char: str) -> bool:
    if char.isascii():
        return "!" <= char <= "~" and char not in _SPECIALS
    return unicodedata.category(char)[0] in "LNM"


def host(normal_address: str) -> str:
    """The domain of a normal address."""
    return normal_address.rpartition("@")[2]


def phone(text: str, region: str = "IT") -> str | None:
    """A phone number in E.164, or None: withheld, too short, letters, digits of other scripts.

    Understands what Italians write: ``06/12345678``, a missing prefix, ``0039``, ``02 1234567/8`` (the second line of a
    switchboard is dropped), an extension (dropped).
    """
    head, *rest = _SLASH.split(text.strip())
    written = f"{head} {' '.join(rest)}" if rest and sum(c.isdigit() for c in head) <= 6 else head
    match = _PHONE.fullmatch(written.strip())
    if match is None:
        return None
    try:
        number = phonenumbers.parse(match["number"], region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_mobile(e164: str) -> bool:
    """Whether a number in E.164 can get an SMS: a mobile one, or in countries that do not tell, either."""
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return phonenumbers.number_type(phonenumbers.parse(e164)) in kinds


def code(text: str) -> str:
    """A customer code as keyed: its ASCII digits, without spaces, dashes, star and hash; empty when there are none."""
    return "".join(c for c in text if "0" <= c <= "9")


def alias(text: str) -> str:
    """A code as people write it (``acm-0001``): upper case, without spaces; empty when it holds other than ASCII."""
    bare = "".join(text.split())
    return bare.upper() if bare.isascii() else ""


def code_or_alias(text: str) -> str:
    """What to look a typed code up by: the digits when only digits, spaces, dashes or a final # were typed."""
    bare = "".join(text.split()).rstrip("#")
    return code(bare) if bare.isascii() and bare.replace("-", "").isdigit() else alias(bare)
