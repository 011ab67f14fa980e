"""How OpenLake speaks to an Airflow 3."""
