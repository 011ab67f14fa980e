-- Gold: the airlines, the most punctual first. Runs on DuckDB and on Trino as it stands.
CREATE OR REPLACE TABLE gold.carrier_ranking AS
WITH totals AS (
    SELECT
        carrier,
        COUNT(*) AS flights,
        COUNT(CASE WHEN cancelled THEN 1 END) AS cancelled,
        COUNT(arr_delay) AS arrived,
        COUNT(CASE WHEN arr_delay <= 15 THEN 1 END) AS on_time,
        AVG(CAST(arr_delay AS DOUBLE)) AS mean_arr_delay
    FROM silver.flights
    GROUP BY carrier
)
SELECT
    ROW_NUMBER() OVER (ORDER BY totals.mean_arr_delay NULLS LAST, totals.carrier) AS place,
    totals.carrier,
    airlines.name AS airline,
    totals.flights,
    totals.cancelled,
    CASE
        WHEN totals.arrived > 0 THEN CAST(totals.on_time AS DOUBLE) / totals.arrived
    END AS on_time_share,
    totals.mean_arr_delay
FROM totals
LEFT JOIN bronze.airlines AS airlines ON airlines.carrier = totals.carrier;

SELECT place, airline, flights, ROUND(on_time_share, 3) AS on_time_share
FROM gold.carrier_ranking
ORDER BY place;
