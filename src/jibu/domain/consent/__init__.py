"""Consent: policies, data agreements, individuals, records, their revisions and signatures. Plain values and rules."""
