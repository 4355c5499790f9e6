"""DKIM: our letters carry the signature of our domain (RFC 6376), when there is a key.

Signed when a letter is written down, so that the same letter sent again is the same bytes. Refuses to sign in the name
of a domain that is not the letter's own, and to start with a key that cannot sign.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from gateway.settings import ConfigError
from gateway.settings.presa import Dkim

log = structlog.get_logger(__name__)

# Those that a reader acts on; each is signed once more than it is there, so that nobody can add one (section 8.15).
SIGNED = ("from", "to", "reply-to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted",
          "content-type", "mime-version")  # fmt: skip
ONCE_MORE = ("from", "to", "reply-to", "subject", "date", "message-id")
LEAST_BITS = 1024  # RFC 8301 section 3.2: less must not be used


@dataclass(frozen=True, slots=True)
class Signer:
    """A key and the name under which the world finds its other half."""

    domain: str
    selector: str
    key: bytes = field(repr=False)

    def signs_for(self, address: str) -> bool:
        host = address.rpartition("@")[2].lower()
        return host == self.domain or host.endswith(f".{self.domain}")

    def sign(self, letter: bytes) -> bytes:
        """The letter with its signature before it; as it is when signing fails: an unsigned answer beats none."""
        import dkim

        there = {line.partition(b":")[0].lower() for line in letter.partition(b"\r\n\r\n")[0].split(b"\r\n")}
        names = [name.encode() for name in SIGNED if name.encode() in there]
        names += [name.encode() for name in ONCE_MORE]
        try:
            head: bytes = dkim.sign(
                letter, self.selector.encode(), self.domain.encode(), self.key,
                canonicalize=(b"relaxed", b"relaxed"), include_headers=names,
            )  # fmt: skip
        except Exception as trouble:  # dkimpy raises a dozen types; the key was tried at start
            log.error("dkim.failed", exc_info=trouble)
            return letter
        return head + letter

    def public(self) -> str:
        """The `p=` of the record that the world must find: base64 of the public key."""
        return _public(self.key)


def signer_of(dkim: Dkim | None, key: str | None, home: Path) -> Signer | None:
    """The signer that is configured, its key tried out; None when there is none. Raises ConfigError."""
    where = home / "presa.yaml"
    if dkim is None:
        if key:
            raise ConfigError(
                ["environment:PRESA_DKIM_KEY: a key without 'dkim' in presa.yaml; add domain and selector"]
            )
        return None
    text = key
    if text is None and dkim.key_file:
        try:
            text = (home / dkim.key_file).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            raise ConfigError([f"{where}: dkim.key_file: {dkim.key_file} can't be read; correct the path"]) from None
    if not text:
        raise ConfigError([f"{where}: dkim without a key; set PRESA_DKIM_KEY or dkim.key_file"])
    signer = Signer(dkim.domain, dkim.selector, text.strip().encode() + b"\n")
    unusable = f"{where}: the DKIM key can't be used; give an RSA key of 2048 bits in PEM"
    try:
        _public(signer.key)
    except Exception as trouble:  # whatever stands there, it is no key
        raise ConfigError([unusable]) from trouble
    if not signer.sign(b"From: <a@" + dkim.domain.encode() + b">\r\n\r\nx\r\n").startswith(b"DKIM-Signature:"):
        raise ConfigError([unusable])
    return signer


def record_fault(signer: Signer, ask: Callable[[str], tuple[str, ...]]) -> str | None:
    """What is wrong with the record that the world sees, None when nothing is. `ask`: the TXT records of a name."""
    name = f"{signer.selector}._domainkey.{signer.domain}"
    found = [record for record in ask(name) if re.search(r"(?:^|;)\s*p\s*=", record)]
    wanted = signer.public()
    advice = f"publish TXT {name}: v=DKIM1; k=rsa; p={wanted}"
    if not found:
        return f"{name} has no DKIM record; {advice}"
    tags = {part.partition("=")[0].strip(): part.partition("=")[2] for part in found[0].split(";")}
    if "".join(tags["p"].split()) != wanted:
        return f"{name} holds another key than ours; {advice}"
    return None


def _public(key: bytes) -> str:
    import base64

    from dkim.crypto import parse_pem_private_key

    parts = parse_pem_private_key(key)
    if parts["modulus"].bit_length() < LEAST_BITS:
        raise ValueError("a key of less than 1024 bits")
    return base64.b64encode(_spki(parts["modulus"], parts["publicExponent"])).decode()


def _spki(modulus: int, exponent: int) -> bytes:
    """SubjectPublicKeyInfo of an RSA key (RFC 8017 appendix A.1, RFC 3279 section 2.3.1)."""
    key = _der(0x30, _integer(modulus) + _integer(exponent))
    algorithm = _der(0x30, bytes.fromhex("06092a864886f70d010101") + b"\x05\x00")
    return _der(0x30, algorithm + _der(0x03, b"\x00" + key))


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content
