"""Customers and their people: loaded, given PINs, handed out and erased."""
