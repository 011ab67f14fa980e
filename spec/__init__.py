"""The shared vocabulary: pydantic models and pure functions. No clock, no environment, no I/O."""
