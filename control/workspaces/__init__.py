"""Workspaces and the principals in them."""
