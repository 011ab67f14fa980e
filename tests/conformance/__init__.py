"""What of the unmodified databricks-sdk works against a running stack, and what does not."""
