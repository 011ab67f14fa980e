"""Requests and answers of the REST API, in Databricks' shapes; one module a resource."""
