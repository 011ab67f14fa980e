"""The append-only record of every mutation."""
