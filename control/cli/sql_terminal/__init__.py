"""`openlake sql`: statements from the terminal, their answers, and the interactive prompt."""
