"""The example jobs, and what must come out of them."""
