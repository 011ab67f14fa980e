import sys

from shop import greet  # pyright: ignore[reportMissingImports]

print(greet(sys.argv[1]))
