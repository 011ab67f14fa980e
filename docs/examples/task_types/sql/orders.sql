-- Two tables that belong together: nobody sees one without the other.
CREATE SCHEMA IF NOT EXISTS task_types;
CREATE OR REPLACE TABLE task_types.orders AS
SELECT id, 10 * id AS amount, current_timestamp AS ordered_at FROM (VALUES (1), (2), (3)) AS t (id);
CREATE OR REPLACE TABLE task_types.totals AS
SELECT count(*) AS orders, sum(amount) AS amount FROM task_types.orders
