"""SQL warehouses: named endpoints on an engine that can be started and stopped."""
