CREATE OR REPLACE TABLE lakehouse.tpch.lineitem AS
SELECT
  orderkey AS l_orderkey,
  partkey AS l_partkey,
  suppkey AS l_suppkey,
  linenumber AS l_linenumber,
  CAST(quantity AS DECIMAL(12, 2)) AS l_quantity,
  CAST(extendedprice AS DECIMAL(12, 2)) AS l_extendedprice,
  CAST(discount AS DECIMAL(12, 2)) AS l_discount,
  CAST(tax AS DECIMAL(12, 2)) AS l_tax,
  CAST(returnflag AS VARCHAR) AS l_returnflag,
  CAST(linestatus AS VARCHAR) AS l_linestatus,
  shipdate AS l_shipdate,
  commitdate AS l_commitdate,
  receiptdate AS l_receiptdate,
  CAST(shipinstruct AS VARCHAR) AS l_shipinstruct,
  CAST(shipmode AS VARCHAR) AS l_shipmode,
  CAST(comment AS VARCHAR) AS l_comment
FROM tpch.sf1.lineitem;
