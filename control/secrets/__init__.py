"""Secrets: sealed at rest, given to running attempts alone, redacted from what these write."""
