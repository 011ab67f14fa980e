"""Instance pools: the node type that the clusters of jobs take from them."""
