"""Adapters: one folder per port, one module per vendor."""
