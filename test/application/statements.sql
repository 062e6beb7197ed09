-- What the application sends, one transaction for each name.  "feed" is the program that brings in reads, "app" serves the
-- people; :'now' stands for a parameter.  What follows a name: the role (app if not said), and what the log is to hold where
-- that matters: search_kind, and the plates that were sought.  @COPY@ stands for lines of reads captured now.

-- name: feed insert
-- role: feed
INSERT INTO reads (plate, captured_at, camera_id, confidence, direction, image_path, vehicle) VALUES
	('CB777', :'now'::timestamptz - interval '5 minutes', 1, 0.91, 'N', '1/a.jpg', '{"color": "red"}'),
	('CB778', :'now'::timestamptz - interval '4 minutes', 2, 0.62, 'S', '2/b.jpg', '{"color": "blue"}'),
	('CB777', :'now'::timestamptz - interval '3 minutes', 3, 0.93, 'N', '3/c.jpg', '{}');

-- name: feed insert returning
-- role: feed
INSERT INTO reads (plate, captured_at, camera_id) VALUES ('CB779', :'now'::timestamptz - interval '2 minutes', 4) RETURNING id, plate;

-- name: feed insert again
-- role: feed
INSERT INTO reads (plate, captured_at, camera_id) VALUES ('CB779', :'now'::timestamptz - interval '2 minutes', 4), ('CB780', :'now'::timestamptz - interval '2 minutes', 4)
	ON CONFLICT ON CONSTRAINT reads_once DO NOTHING;
INSERT INTO reads (plate, captured_at, camera_id) SELECT v.p, :'now'::timestamptz - interval '1 minute', 5 FROM (VALUES ('CB780'), ('CB781')) v (p)
	WHERE NOT EXISTS (SELECT FROM reads r WHERE r.plate = v.p AND r.camera_id = 4);

-- name: feed copy
-- role: feed
CREATE TEMP TABLE copied (n int) ON COMMIT DROP;
COPY reads (plate, captured_at, camera_id, confidence) FROM STDIN WITH (FORMAT csv);
@COPY@
\.

-- name: feed prepared
-- role: feed
PREPARE put(text, timestamptz, int) AS INSERT INTO reads (plate, captured_at, camera_id) VALUES ($1, $2, $3);
EXECUTE put('LEAD1', :'now', 6);
EXECUTE put('LEAD1', :'now', 5);

-- name: feed savepoint
-- role: feed
SAVEPOINT one;
INSERT INTO reads (plate, captured_at, camera_id) VALUES ('UNDONE', :'now', 1);
ROLLBACK TO one;
INSERT INTO reads (plate, captured_at, camera_id) VALUES ('DONE1', :'now', 1);
RELEASE one;

-- name: ilike
-- kinds: partial
SELECT id, plate FROM reads WHERE plate ILIKE '%b11%' ORDER BY id;

-- name: trigram
-- kinds: partial
SELECT plate, round(similarity(plate, 'LEAD7')::numeric, 3) AS s FROM reads WHERE plate % 'LEAD7' GROUP BY plate ORDER BY s DESC, plate;

-- name: trigram distance
SELECT DISTINCT plate, plate <-> 'TAIL2' AS d FROM reads ORDER BY d, plate LIMIT 5;

-- name: levenshtein
-- kinds: partial
SELECT plate, levenshtein(plate, 'LEAD7') AS distance, count(*) FROM reads WHERE levenshtein_less_equal(plate, 'LEAD7', 2) <= 2 GROUP BY 1, 2 ORDER BY 2, 1;

-- name: prefix
-- kinds: partial
SELECT count(*), min(captured_at), max(captured_at) FROM reads WHERE plate LIKE 'EB1%';

-- name: one plate
-- kinds: plate
-- plates: LEAD1
SELECT r.id, r.captured_at, c.name, r.image_path FROM reads r JOIN cameras c USING (camera_id) WHERE r.plate = 'LEAD1' ORDER BY r.captured_at;

-- name: several plates
-- kinds: plate
-- plates: DONE1,TAIL1
SELECT plate, count(*) FROM reads WHERE plate = ANY ('{TAIL1,DONE1}') GROUP BY plate ORDER BY plate;

-- name: keyset page
-- kinds: area_time
SELECT id, plate, captured_at FROM reads WHERE (captured_at, id) < (:'now'::timestamptz - interval '1 day', 500) ORDER BY captured_at DESC, id DESC LIMIT 20;

