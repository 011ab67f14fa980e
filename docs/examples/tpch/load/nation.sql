CREATE OR REPLACE TABLE lakehouse.tpch.nation AS
SELECT
  nationkey AS n_nationkey,
  CAST(name AS VARCHAR) AS n_name,
  regionkey AS n_regionkey,
  CAST(comment AS VARCHAR) AS n_comment
FROM tpch.sf1.nation;
