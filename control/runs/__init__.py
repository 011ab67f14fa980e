"""Runs: admission, the outbox, what people read."""
