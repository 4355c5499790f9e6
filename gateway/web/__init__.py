"""The web door: console, API and phone webhooks."""
