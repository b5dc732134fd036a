"""Calling other blocks' services, and reading what they say of themselves."""
