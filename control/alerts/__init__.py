"""SQL alerts: a saved query, a condition on its answer, and who hears of it."""
