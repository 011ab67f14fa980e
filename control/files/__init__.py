"""Workspace files and the content-addressed blobs under them."""
