"""Tells people and programs what became of runs: destinations, an outbox, a delivery log."""
