"""Keeps accounts, calls and records in SQLite or PostgreSQL, behind the ports of `ringbridge.call.ports`."""
