CREATE OR REPLACE TABLE lakehouse.tpch.partsupp AS
SELECT
  partkey AS ps_partkey,
  suppkey AS ps_suppkey,
  availqty AS ps_availqty,
  CAST(supplycost AS DECIMAL(12, 2)) AS ps_supplycost,
  CAST(comment AS VARCHAR) AS ps_comment
FROM tpch.sf1.partsupp;
