"""The `verify` job: a sender whose DNS did not answer at receipt is asked about again.

Who turns out to be genuine gets the rights of the plan, and what would have paged then pages now. Refuses to take rights
away: what could not be proven stays as it is.
"""

from sqlalchemy import Connection

import parsers
from gateway.engine import Engine
from gateway.errors import Permanent, Temporary
from gateway.mail import author as authors
from gateway.store import calls, directory, jobs, reports, tickets
from gateway.store.jobs import Job, Settled
from gateway.store.tickets import NewEntry
from identity.people import Authentication
from parsers import Message
from routing import decide
from routing.decide import Report


class Verifying:
    """The handler of one process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._database = engine.database

    def run(self, job: Job) -> Settled:
        """Ask again; still no answer is Temporary, and comes back later."""
        raw = self._database.read(lambda connection: reports.raw(connection, job.state["sha256"]))
        if raw is None or job.ticket_id is None:
            raise Permanent(f"the raw mail {job.state['sha256'][:12]} is not there")
        ticket_id, state = job.ticket_id, job.state
        message, proof = self._engine.prover.judge(parsers.parse(raw), raw, state["peer"], state["from"], state["helo"])
        if proof.verdict == "temperror":
            raise Temporary("the sender's DNS still does not answer")
        if not proof.passed:
            return Settled()
        return Settled(lambda connection: self._verified(connection, ticket_id, message, proof))

    def _verified(self, connection: Connection, ticket_id: int, message: Message, proof: Authentication) -> None:
        engine = self._engine
        ticket = engine.ticket(connection, ticket_id, lock=True)
        author = authors.of_mail(message, proof, engine.settings.own_addresses, engine.settings.form_senders)
        if ticket is None or ticket.verified or author.sender.held:
            return
        desk, now = engine.desk(ticket.desk), self._database.clock.now()
        finder = directory.StoredFinder(connection)
        who = engine.recognise(finder, author.signs(message, engine.settings.staff), desk, ticket.received_at)
        report = Report(
            "mail", ticket.received_at, message.subject or "", message.reply_text, language=message.language
        )
        decision = decide.decide(report, who, desk)
        evidence = (*ticket.evidence, *(f"verified later: {line}" for line in proof.evidence))
        tickets.update(
            connection, ticket, verified=who.verified, evidence=list(evidence), via_on_call=decision.via_on_call
        )
        tickets.tell(connection, ticket_id, now, NewEntry("state", "presa", {"words": "the sender was verified"}))
        if decision.page and ticket.state == "new":
            jobs.add(connection, "page", now, {"page": calls.open_page(connection, ticket_id, now)}, ticket_id)
        engine.restamp(connection, ticket_id)
