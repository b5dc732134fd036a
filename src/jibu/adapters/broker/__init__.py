"""Event brokers."""
