CREATE OR REPLACE TABLE lakehouse.tpch.supplier AS
SELECT
  suppkey AS s_suppkey,
  CAST(name AS VARCHAR) AS s_name,
  CAST(address AS VARCHAR) AS s_address,
  nationkey AS s_nationkey,
  CAST(phone AS VARCHAR) AS s_phone,
  CAST(acctbal AS DECIMAL(12, 2)) AS s_acctbal,
  CAST(comment AS VARCHAR) AS s_comment
FROM tpch.sf1.supplier;
