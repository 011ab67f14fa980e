"""What attempts leave for people: one archive each, in the object store."""
