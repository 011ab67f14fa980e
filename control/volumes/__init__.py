"""Volumes: folders of files beside the tables, and the Files API over them."""
