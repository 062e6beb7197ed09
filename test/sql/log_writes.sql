-- 14(a)(6): nobody writes the log but its writer, and who reads it is on record once a transaction
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
INSERT INTO ctlpr.audit_entry (seq, entry, at, action) VALUES (1000000, 'verdict', now(), 'select');
UPDATE ctlpr.audit_entry SET allowed = true;
DELETE FROM ctlpr.audit_entry;
TRUNCATE ctlpr.audit_entry;
LOCK TABLE ctlpr.audit_entry IN SHARE MODE;
LOCK TABLE ctlpr.audit_entry;
COPY ctlpr.audit_entry FROM '/dev/null';
SET ctlpr.restore = on;
COPY ctlpr.audit_entry FROM '/dev/null';
RESET ctlpr.restore;
WITH w AS (DELETE FROM ctlpr.audit_entry RETURNING 1) SELECT count(*) FROM w;
BEGIN;
LOCK TABLE ctlpr.audit_entry IN ACCESS SHARE MODE;
SELECT count(*) > 0 AS is_filled FROM ctlpr.audit_log;
SELECT count(*) > 0 AS has_refusals FROM ctlpr.refusals;
COMMIT;
SELECT count(*) > 0 AS is_filled FROM ctlpr.audit_log;
SELECT action, allowed, sqlstate, clause, count(*) FROM ctlpr.audit_entry WHERE seq > :start_seq AND relation = 'ctlpr.audit_entry' AND entry = 'verdict' GROUP BY 1, 2, 3, 4 ORDER BY 1, 3;
SELECT count(*) = max(seq) - min(seq) + 1 AS has_no_gap FROM ctlpr.audit_entry;
