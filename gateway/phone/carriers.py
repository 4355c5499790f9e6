"""The configured carrier, put together. Refuses to know more of any than its name and what it is built from."""

from __future__ import annotations

from collections.abc import Callable

from gateway.phone import signalwire, telnyx, twilio
from gateway.phone.carrier import Carrier, Webhook
from gateway.settings.presa import Carrier as Configured


def of(ours: Configured, public_url: str, now: Callable[[], float], *, seconds: float) -> Carrier:
    """`now`: seconds since 1970, for signatures that hold only a while; `seconds`: how long one order may take."""
    account, tokens, key = ours.account_sid or "", ours.auth_tokens, ours.api_key or ""
    match ours.kind:
        case "signalwire":
            return Carrier(
                "signalwire",
                signalwire.Signatures(public_url, tokens).genuine,
                signalwire.heard,
                signalwire.CALL,
                signalwire.RECORDING,
                signalwire.Carrier(account, key, ours.api_url, seconds=seconds),
            )
        case "telnyx":
            return Carrier(
                "telnyx",
                telnyx.Signatures(tokens, now).genuine,
                telnyx.heard,
                telnyx.CALL,
                telnyx.RECORDING,
                telnyx.Carrier(account, key, ours.application, ours.api_url, seconds=seconds),
                telnyx.texted,
                replies=False,
            )
    api_url = f"{public_url}/simulated" if ours.kind == "simulator" else ours.api_url
    return Carrier(
        ours.kind,
        twilio.Signatures(public_url, tokens).genuine,
        twilio.heard,
        twilio.CALL,
        twilio.RECORDING,
        twilio.Carrier(account, tokens[0], api_url, seconds=seconds),
    )


def unfit(ours: Configured, public_url: str) -> str:
    """What is wrong with what webhooks are checked with; "" for nothing: a webhook that we sign ourselves is taken."""
    path = f"{ours.path}/voice"
    if ours.kind == "telnyx":
        bad = [key for key in ours.auth_tokens if not telnyx.is_key(key)]
        return "PRESA_TELNYX_PUBLIC_KEY is no Ed25519 key in Base64; copy it from the portal" if bad else ""
    signed = twilio.signature(public_url + path, (), ours.auth_tokens[0])
    webhook = Webhook(path, b"", (), {twilio.HEADER: signed})
    carrier = of(ours, public_url, lambda: 0.0, seconds=1.0)
    return (
        "" if carrier.genuine(webhook) else f"a webhook signed for {public_url}{path} is not taken; correct public_url"
    )
