"""The configured carrier, put together. Refuses to know more of any than its name and what it is built from."""

from __future__ import annotations

from collections.abc import Callable

from gateway.phone import signalwire, telnyx, twilio
from gateway.phone.carrier import Carrier
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
