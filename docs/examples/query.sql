-- duckdb < query.sql, beside the files that insar-rt has classified. DuckDB reads columns it needs and no more.
CREATE VIEW points AS SELECT * FROM read_parquet('*.classified.parquet', filename = true);

-- Shares of the classes in cells of 0.01 degrees; points without a class count in n alone.
SELECT
    floor(longitude * 100) / 100 AS lon,
    floor(latitude * 100) / 100 AS lat,
    count(*) AS n,
    round(avg(CASE WHEN class_id = 0 THEN 1 ELSE 0 END), 3) AS stable,
    round(avg(CASE WHEN class_id IN (1, 2, 3, 5) THEN 1 ELSE 0 END), 3) AS moving,
    round(avg(CASE WHEN class_id = 4 THEN 1 ELSE 0 END), 3) AS pue
FROM points
GROUP BY lon, lat
ORDER BY moving DESC, lon, lat;

-- The fastest points that are not stable, of which the network is sure.
SELECT pid, class_name, round(confidence, 2) AS confidence, mean_velocity
FROM points
WHERE class_id IN (1, 2, 3, 5) AND confidence > 0.9
ORDER BY abs(mean_velocity) DESC, pid
LIMIT 20;

-- Points with a likely unwrapping error, for who unwraps: also those that abstained, by their probability.
SELECT pid, longitude, latitude, p_pue, status, filename
FROM points
WHERE p_pue > 0.5
ORDER BY p_pue DESC, pid;
