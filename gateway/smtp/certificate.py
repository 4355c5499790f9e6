"""Our certificate, as the files have it now: replaced without a restart, and never by a worse one.

Refuses to make or fetch certificates, and to speak TLS below 1.2 (RFC 8996).
"""

import ssl
from pathlib import Path

from gateway.errors import Permanent

State = tuple[tuple[int, int] | None, ...]


class Certificate:
    """The context that new sessions use. Raises Permanent when the files cannot be used at start."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._loaded = self._noticed = self._state()
        self.context = self._load()

    def watch(self) -> str | None:
        """Take changed files up once they have stood still since the last look: the two are not written as one.

        Returns the words of trouble when they cannot be used, once; the context in use stays."""
        state = self._state()
        settled, self._noticed = state == self._noticed, state
        return self.reload() if settled and state != self._loaded else None

    def reload(self) -> str | None:
        """Take the files up now; the words of trouble when they cannot be used, and then nothing is changed."""
        self._loaded = self._noticed = self._state()
        try:
            self.context = self._load()
        except Permanent as trouble:
            return f"{trouble.public}; the certificate that was in use stays"
        return None

    def _load(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        try:
            context.load_cert_chain(self._certificate, self._key, password=_no_password)
        except (OSError, ValueError) as trouble:  # SSLError is an OSError
            why = trouble.strerror or getattr(trouble, "reason", None) if isinstance(trouble, OSError) else trouble
            raise Permanent(
                f"the certificate {self._certificate} with the key {self._key} cannot be used: {why}; "
                "give a PEM chain and its unencrypted key, both readable"
            ) from trouble
        return context

    def _state(self) -> State:
        return tuple(_stamp(path) for path in (self._certificate, self._key))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _no_password() -> str:
    """Without this, an encrypted key asks at the terminal, and Presa waits for ever."""
    raise ValueError("the key is encrypted")
