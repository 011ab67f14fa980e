"""MLflow for people and tasks: an authenticated proxy under MLflow's own paths.

What MLflow keeps belongs to a workspace (MLflow's own workspaces, named after ours), and an
experiment or a registered model to whom the permissions say. Clients are the unmodified `mlflow`
package with tracking URI `databricks` or this server's address, and the `databricks-sdk`.
"""
