"""Writes jobs as Airflow DAGs, and keeps the files in step with the jobs."""
