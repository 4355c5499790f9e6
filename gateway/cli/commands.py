"""The table of commands (docs/commands.md tells what each does)."""

import typer

from gateway.cli import asking, duty, emptying, keeping, looking, pages, pin, relating, replaying, running, tokens, who

app = typer.Typer(
    name="presa", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Email and phone intake gateway for support desks.",
)  # fmt: skip
app.command("up")(running.up)
app.command("check")(running.check)
app.command("import")(running.import_)
app.command("ingest")(running.ingest)
app.command("call")(running.call)
app.command("user")(running.user)
app.command("token")(tokens.token)
app.add_typer(pin.app, name="pin")
app.command("parse")(asking.parse)
app.command("who")(who.who)
app.command("sla")(asking.sla)
app.add_typer(duty.app, name="oncall")
app.add_typer(pages.app, name="page")
app.command("relate")(relating.relate)
app.command("merge")(relating.merge)
app.command("unmerge")(relating.unmerge)
app.command("tickets")(looking.tickets)
app.command("explain")(looking.explain)
app.command("ledger")(looking.ledger)
app.command("calls")(looking.calls)
app.command("jobs")(looking.jobs)
app.command("mailboxes")(emptying.mailboxes)
app.command("held")(keeping.held)
app.command("export")(keeping.export)
app.command("erase")(keeping.erase)
app.command("backup")(keeping.backup)
app.command("restore")(keeping.restore)
app.command("replay")(replaying.replay)
