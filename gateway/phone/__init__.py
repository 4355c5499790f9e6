"""Telephony: the carrier behind a port (`twilio`), and a carrier of our own for tests and the demo (`simulator`,
`exchange`).

Refuses to decide what is said or done in a call: that is `ivr`.
"""
