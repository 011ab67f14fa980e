"""What starts jobs by itself: schedules, events, never ending; and backfills of past dates."""
