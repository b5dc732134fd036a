"""Jibu: cited answers from government documents, as a GovStack-style building block."""

__version__ = "0.1.0"
