-- title: A city's database as it stands: reads of 30 days, and nobody asks who looks
-- role: city_dba
-- law: Nothing is governed yet: reads are kept for 30 days, and whoever may SELECT sees them all.
-- expect: rows
SELECT agency_id, count(*) AS reads, min(captured_at)::date AS oldest, max(captured_at)::date AS newest
FROM plate_reads GROUP BY agency_id ORDER BY agency_id;