-- name: offset page
-- kinds: browse
SELECT id, plate, count(*) OVER () AS total FROM reads ORDER BY captured_at DESC, id DESC LIMIT 10 OFFSET 40;

-- name: views
SELECT * FROM recent_reads ORDER BY captured_at DESC, id DESC LIMIT 15;
SELECT * FROM camera_load ORDER BY camera_id;

-- name: functions
SELECT * FROM sightings('TAIL1', :'now');
SELECT camera_id, busiest_plate(camera_id) FROM cameras ORDER BY 1;

-- name: lateral
SELECT c.camera_id, c.name, latest.plate, latest.captured_at FROM cameras c
	LEFT JOIN LATERAL (SELECT plate, captured_at FROM reads r WHERE r.camera_id = c.camera_id ORDER BY captured_at DESC, id DESC LIMIT 2) latest ON true ORDER BY 1, 4 DESC, 3;

-- name: jsonb
-- kinds: area_time
SELECT vehicle ->> 'make' AS make, count(*) FROM reads WHERE vehicle @> '{"color": "red"}' GROUP BY 1 ORDER BY 1;

-- name: distinct on
SELECT DISTINCT ON (plate) plate, captured_at, camera_id FROM reads ORDER BY plate, captured_at DESC, id DESC;

-- name: exists
SELECT camera_id, name FROM cameras c WHERE EXISTS (SELECT FROM reads r WHERE r.camera_id = c.camera_id AND r.plate = 'CB777') ORDER BY 1;
SELECT camera_id, body FROM notes n WHERE NOT EXISTS (SELECT FROM reads r WHERE r.camera_id = n.camera_id AND r.plate = 'TAIL1') ORDER BY 1;

-- name: grouping sets
SELECT camera_id, direction, count(*), grouping(camera_id, direction) FROM reads GROUP BY GROUPING SETS ((camera_id, direction), (camera_id), ()) ORDER BY 4, 1, 2;

-- name: dashboard
WITH week AS (SELECT * FROM reads WHERE captured_at > :'now'::timestamptz - interval '7 days'),
	hourly AS (SELECT camera_id, date_trunc('hour', captured_at) AS hour, count(*) AS n FROM week GROUP BY 1, 2),
	top_plates AS (SELECT plate, count(*) AS n, rank() OVER (ORDER BY count(*) DESC, plate) AS place FROM week GROUP BY plate),
	repeats AS (SELECT plate, count(DISTINCT date_trunc('day', captured_at AT TIME ZONE 'UTC')) AS days FROM week GROUP BY plate HAVING count(*) > 2),
	convoys AS (SELECT a.plate AS lead, b.plate AS tail, count(DISTINCT a.camera_id) AS cameras FROM week a JOIN week b ON b.camera_id = a.camera_id AND b.plate <> a.plate
		AND b.captured_at > a.captured_at AND b.captured_at <= a.captured_at + interval '1 minute' GROUP BY 1, 2 HAVING count(DISTINCT a.camera_id) >= 3),
	heat AS (SELECT extract(dow FROM captured_at AT TIME ZONE 'UTC') AS dow, extract(hour FROM captured_at AT TIME ZONE 'UTC') AS hour, count(*) AS n FROM week GROUP BY 1, 2),
	mean AS (SELECT camera_id, avg(n) AS n FROM hourly GROUP BY 1),
	last_hour AS (SELECT camera_id, count(*) AS n FROM week WHERE captured_at > :'now'::timestamptz - interval '1 hour' GROUP BY 1)
SELECT (SELECT sum(n) FROM hourly) AS week, (SELECT string_agg(plate || ':' || n, ' ' ORDER BY place) FROM top_plates WHERE place <= 5) AS top,
	(SELECT count(*) || '/' || max(days) FROM repeats) AS repeats, (SELECT string_agg(lead || '>' || tail || ':' || cameras, ' ' ORDER BY lead, tail) FROM convoys) AS convoys,
	(SELECT max(n) || '/' || count(*) FROM heat) AS heat, (SELECT string_agg(format('%s:%s', m.camera_id, round(coalesce(l.n, 0) / m.n, 3)), ' ' ORDER BY m.camera_id) FROM mean m LEFT JOIN last_hour l USING (camera_id)) AS against_mean;

-- name: windows
SELECT plate, captured_at, captured_at - lag(captured_at) OVER w AS since, row_number() OVER w AS n FROM reads WHERE plate LIKE 'A%' WINDOW w AS (PARTITION BY plate ORDER BY captured_at, id) ORDER BY 1, 2;

