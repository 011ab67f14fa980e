"""All side effects of a task: one activity drives every engine through one port."""
