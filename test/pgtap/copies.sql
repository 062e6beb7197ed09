-- 13(b)(2)(A), 15(a)(1)(E): copies that are kept elsewhere are registered, and where reads outlive their limit in one it is a finding.
BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(25);

CREATE ROLE copies_admin IN ROLE ctlpr_admin;
CREATE ROLE copies_registrar IN ROLE ctlpr_registrar;
CREATE TEMP TABLE beginning AS SELECT coalesce(max(seq), 0) AS seq FROM ctlpr.audit_entry;
CREATE TABLE copies_reads (captured_at timestamptz NOT NULL, plate text NOT NULL);
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency('T-CT-COPIES', 'Copies Police', 'police', 'CT');
CREATE FUNCTION pg_temp.found(place text) RETURNS text LANGUAGE sql AS
	$$SELECT string_agg(f.severity || ' ' || f.clause, '; ') FROM ctlpr.findings f WHERE f.kind = 'copy_past_limit' AND f.finding LIKE '%, ' || place || ') is kept %'$$;

SELECT lives_ok($$SELECT ctlpr.register_copy('backup', 'vault', '7 days')$$, 'a copy is registered');
SELECT is(pg_temp.found('vault'), NULL, 'while nothing is governed no copy is one of reads');
SELECT ctlpr.govern('copies_reads', captured_at => 'captured_at', plate => 'plate', owner_agency => 'T-CT-COPIES');
SELECT is(pg_temp.found('vault'), 'warning 13(b)(2)(A), 15(a)(1)(E)', 'reads outlive their limit in it');
SELECT is((SELECT f.finding ~ 'for 7 days, and reads in it that much past their limit; reads may be kept for 21 days' FROM ctlpr.findings f WHERE f.kind = 'copy_past_limit'), true, '... by as much as it is kept');
SELECT lives_ok($$SELECT ctlpr.register_copy('wal_archive', 'tape', '504 hours')$$, 'one that is kept for as long as reads are');
SELECT is(pg_temp.found('tape'), 'violation 13(b)(2)(A), 15(a)(1)(E)', '... is a violation, for in the end all in it is past its limit');
SELECT lives_ok($$SELECT ctlpr.register_copy('export', 'shelf', NULL)$$, 'one without end');
SELECT is(pg_temp.found('shelf'), 'violation 13(b)(2)(A), 15(a)(1)(E)', '... is one as well');
SELECT lives_ok($$SELECT ctlpr.register_copy('replica', 'standby', '0')$$, 'a replica that follows at once');
SELECT is(pg_temp.found('standby'), NULL, '... keeps nothing longer');
SELECT lives_ok($$SELECT ctlpr.register_copy('wal_archive', 'tape', '2 days')$$, 'a place is registered anew');
SELECT is(pg_temp.found('tape'), 'warning 13(b)(2)(A), 15(a)(1)(E)', '... and is found by its new terms');
SELECT is((SELECT count(*) FROM ctlpr.data_copy WHERE place = 'tape'), 2::bigint, '... and what it was stays on file');
SELECT lives_ok($$SELECT ctlpr.end_copy(copy_id, 'burnt') FROM ctlpr.data_copy WHERE place = 'shelf'$$, 'a copy is gone');
SELECT is(pg_temp.found('shelf'), NULL, '... and found no more');
SELECT throws_ok($$SELECT ctlpr.end_copy(copy_id, 'again') FROM ctlpr.data_copy WHERE place = 'shelf'$$, '42704', NULL, '... once');
SELECT throws_ok($$SELECT ctlpr.end_copy(NULL, 'nothing')$$, '42704', NULL, 'nor is what there is not');
SELECT throws_ok($$SELECT ctlpr.register_copy('tattoo', 'arm', '1 day')$$, '22023', NULL, 'kinds are known');
SELECT throws_ok($$SELECT ctlpr.register_copy(NULL, 'arm', '1 day')$$, '22023', NULL, 'and stated');
SELECT throws_ok($$SELECT ctlpr.register_copy('other', ' ', '1 day')$$, '22023', NULL, 'so is a place');
SELECT throws_ok($$SELECT ctlpr.register_copy('other', 'arm', '-1 day')$$, '22023', NULL, 'time does not run backwards');
SELECT is((SELECT array_agg(e.detail ->> 'function' || ' ' || coalesce(e.detail ->> 'kind', '') ORDER BY e.seq) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT b.seq FROM beginning b) AND e.detail ->> 'function' ~ '_copy$'),
	'{register_copy backup,register_copy wal_archive,register_copy export,register_copy replica,register_copy wal_archive,"end_copy "}'::text[], 'each is on record');
SET LOCAL ROLE copies_admin;
SELECT lives_ok($$SELECT ctlpr.register_copy('other', 'drawer', '1 day')$$, 'administrators register copies');
SELECT throws_ok($$UPDATE ctlpr.data_copy SET retention = '0'$$, '42501', NULL, '... by the function alone');
RESET ROLE;
SET LOCAL ROLE copies_registrar;
SELECT throws_ok($$SELECT ctlpr.register_copy('other', 'drawer', '0')$$, '42501', NULL, 'registrars do not');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
