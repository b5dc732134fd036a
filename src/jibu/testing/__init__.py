"""Contract suites: one per port, for anyone who writes an adapter."""
