"""Calls to other systems: only to addresses that are allowed."""
