"""The canary: a mail of our own, sent by our smart host to the mailbox's address, that proves the way in.

It is known again by its Message-ID, which carries our HMAC: nobody else can have a report passed over as one. It never
becomes a ticket; the ledger has it as refused, with the reason `canary`.
"""

import hmac
import re
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256

from gateway.errors import Permanent
from gateway.post import send
from gateway.post.send import SmartHost
from gateway.store.jobs import Handler, Job, Settled

REASON = "canary"
KIND = "canary"  # of its job
_ID = re.compile(r"canary\.(?P<box>[a-z0-9-]{1,40})\.(?P<at>[0-9]{1,12})\.(?P<mark>[0-9a-f]{32})@[^@\s]+", re.ASCII)


def message_id(mailbox: str, address: str, at: datetime, secret: bytes) -> str:
    """The id, without <>, of the canary that is sent to this mailbox at that instant."""
    second = str(int(at.timestamp()))
    return f"canary.{mailbox}.{second}.{_mark(mailbox, second, secret)}@{address.rpartition('@')[2]}"


def is_ours(found: str | None, mailbox: str, secret: bytes) -> bool:
    """Whether a Message-ID is that of a canary which we sent to this mailbox."""
    match = _ID.fullmatch(found or "")
    if match is None or match["box"] != mailbox:
        return False
    return hmac.compare_digest(match["mark"], _mark(mailbox, match["at"], secret))


def handler(smarthost: SmartHost) -> Handler:
    """Sends canaries. `state`: the mailbox's address, its Message-ID and when."""

    def run(job: Job) -> Settled:
        if smarthost.is_outbox:
            raise Permanent("a canary needs a smart host that sends; the outbox keeps what it is given")
        at = datetime.fromisoformat(job.state["at"])
        letter = compose(job.state["address"], job.state["message_id"], at)
        send.send(letter, job.state["address"], job.state["address"], smarthost)
        return Settled()

    return run


def compose(address: str, id_: str, at: datetime) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = mail["To"] = address
    mail["Subject"] = "Presa canary"
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{id_}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content("Presa sends this mail to itself to see that mail arrives. There is nothing to do.\n")
    return mail.as_bytes()


def _mark(mailbox: str, second: str, secret: bytes) -> str:
    return hmac.new(secret, f"presa.canary\0{mailbox}\0{second}".encode(), sha256).hexdigest()[:32]
