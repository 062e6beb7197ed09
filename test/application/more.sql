-- What nobody of the city's may see once the table is governed: expired reads of its own, with plates that pass again today, and another city's reads, live ones.
\set ON_ERROR_STOP on
INSERT INTO reads (id, plate, captured_at, camera_id, agency, confidence, direction, vehicle)
SELECT 1000000 + n, CASE n % 3 WHEN 0 THEN 'LEAD1' WHEN 1 THEN 'EB' || 100 + n % 60 ELSE 'OLD' || n END, :'now'::timestamptz - interval '22 days' - n * interval '3 hours', 1 + n % 6, 'CT-NHPD', 0.7, 'S', '{"color": "red", "make": "M1"}'
FROM generate_series(1, 60) n;
INSERT INTO reads (id, plate, captured_at, camera_id, agency, confidence, direction, vehicle)
SELECT 2000000 + n, CASE n % 2 WHEN 0 THEN 'TAIL1' ELSE 'AB1' || n END, :'now'::timestamptz - n * interval '17 minutes', 1 + n % 6, 'CT-HPD', 0.8, 'W', '{"color": "blue", "make": "M2"}'
FROM generate_series(1, 60) n;
INSERT INTO bookmarks VALUES (1000001, 'expired');
ANALYZE;
