-- What test/long/crashes.sh purges: agencies, roles, and functions that make tables of reads and look at what became of them.
SET client_min_messages = warning;
CREATE EXTENSION ctlpr CASCADE;
CREATE ROLE reads_owner;
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT');

-- A table under way: how many of its reads have expired, are live and are held, and by which hold
CREATE TABLE under_test (relation text PRIMARY KEY, expired int, live int, held int, hold_id bigint);

CREATE PROCEDURE make_reads(name text, way text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE %I (read_id bigint GENERATED ALWAYS AS IDENTITY, captured_at timestamptz NOT NULL, plate text NOT NULL, agency_id text NOT NULL, note text DEFAULT repeat(''x'', 200)) %s',
		name, CASE way WHEN 'partitions' THEN 'PARTITION BY RANGE (captured_at)' ELSE '' END);
	IF way = 'partitions' THEN
		EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (now() - interval ''40 days'') TO (now() - interval ''23 days'')', name || '_old', name);
		EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (now() - interval ''23 days'') TO (now() - interval ''22 days'')', name || '_older', name);
		EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', name || '_rest', name);
		EXECUTE format('ALTER TABLE %I OWNER TO reads_owner', name || '_old');
		EXECUTE format('ALTER TABLE %I OWNER TO reads_owner', name || '_older');
		EXECUTE format('ALTER TABLE %I OWNER TO reads_owner', name || '_rest');
	END IF;
	EXECUTE format('INSERT INTO %I (captured_at, plate, agency_id) SELECT now() - interval ''22.5 days'' - n * interval ''1 hour'', %L || n, ''CT-NHPD'' FROM generate_series(1, 150) n', name, 'CANARY' || substr(name, 7) || 'X');
	EXECUTE format('INSERT INTO %I (captured_at, plate, agency_id) SELECT now() - n * interval ''1 minute'', ''NEW'' || n, ''CT-NHPD'' FROM generate_series(1, 40) n', name);
	EXECUTE format('CREATE INDEX ON %I (plate)', name);
	IF way <> 'place' THEN
		EXECUTE format('CREATE INDEX ON %I (captured_at)', name);
	END IF;
	EXECUTE format('ALTER TABLE %I OWNER TO reads_owner', name);
	EXECUTE format('GRANT SELECT, INSERT ON %I TO PUBLIC', name);
	PERFORM ctlpr.govern(name::regclass, captured_at => 'captured_at', plate => 'plate', agency => 'agency_id'), ctlpr.start_purge(name::regclass, 'Chief');
	INSERT INTO under_test VALUES (name, 150, 40, 0, NULL);
END
$$;

CREATE VIEW found AS
SELECT u.*, coalesce((SELECT sum(reads) FROM ctlpr.expired_reads(u.relation::regclass)), 0) AS left_over,
	coalesce((SELECT sum(p.rows_deleted) FROM ctlpr.purges p WHERE p.relation_name = 'public.' || u.relation), 0) AS certified,
	coalesce((SELECT sum(p.rows_deleted) FROM ctlpr.purge_run p WHERE p.relation = u.relation::regclass), 0) AS claimed,
	CASE WHEN u.hold_id IS NOT NULL THEN ctlpr.held_reads(u.hold_id) ELSE 0 END AS copied
FROM under_test u;

-- What may never be, whenever the server was killed
CREATE FUNCTION problems() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s: %s reads are certified as deleted, %s are gone', relation, certified, expired - left_over) FROM found WHERE certified > expired - left_over
	UNION ALL
	SELECT format('%s: progress says %s reads, %s are gone', relation, claimed, expired - left_over) FROM found WHERE claimed <> expired - left_over
	UNION ALL
	SELECT format('%s: held reads are gone without a copy: %s copies', relation, copied) FROM found WHERE copied + left_over < held
	UNION ALL
	SELECT 'the log does not verify from entry ' || first_bad_seq FROM ctlpr.verify_audit() WHERE NOT valid
$$;

-- ... and when a round has gone through
CREATE FUNCTION problems_at_end() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s: %s expired reads are left', relation, left_over) FROM found WHERE left_over <> 0
	UNION ALL
	SELECT format('%s: %s reads are certified, %s were deleted', relation, certified, expired) FROM found WHERE certified <> expired
	UNION ALL
	SELECT format('%s: %s of %s held reads have a copy', relation, copied, held) FROM found WHERE copied <> held
	UNION ALL
	SELECT problems()
$$;

-- Under break-glass, which opens what is live
CREATE FUNCTION problems_in_sight() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	u    under_test;
	seen bigint;
BEGIN
	FOR u IN SELECT * FROM under_test LOOP
		EXECUTE format('SELECT count(*) FROM %I', u.relation) INTO seen;
		IF seen <> u.live THEN
			RETURN NEXT format('%s: %s reads are seen, %s are live', u.relation, seen, u.live);
		END IF;
	END LOOP;
END
$$;
