"""Measuring the mediator's relay."""
