"""The mail door: takes mails from strangers over SMTP and hands each one, whole, to a function.

It knows the protocol and its abuses and nothing else: no database, no parsing of what a mail says, no relaying. The
answer 250 is given only after `deliver` has returned; whatever else happens, the sender still owns the mail.

Read in this order: `values` (what goes in and out), `connection` (how a client comes and goes), `session` (one
conversation), `content` (where a mail ends), `paths` (addresses in commands), `hall` (what the conversations share),
`lmtp` (what our own mail server speaks), `certificate` (replaced while the door is open), `door` (listening and
stopping).
"""

from gateway.smtp.certificate import Certificate
from gateway.smtp.door import Door
from gateway.smtp.values import Deliver, Delivery, Limits, Listener, Ours

__all__ = ["Certificate", "Deliver", "Delivery", "Door", "Limits", "Listener", "Ours"]
