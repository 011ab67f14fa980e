"""The API that engine workers speak; they hold no database credentials."""
