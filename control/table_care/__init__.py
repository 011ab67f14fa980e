"""Table care's part in the control plane: which files nothing needs any more, and deleting them."""
