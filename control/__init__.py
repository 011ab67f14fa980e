"""What people talk to: REST API, command line, database, catalog gateway, local stack."""
