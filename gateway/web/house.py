"""The /in doors over one engine: tokens from the store, reports into the story. Holds nothing but the engine."""

from collections.abc import Callable

from gateway.engine import Arrival, Engine, Outcome
from gateway.people import importing
from gateway.store import api_tokens
from gateway.store.api_tokens import NOTED_EVERY, ApiToken
from gateway.web import callback_in, oncall_in
from gateway.web.intake import House
from routing.desk import Desk


def house_of(engine: Engine, promised: Callable[[str, str], None]) -> House:
    """What `intake.api` needs. `promised`: notes door and delivery key of what is about to be answered 200."""
    database = engine.database

    def take(arrival: Arrival) -> Outcome:
        mail = engine.read(arrival)
        outcome = engine.take_read(mail)
        promised("http", mail.key)
        return outcome

    def living(found: ApiToken | None) -> ApiToken | None:
        now = database.clock.now()
        if found is None or not found.live(now):
            return None
        if found.used_at is None or now - found.used_at >= NOTED_EVERY:
            database.write(lambda connection: api_tokens.used(connection, found, now))
        return found

    def token(text: str) -> ApiToken | None:
        return living(database.read(lambda connection: api_tokens.by_text(connection, text)))

    def form(token_id: str) -> tuple[ApiToken, str] | None:
        found = living(database.read(lambda connection: api_tokens.by_id(connection, token_id)))
        if found is None or "form" not in found.scopes:
            return None
        return found, api_tokens.form_key(found.id, engine.secret)

    def desk(address: str) -> Desk | None:
        ours = engine.recipient(address)
        return engine.desk(engine.settings.recipients[ours].desk) if ours else None

    return House(
        take, token, form, desk, database.clock.now, next(iter(engine.settings.recipients)),
        engine.settings.limits.size, engine.settings.demo,
        lambda text, kind, dry_run, keep: importing.import_text(
            engine.settings, database, text, kind, name=f"body.{kind}", dry_run=dry_run, keep=keep
        ),
        callback_in.call_back(engine),
        oncall_in.standing(engine),
    )  # fmt: skip
