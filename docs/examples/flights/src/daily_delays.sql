-- Gold: the delays of each day at each airport. Runs on DuckDB and on Trino as it stands.
CREATE OR REPLACE TABLE gold.daily_delays AS
SELECT
    flight_date,
    origin,
    COUNT(*) AS flights,
    COUNT(CASE WHEN cancelled THEN 1 END) AS cancelled,
    COUNT(CASE WHEN arr_delay > 15 THEN 1 END) AS late,
    AVG(CAST(dep_delay AS DOUBLE)) AS mean_dep_delay,
    AVG(CAST(arr_delay AS DOUBLE)) AS mean_arr_delay,
    MAX(arr_delay) AS max_arr_delay
FROM silver.flights
GROUP BY flight_date, origin;

SELECT flight_date, origin, flights, cancelled, late, ROUND(mean_arr_delay, 1) AS mean_arr_delay
FROM gold.daily_delays
ORDER BY late DESC, flight_date, origin
LIMIT 10;
