"""What peers run in processes and environments of their own."""
