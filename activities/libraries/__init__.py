"""Libraries that attempts bring along, installed on the worker once for each content."""
