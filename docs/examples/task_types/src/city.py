"""Handles one input of the for-each."""

import sys

name, people = sys.argv[1], int(sys.argv[2])
print(f"{name} has {people:,} people")
