"""Secrets, from the environment or from files that it names; never from YAML, never into a log or a repr.

``PRESA_X`` holds the value, ``PRESA_X_FILE`` the path of a file with it (as container platforms mount them). Both at
once are refused: nobody could say which holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.settings.source import ConfigError

_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must stay unknown to others. None: not given.

    `twilio_auth_tokens`: two while one is being rotated. `pepper`: mixed into PIN hashes; changing it voids them.
    `webhook` (PRESA_WEBHOOK_SECRET): signs the webhooks of pages.
    `key` (PRESA_SECRET): signs thread tokens and sessions. `smarthost`: its URL may hold a password.
    """

    twilio_auth_tokens: tuple[str, ...] = field(default=(), repr=False)
    twilio_account_sid: str | None = field(default=None, repr=False)
    pepper: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    smarthost: str | None = field(default=None, repr=False)
    smarthost_password: str | None = field(default=None, repr=False)
    dkim_key: str | None = field(default=None, repr=False)
    webhook: str | None = field(default=None, repr=False)
    signalwire_project: str | None = field(default=None, repr=False)
    signalwire_token: str | None = field(default=None, repr=False)
    sip_password: str | None = field(default=None, repr=False)
    signalwire_signing_keys: tuple[str, ...] = field(default=(), repr=False)
    telnyx_account_sid: str | None = field(default=None, repr=False)
    telnyx_api_key: str | None = field(default=None, repr=False)
    telnyx_public_keys: tuple[str, ...] = field(default=(), repr=False)


def value(env: Mapping[str, str], name: str) -> str | None:
    """`name` from the environment or from the file that `name`_FILE says; None when neither is set or it is empty."""
    direct, path = env.get(name), env.get(f"{name}_FILE")
    if direct and path:
        raise ConfigError([f"environment:{name}: both {name} and {name}_FILE are set; one of the two; unset one"])
    if not path:
        return (direct or "").strip() or None
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = f"{name}_FILE names {path}, which can't be read"
        raise ConfigError([f"environment:{name}_FILE: {what}; a readable text file; correct the path"]) from error
    return text[:_LONGEST].strip() or None


def read(env: Mapping[str, str]) -> Secrets:
    """All secrets. Raises ConfigError: a file that can't be read, a value given twice, more than two auth tokens."""
    return Secrets(
        twilio_auth_tokens=_one_or_two(env, "PRESA_TWILIO_AUTH_TOKEN"),
        twilio_account_sid=value(env, "PRESA_TWILIO_ACCOUNT_SID"),
        pepper=value(env, "PRESA_PEPPER"),
        key=value(env, "PRESA_SECRET"),
        smarthost=value(env, "PRESA_SMARTHOST"),
        smarthost_password=value(env, "PRESA_SMARTHOST_PASSWORD"),
        dkim_key=value(env, "PRESA_DKIM_KEY"),
        webhook=value(env, "PRESA_WEBHOOK_SECRET"),
        signalwire_project=value(env, "PRESA_SIGNALWIRE_PROJECT"),
        signalwire_token=value(env, "PRESA_SIGNALWIRE_TOKEN"),
        sip_password=value(env, "PRESA_SIP_PASSWORD"),
        signalwire_signing_keys=_one_or_two(env, "PRESA_SIGNALWIRE_SIGNING_KEY"),
        telnyx_account_sid=value(env, "PRESA_TELNYX_ACCOUNT_SID"),
        telnyx_api_key=value(env, "PRESA_TELNYX_API_KEY"),
        telnyx_public_keys=_one_or_two(env, "PRESA_TELNYX_PUBLIC_KEY"),
    )


def _one_or_two(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    """What webhooks are checked with: one value, or two with a comma while it is being changed."""
    tokens = tuple(token.strip() for token in (value(env, name) or "").split(",") if token.strip())
    if len(tokens) > 2:
        raise ConfigError([f"environment:{name}: {len(tokens)} tokens; one, or two while rotating; remove the rest"])
    return tokens
