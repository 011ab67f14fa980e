"""Deterministic orchestration: what runs when. No I/O, no clock but the workflow's own."""
