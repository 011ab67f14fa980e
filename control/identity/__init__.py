"""Who am I: what an unmodified client asks before its first real call."""
