"""`make bench`: OpenLake and its peers measured side by side; see `__main__.py`.

Two commands beside it look at one part alone: `fan_out` at runs whose work is answered at once, so
that nothing but orchestration is left, and `large_results` at large answers of SQL warehouses.
"""
