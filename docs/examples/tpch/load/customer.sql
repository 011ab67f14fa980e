CREATE OR REPLACE TABLE lakehouse.tpch.customer AS
SELECT
  custkey AS c_custkey,
  CAST(name AS VARCHAR) AS c_name,
  CAST(address AS VARCHAR) AS c_address,
  nationkey AS c_nationkey,
  CAST(phone AS VARCHAR) AS c_phone,
  CAST(acctbal AS DECIMAL(12, 2)) AS c_acctbal,
  CAST(mktsegment AS VARCHAR) AS c_mktsegment,
  CAST(comment AS VARCHAR) AS c_comment
FROM tpch.sf1.customer;
