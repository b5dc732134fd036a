"""The running service: latency, memory and start-up with many passages, and many users at once."""
