"""Addresses and parameters in MAIL and RCPT (RFC 5321 section 4.1.2). Pure.

Strict about the form, since the form is where injections live; lenient about what real senders do (dots at odd places,
return paths beyond 64 characters). It does not ask whether an address exists.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_LONGEST = 320  # 64 + @ + 255; signed return paths use all of it
_LOCAL = r"""(?:[^\s<>()\[\]\\,;:@"\x00-\x1f\x7f]+|"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*")"""
_LABEL = r"[A-Za-z0-9_\u0080-\U0010ffff](?:[A-Za-z0-9_\u0080-\U0010ffff-]*[A-Za-z0-9_\u0080-\U0010ffff])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Za-z:.-]+\])"
# A source route before the address is ignored, as RFC 5321 appendix C demands; a postmaster needs no domain.
_PATH = re.compile(rf"<(?:@[^<>:\s]+:)?({_LOCAL}@{_DOMAIN}|(?i:postmaster)|)>(?:$| +)")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e]+))?")


@dataclass(frozen=True, slots=True)
class Path:
    """An address without its brackets ("" for the null path), and its parameters with names in capitals."""

    address: str
    parameters: Mapping[str, str]


def parse(argument: str, keyword: str) -> Path | None:
    """Read `FROM:<a@b> SIZE=9` or `TO:<a@b>`; None if it is not exactly that."""
    if argument[: len(keyword)].upper() != keyword:
        return None
    rest = argument[len(keyword) :].lstrip(" ")
    match = _PATH.match(rest)
    if match is None or len(match[1]) > _LONGEST:
        return None
    parameters = {}
    for word in rest[match.end() :].split():
        parameter = _PARAMETER.fullmatch(word)
        if parameter is None:
            return None
        parameters[parameter[1].upper()] = parameter[2] or ""
    return Path(match[1], parameters)
