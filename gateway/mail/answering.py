"""Does an acknowledgement go back at once, and to whom? By what the mail is and who proved to have sent it.

Budgets are the store's to count and the engine's to ask. Refuses to write or to send.
"""

from dataclasses import replace

from gateway.mail.author import Author
from gateway.mail.values import Mail
from gateway.store.directory import StoredFinder
from gateway.tickets import events
from gateway.tickets.events import Event
from identity import rights
from identity.people import Recognition


def whom(
    finder: StoredFinder, mail: Mail, author: Author, who: Recognition, event: Event | None
) -> tuple[Recognition, str | None]:
    """Who hears that a ticket is open, and the reason code when nobody does. Of a machine's event a person of its customer hears."""
    answer, why_not = rights.may_acknowledge(
        author.sender, author.proof, finder, automatic=author.automatic, reply_to=author.reply_to
    )
    if answer and who.requester:
        answer, why_not = False, "passed-on"  # to the author it says nothing, and the other has written nothing to us
    if event and who.verified and (told := events.whom_to_tell(finder, who)):
        who, answer, why_not = replace(who, address=told), event.state == "problem", "recovered"
    if answer and mail.arrival.quiet:
        answer, why_not = False, "archive"
    return who, None if answer else why_not
