CREATE OR REPLACE TABLE lakehouse.tpch.orders AS
SELECT
  orderkey AS o_orderkey,
  custkey AS o_custkey,
  CAST(orderstatus AS VARCHAR) AS o_orderstatus,
  CAST(totalprice AS DECIMAL(12, 2)) AS o_totalprice,
  orderdate AS o_orderdate,
  CAST(orderpriority AS VARCHAR) AS o_orderpriority,
  CAST(clerk AS VARCHAR) AS o_clerk,
  shippriority AS o_shippriority,
  CAST(comment AS VARCHAR) AS o_comment
FROM tpch.sf1.orders;
