"""Outgoing mail: `letter` (the facts), `compose` (facts -> bytes), `tokens` (the marks that bring replies home),
`budget` (may it leave?), `check` (templates at start) and `send` (the way out).

Everything but `send` is pure. Refuses to decide who is answered, to read the store and to repeat what a stranger wrote.
"""
