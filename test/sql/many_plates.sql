-- 14(a)(6): a long list of plates is recorded, or refused where no entry could hold it
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
\set VERBOSITY terse
SELECT format('SELECT count(*) FROM plate_reads WHERE plate IN (%s)', string_agg(quote_literal('P' || n), ',')) AS more FROM generate_series(1, 60000) n \gset
SELECT format('SELECT count(*) FROM plate_reads WHERE plate IN (%s)', string_agg(quote_literal('P' || n), ',')) AS many FROM generate_series(1, 10000) n \gset
SET ROLE officer;
SET statement_timeout = '20s';
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
\set ECHO none
:many;
:more;
\set ECHO all
ROLLBACK;
RESET statement_timeout;
RESET ROLE;
SELECT search_kind, cardinality(plates) AS plates FROM pg_temp.log_since(:start_seq) WHERE action = 'select';
