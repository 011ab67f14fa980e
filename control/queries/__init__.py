"""Saved SQL queries, which sql tasks may name."""
