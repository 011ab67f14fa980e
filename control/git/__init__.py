"""The repositories that jobs take their files from."""
