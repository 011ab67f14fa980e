"""Cluster policies: what the clusters of jobs may be."""
