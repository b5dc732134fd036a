"""Publish and subscribe: rooms, subscriptions, events and their delivery."""
