"""Fails unless its two arguments are the same."""

import sys

found, wanted = sys.argv[1:]
if found != wanted:
    raise SystemExit(f"found {found}, wanted {wanted}")
print(f"{found}, as wanted")
