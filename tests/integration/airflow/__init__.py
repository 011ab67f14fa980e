"""Tests on a real Airflow 3, which all modules here share."""
