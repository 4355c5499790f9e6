"""Keeping house: checks, copies, retention, and what another configuration would change."""
