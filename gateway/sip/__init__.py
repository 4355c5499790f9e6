"""A telephone line without a carrier (the extra `presa[sip]`): SIP and RTP in and out, speech from a program on this
machine.

A call here does the same TwiML, over the same signed webhooks, as a call at a carrier's (`telephone`); orders go through
the same port (`line`). Refuses to decide what is said, to answer or call whom the configuration does not name, and to be
imported where the extra is not installed: `gateway.app` does it only for `carrier: {kind: sip}`.
"""
