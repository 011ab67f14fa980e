"""Programs that the detached runner starts for an attempt, beside user code itself."""
