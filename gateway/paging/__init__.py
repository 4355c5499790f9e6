"""A page: rung until somebody accepts, written, joined, watched and reported."""
