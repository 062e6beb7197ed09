-- 14(a)(6), 15(a)(1): an entry says what was sought and how much was touched, by no literal and under every plan alike
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun \gset
SELECT count(*) FROM plate_reads /* AB12345 was seen */ WHERE plate = 'AB12345' AND camera_id = 1; -- AB12345
SELECT count(*) FROM plate_reads WHERE plate IN ('NH1', 'NH120') OR plate LIKE 'HA%';
SELECT count(*) FROM plate_reads WHERE upper(plate) = 'NH1';
SELECT count(*) FROM plate_reads WHERE camera_id = 1;
SELECT count(*) FROM plate_reads;
PREPARE by_list(text[]) AS SELECT count(*) FROM plate_reads WHERE plate = ANY ($1);
EXECUTE by_list('{NH1,NH300}');
SELECT count(*) FROM plate_reads JOIN (VALUES ('NH1'), ('HA1')) v (p) ON plate = p;
SELECT count(*) FROM plate_reads WHERE plate IN (SELECT unnest(ARRAY['NH1', 'HA300']));
SELECT count(*) FROM plate_reads WHERE plate = (SELECT 'NH500');
SELECT count(*) FROM (SELECT plate AS p, captured_at FROM plate_reads OFFSET 0) s WHERE p = 'HA500';
SELECT count(*) FROM plate_reads WHERE (plate = 'HIDDEN') = ctlpr.may_read('plate_reads'::regclass, captured_at, agency_id, plate, camera_id, NULL);
SAVEPOINT a;
SELECT plate::int FROM plate_reads WHERE plate = 'NH1';
ROLLBACK TO a;
COMMIT;
RESET ROLE;
SELECT search_kind, plates, returned, touched FROM pg_temp.log_since(:start_seq) WHERE action = 'select';
SELECT DISTINCT v.statement FROM ctlpr.audit_entry v WHERE v.seq > :start_seq AND v.action = 'select' AND v.search_kind = 'plate' ORDER BY 1;
SELECT o.outcome, o.sqlstate FROM ctlpr.audit_entry o WHERE o.seq > :start_seq AND o.entry = 'outcome' AND o.outcome = 'error';
SELECT count(*) AS with_a_literal FROM ctlpr.audit_entry WHERE seq > :start_seq AND statement ~ 'AB12345|NH1|HIDDEN';
-- the same rows under every plan; parallel workers add up, by owner too
SELECT coalesce(max(seq), 0) AS before FROM ctlpr.audit_entry \gset
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', case_number => '26-1') > 0 AS begun \gset
SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexonlyscan = off;
SELECT count(*) FROM plate_reads WHERE plate = 'AB12345';
SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = on;
SELECT count(*) FROM plate_reads WHERE plate = 'AB12345';
SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexscan = on;
SELECT count(*) FROM plate_reads WHERE plate = 'AB12345';
SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = on;
SELECT count(*) FROM plate_reads WHERE plate = 'AB12345';
SET LOCAL enable_seqscan = on; SET LOCAL enable_indexonlyscan = off;
SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0; SET LOCAL max_parallel_workers_per_gather = 2;
SELECT count(*) FROM plate_reads WHERE plate = 'AB12345';
COMMIT;
RESET ROLE;
SELECT returned, touched, count(*) FROM pg_temp.log_since(:before) WHERE action = 'select' GROUP BY 1, 2;
SELECT owner, sum(rows) / 5 AS rows FROM ctlpr.audit_entry, unnest(owners, owner_rows) u (owner, rows) WHERE seq > :before GROUP BY 1 ORDER BY 1;
SELECT max(oldest_age_days) FROM ctlpr.audit_entry WHERE seq > :before;
