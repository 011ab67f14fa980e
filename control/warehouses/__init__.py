"""SQL warehouses: what people want of them, and the keeper that makes it so."""
