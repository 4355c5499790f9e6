"""The authorities that this machine trusts, read once a process: each client that is made would read them all again, which
takes longer than everything else that belongs to its making."""

import ssl
from functools import lru_cache

import httpx2


@lru_cache(maxsize=1)
def authorities() -> ssl.SSLContext:
    """For `httpx2.Client(verify=...)`."""
    return httpx2.create_ssl_context()
