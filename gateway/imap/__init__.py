"""The mailbox door: takes mails out of IMAP mailboxes and hands each one, whole, to the engine; exactly once.

A mail is promised (flagged, moved) only after its commit. How far a mailbox is read stands in the database, mail by mail,
so any replica goes on where another stopped.

Read in this order: `watch` (one mailbox, round by round), `intake` (one mail), `client` (one session), `oauth` (access
tokens), `canary` (a mail of our own that proves the way in), `door` (the threads), `check` (for `presa check`).
"""

from gateway.imap.door import Mailboxes, holder, open_mailboxes
from gateway.imap.watch import Watch

__all__ = ["Mailboxes", "Watch", "holder", "open_mailboxes"]
