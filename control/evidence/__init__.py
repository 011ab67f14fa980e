"""What a run did, for whoever has to show it: its settings, and one document of all of it."""
