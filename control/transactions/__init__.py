"""Runs that are transactions: their catalog branches, landing, publishing."""
