"""Access tokens: stored hashed, shown once."""