-- name: prepared
-- plates: LEAD1,TAIL1
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE of_plate(text) AS SELECT count(*), max(captured_at) FROM reads WHERE plate = $1;
EXECUTE of_plate('LEAD1');
EXECUTE of_plate('TAIL1');

-- name: cursor
DECLARE pages CURSOR FOR SELECT id, plate FROM reads ORDER BY id;
FETCH 5 FROM pages;
MOVE 10 IN pages;
FETCH 5 FROM pages;
CLOSE pages;

-- name: temporary table
CREATE TEMP TABLE hits ON COMMIT DROP AS SELECT plate, captured_at FROM reads WHERE plate IN ('CB777', 'CB778');
SELECT plate, count(*) FROM hits GROUP BY 1 ORDER BY 1;

-- name: copy out
COPY (SELECT plate, camera_id FROM reads WHERE plate = 'TAIL1' ORDER BY captured_at) TO STDOUT;

-- name: plates by count
SELECT plate, first_seen, last_seen, times FROM plates ORDER BY times DESC, plate LIMIT 20;

-- name: new plates
SELECT count(*) FROM plates WHERE first_seen > :'now'::timestamptz - interval '1 day';

-- name: plate and its counts
SELECT p.times, p.first_seen, count(r.id) AS reads FROM plates p JOIN reads r ON r.plate = p.plate WHERE p.plate = 'LEAD1' GROUP BY p.times, p.first_seen;

-- name: bookmarks
INSERT INTO bookmarks VALUES (601, 'look again'), (604, 'the same car'), (10, 'old') ON CONFLICT (read_id) DO UPDATE SET remark = excluded.remark;
SELECT b.read_id, b.remark, r.plate FROM bookmarks b JOIN reads r ON r.id = b.read_id ORDER BY 1;

-- name: locked
-- kinds: plate
SELECT id, confidence FROM reads WHERE plate = 'LEAD1' ORDER BY id FOR UPDATE;

-- name: recursive
WITH RECURSIVE trail AS (
	(SELECT id, camera_id, captured_at, 1 AS step FROM reads WHERE plate = 'LEAD1' ORDER BY captured_at LIMIT 1)
	UNION ALL
	SELECT n.id, n.camera_id, n.captured_at, t.step + 1 FROM trail t
		CROSS JOIN LATERAL (SELECT id, camera_id, captured_at FROM reads WHERE plate = 'LEAD1' AND captured_at > t.captured_at ORDER BY captured_at, id LIMIT 1) n)
SELECT step, camera_id, captured_at FROM trail ORDER BY step;

-- name: merge
MERGE INTO reads r USING (VALUES ('TAIL1', 0.5::real)) v (plate, confidence) ON r.plate = v.plate AND r.camera_id = 4
	WHEN MATCHED THEN UPDATE SET confidence = v.confidence;
SELECT camera_id, confidence FROM reads WHERE plate = 'TAIL1' ORDER BY captured_at, camera_id;

-- name: correction
UPDATE reads SET plate = 'CB177' WHERE id = 601 AND plate = 'LEAD1' RETURNING id, plate;
SELECT correct_plate(602, 'TAI11');

-- name: deletion
DELETE FROM reads WHERE id = 603 RETURNING plate;

-- name: savepoints
SAVEPOINT s;
DELETE FROM reads WHERE plate = 'TAIL1';
ROLLBACK TO s;
UPDATE reads SET confidence = 1 WHERE plate = 'TAIL1';
SELECT count(*), min(confidence) FROM reads WHERE plate = 'TAIL1';

-- name: camera note
INSERT INTO notes (camera_id, body) SELECT camera_id, 'misreads' FROM cameras WHERE camera_id = 2 RETURNING body;

-- name: retention by count
WITH oldest AS (SELECT id FROM reads ORDER BY captured_at DESC, id DESC OFFSET 500)
DELETE FROM reads WHERE id IN (SELECT id FROM oldest);
SELECT count(*), min(id) FROM reads;

-- name: deleted in a CTE
WITH gone AS (DELETE FROM reads WHERE plate LIKE 'CB77%' RETURNING id, camera_id)
SELECT c.name, count(*) FROM gone JOIN cameras c USING (camera_id) GROUP BY 1 ORDER BY 1;

-- name: bookmarks left
SELECT b.read_id FROM bookmarks b JOIN reads r ON r.id = b.read_id ORDER BY 1;

-- name: what is left
SELECT id, plate, captured_at, camera_id, agency, confidence, direction, image_path, vehicle FROM reads ORDER BY id;
