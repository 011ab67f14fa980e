CREATE SCHEMA IF NOT EXISTS task_types;
CREATE OR REPLACE TABLE task_types.flights AS
  SELECT * FROM (VALUES ('UA', 3), ('B6', 1), ('DL', 2)) AS v(carrier, flights);
