"""Job definitions and their immutable snapshots."""
