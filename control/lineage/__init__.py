"""OpenLineage events as they came, and the graph drawn from them."""
