"""The demo desk's own people for the console. Their passwords are public, so they exist only where `demo: true` holds,
which settings refuse to any configuration that could reach the world.
"""

from gateway.store.users import StoredUser
from gateway.web import sessions
from gateway.web.signin import Hint

HINTS = (
    Hint("agent", "demo-agent", "agent"),
    Hint("supervisor", "demo-supervisor", "supervisor"),
    Hint("oncall", "demo-oncall", "on-call"),
)
NAMES = {"agent": "Ada Demo (agent)", "supervisor": "Sergio Demo (supervisor)", "oncall": "Olga Demo (on-call)"}


def people() -> dict[str, StoredUser]:
    """login -> user, as they are added to an empty demo."""
    return {
        hint.login: StoredUser(hint.login, NAMES[hint.login], hint.role, "en", sessions.hash_password(hint.password))
        for hint in HINTS
    }
