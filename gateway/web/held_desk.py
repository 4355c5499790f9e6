"""The held mails of one engine as the console's pages need them: lines of the ledger to views, forms to decisions."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import parsers
from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.filing import shown
from gateway.mail import held as deciding
from gateway.mail.held import Choice
from gateway.store import held, reports
from gateway.store.reports import LedgerRow
from gateway.web import phrases
from gateway.web.held import Decided, HeldPage, HeldRow, Told
from gateway.web.views import Attachment, File
from parsers import Message, pictures

END_OF_HEADER = (b"\r\n\r\n", b"\n\n")


class HeldDesk:
    """`gateway.web.held.HeldMails` for one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._database = engine.database

    def count(self) -> int:
        return self._database.read(held.count)

    def example(self) -> str:
        return deciding.example(self._engine)

    def rows(self, limit: int, offset: int, *, spam: bool) -> tuple[HeldRow, ...]:
        found = self._database.read(lambda c: held.listed(c, limit, offset, spam=spam))
        wanted = [one.sha256 for one in found if one.sha256]
        heads = self._database.read(lambda c: held.heads(c, wanted))
        return tuple(self._row(one, _header(heads, one.sha256)) for one in found)

    def page(self, report: str) -> HeldPage | None:
        row, raw = self._kept(report)
        if row is None or row.door == "phone":
            return None
        said = parsers.unsealed(parsers.parse(raw)) if raw is not None else Message()
        ticket = self._database.read(lambda c: self._engine.ticket(c, row.ticket_id or 0))
        return HeldPage(
            self._row(row, said), row.outcome == "held" or row.reason == held.SPAM_REASON, row.outcome,
            ticket.number if ticket else "", _addresses(said.to) or ", ".join(row.rcpt), _addresses(said.cc),
            row.envelope_from or "", row.peer, row.message_id or "", said.text or said.reply_text, said.html is not None,
            raw is not None, len(raw or b""), _files(said), row.evidence,
            tuple(Told(datetime.fromisoformat(one["at"]), one["by"], one["did"]) for one in row.story),
        )  # fmt: skip

    def html(self, report: str) -> tuple[str, tuple[Attachment, ...]] | None:
        said = self._message(report)
        return None if said is None or said.html is None else (said.html, _files(said))

    def raw(self, report: str) -> File | None:
        row, raw = self._kept(report)
        return None if row is None or raw is None else File(f"report-{row.id}.eml", "message/rfc822", raw)

    def file(self, report: str, file: str) -> File | None:
        said = self._message(report)
        if said is None or not (file.isascii() and file.isdecimal()) or int(file) >= len(said.attachments):
            return None
        found = said.attachments[int(file)]
        return File(found.filename or f"attachment-{file}", found.content_type, found.content)

    def release(self, reports: Sequence[str], how: str, ticket: str, by: str) -> Decided:
        numbers, problems = [], []
        for report in reports:
            try:
                done = deciding.release(self._engine, int(report), Choice(how, by, ticket))  # type: ignore[arg-type]
                numbers.append(done.number)
            except Permanent as trouble:
                problems.append(trouble.public)
        return Decided(tuple(numbers), tuple(dict.fromkeys(problems)))

    def own(self, number: str, entry: str, by: str) -> str:
        return deciding.own_ticket(self._engine, number, int(entry), by).number

    def separate(self, report: str, by: str) -> str:
        return deciding.separate(self._engine, int(report), by).number

    def _kept(self, report: str) -> tuple[LedgerRow | None, bytes | None]:
        """The ledger's line and the raw mail, where there is one."""
        if not (report.isascii() and report.isdecimal() and len(report) <= 18):
            return None, None
        row = self._database.read(lambda c: reports.get(c, int(report)))
        if row is None or row.sha256 is None:
            return row, None
        sha256 = row.sha256
        return row, self._database.read(lambda c: reports.raw(c, sha256))

    def _message(self, report: str) -> Message | None:
        raw = self._kept(report)[1]
        return None if raw is None else parsers.unsealed(parsers.parse(raw))

    def _row(self, row: LedgerRow, said: Message) -> HeldRow:
        name = _addresses(said.froms)
        reason = row.reason or ""
        if row.story:  # of one that was decided about: what it was held for at first
            reason = row.story[0]["reason"] or reason
        old = self._database.clock.now() - row.at > timedelta(hours=self._engine.settings.held_alarm_hours)
        return HeldRow(
            str(row.id), row.at, name or row.envelope_from or "", shown(said.subject or ""), reason,
            phrases.REASONS.get(reason, ""), old and row.outcome == "held",
        )  # fmt: skip


def _header(heads: Mapping[str, bytes], sha256: str | None) -> Message:
    """What the header says, of the first bytes of a mail."""
    head = heads.get(sha256 or "", b"")
    ends = [at for mark in END_OF_HEADER if (at := head.find(mark)) >= 0]
    return parsers.parse(head[: min(ends)] + b"\r\n\r\n") if ends else parsers.parse(head)


def _files(said: Message) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(str(n), one.filename or f"attachment-{n}", one.content_type, one.size, one.inline, shown or "")
        for n, (one, shown) in enumerate(
            zip(said.attachments, pictures.named(said.html, said.attachments), strict=True)
        )
    )


def _addresses(found: Sequence[parsers.Address]) -> str:
    return ", ".join(f"{one.name} <{one.addr}>" if one.name else one.addr for one in found[:20])
