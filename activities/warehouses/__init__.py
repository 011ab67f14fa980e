"""What the processes of SQL warehouses run."""
