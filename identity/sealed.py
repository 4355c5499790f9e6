"""What a forwarder or mailing list found out before it changed a mail, told by its ARC set (RFC 8617).

Somebody else must have verified that the chain is whole; this module only reads what the first sealer saw, and believes it
when every sealer of the chain is one that the configuration trusts. No signatures, no DNS.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from identity import normal
from identity.people import Authentication
from identity.results import Result, parse

_TAG = re.compile(r"(?:^|;)\s*(i|d)\s*=\s*([^\s;]+)")
_INSTANCE = re.compile(r"\s*i\s*=\s*([0-9]{1,2})\s*;\s*(.*)", re.DOTALL)
MOST = 50  # RFC 8617 section 4.2.1

Headers = Sequence[tuple[str, str]]
Verdict = Callable[[tuple[Result, ...], str], Authentication]


def judge(headers: Headers, sealers: Collection[str], host: str, verdict: Verdict) -> Authentication | None:
    """What the first sealer says about the From domain `host`; None when the chain is not one that we trust."""
    seals = _by_instance((tags.get("i", ""), tags.get("d", "")) for tags in map(_tags, _all(headers, "arc-seal")))
    if not seals or sorted(seals) != list(range(1, len(seals) + 1)) or len(seals) > MOST:
        return None
    if any(normal.domain(domain) not in sealers for domain in seals.values()):
        return None
    found = (_INSTANCE.fullmatch(value) for value in _all(headers, "arc-authentication-results"))
    saw = _by_instance((one[1], one[2]) for one in found if one)
    read = parse(saw.get(1, ""))
    if read is None:
        return None
    judged = verdict(read[1], host)
    if not judged.passed:
        return None
    told = (
        f"arc: sealed by {', '.join(seals[i] for i in sorted(seals))}, whom the configuration trusts",
        *judged.evidence,
    )
    return Authentication("pass", "arc", host, told)


def _all(headers: Headers, name: str) -> list[str]:
    return [value for found, value in headers if found == name]


def _tags(value: str) -> Mapping[str, str]:
    return dict(_TAG.findall(value))


def _by_instance(pairs: Iterable[tuple[str, str]]) -> dict[int, str]:
    """Instance -> value; nothing at all when a number is missing or comes twice."""
    found: dict[int, str] = {}
    for number, value in pairs:
        if not number.isdecimal() or int(number) in found:
            return {}
        found[int(number)] = value
    return found
