CREATE OR REPLACE TABLE lakehouse.tpch.region AS
SELECT
  regionkey AS r_regionkey,
  CAST(name AS VARCHAR) AS r_name,
  CAST(comment AS VARCHAR) AS r_comment
FROM tpch.sf1.region;
