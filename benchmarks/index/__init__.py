"""Comparison of embedded passage indexes; see docs/adr/0002-embedded-index.md."""
