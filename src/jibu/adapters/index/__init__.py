"""Passage indexes."""
