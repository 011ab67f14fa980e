"""Catalogs, schemas and tables as people look at them, whatever catalog holds them."""
