"""Runs that are run again on the tables they saw, and what comes of comparing them."""
