CREATE OR REPLACE TABLE lakehouse.tpch.part AS
SELECT
  partkey AS p_partkey,
  CAST(name AS VARCHAR) AS p_name,
  CAST(mfgr AS VARCHAR) AS p_mfgr,
  CAST(brand AS VARCHAR) AS p_brand,
  CAST(type AS VARCHAR) AS p_type,
  size AS p_size,
  CAST(container AS VARCHAR) AS p_container,
  CAST(retailprice AS DECIMAL(12, 2)) AS p_retailprice,
  CAST(comment AS VARCHAR) AS p_comment
FROM tpch.sf1.part;
