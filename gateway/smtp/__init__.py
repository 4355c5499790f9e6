"""The mail door: takes mails from strangers over SMTP and hands each one, whole, to a function.

It knows the protocol and its abuses and nothing else: no database, no parsing of what a mail says, no relaying. The
answer 250 is given only after `deliver` has returned; whatever else happens, the sender still owns the mail.

Read in this order: `values` (what goes in and out), `session` (one conversation), `content` (where a mail ends),
`paths` (addresses in commands), `hall` (what the conversations share), `door` (listening and stopping).
"""

from gateway.smtp.door import Door
from gateway.smtp.values import Deliver, Delivery, Limits, Ours

__all__ = ["Deliver", "Delivery", "Door", "Limits", "Ours"]
