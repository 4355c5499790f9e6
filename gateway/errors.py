"""The two kinds of trouble, each born with the words the other side may hear.

A door translates them once: Permanent to 554 / 4xx, Temporary to 451 / 503, on the phone to a spoken apology. The words
never hold a class name, a path or SQL; what an operator needs goes to the log as the exception's cause.
"""


class Trouble(Exception):
    """Something could not be done; `public` says what, to what, and what to do next."""

    def __init__(self, public: str) -> None:
        super().__init__(public)
        self.public = public


class Permanent(Trouble):
    """Trying the same thing again will not help."""


class Temporary(Trouble):
    """Trying the same thing later may help."""
