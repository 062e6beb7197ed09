-- The world of role_swapping.sh: agencies, a role for each, a table of reads by day, and ways to search it.  The reads, the
-- declarations and what each role may see come from conduct.pl.
SET client_min_messages = warning;
CREATE EXTENSION ctlpr CASCADE;
SELECT ctlpr.adopt_statute('us-ct-2026');

-- nhpd, hpd and wpd act for police of Connecticut, dispatch for two of them, console may hold a request for its session.
-- bpd has declared, mawpd took its declaration back, cpd does so again and again, fed has no basis, fbi has a warrant.
CREATE ROLE reads_owner LOGIN;
CREATE ROLE nhpd LOGIN;
CREATE ROLE hpd LOGIN;
CREATE ROLE wpd LOGIN;
CREATE ROLE dispatch LOGIN;
CREATE ROLE console LOGIN;
CREATE ROLE bpd LOGIN;
CREATE ROLE mawpd LOGIN;
CREATE ROLE cpd LOGIN;
CREATE ROLE fed LOGIN;
CREATE ROLE fbi LOGIN;
CREATE ROLE unbound LOGIN;
-- what a web application logs in as; its own sessions keep generic plans unless a client asks otherwise
CREATE ROLE app LOGIN NOINHERIT;
GRANT nhpd, hpd, wpd, dispatch, console, bpd, mawpd, cpd, fed, fbi, unbound TO app;
ALTER ROLE app SET plan_cache_mode = force_generic_plan;

SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police', 'police', 'CT');
SELECT ctlpr.register_agency('CT-HPD', 'Hartford Police', 'police', 'CT');
SELECT ctlpr.register_agency('CT-WPD', 'Waterbury Police', 'police', 'CT');
SELECT ctlpr.register_agency('MA-BPD', 'Boston Police', 'police', 'MA');
SELECT ctlpr.register_agency('MA-WPD', 'Worcester Police', 'police', 'MA');
SELECT ctlpr.register_agency('MA-CPD', 'Cambridge Police', 'police', 'MA');
SELECT ctlpr.register_agency('US-ICE', 'Immigration and Customs Enforcement', 'federal', 'US');
SELECT ctlpr.register_agency('US-FBI', 'Federal Bureau of Investigation', 'federal', 'US');
SELECT ctlpr.bind_role('nhpd', 'CT-NHPD');
SELECT ctlpr.bind_role('hpd', 'CT-HPD');
SELECT ctlpr.bind_role('wpd', 'CT-WPD');
SELECT ctlpr.bind_role('dispatch', 'CT-NHPD');
SELECT ctlpr.bind_role('dispatch', 'CT-HPD');
SELECT ctlpr.bind_role('console', 'CT-NHPD', session_scope => true);
SELECT ctlpr.bind_role('bpd', 'MA-BPD');
SELECT ctlpr.bind_role('mawpd', 'MA-WPD');
SELECT ctlpr.bind_role('cpd', 'MA-CPD');
SELECT ctlpr.bind_role('fed', 'US-ICE');
SELECT ctlpr.bind_role('fbi', 'US-FBI');
SELECT ctlpr.set_agency_option('CT-WPD', retention => '7 days');
SELECT ctlpr.file_declaration('MA-BPD', signed_by => 'Commissioner', signed_on => current_date - 3);
SELECT ctlpr.withdraw_declaration(ctlpr.file_declaration('MA-WPD', signed_by => 'Chief', signed_on => current_date - 3), 'withdrawn');

CREATE TABLE plate_reads (
	read_id     bigint NOT NULL,
	captured_at timestamptz NOT NULL,
	plate       text NOT NULL,
	agency_id   text NOT NULL
) PARTITION BY RANGE (captured_at);
ALTER TABLE plate_reads OWNER TO reads_owner;
SELECT format('CREATE TABLE plate_reads_%s PARTITION OF plate_reads FOR VALUES FROM (%L) TO (%L)',
	to_char(day, 'YYYYMMDD'), day, day + interval '1 day')
FROM generate_series(date_trunc('day', now()) - interval '37 days', date_trunc('day', now()) + interval '1 day', interval '1 day') day \gexec
CREATE INDEX ON plate_reads (plate text_pattern_ops);
CREATE INDEX ON plate_reads (plate);
CREATE INDEX ON plate_reads (captured_at);
GRANT SELECT, DELETE ON plate_reads TO PUBLIC;
CREATE VIEW reads_of_invoker WITH (security_invoker = true) AS SELECT * FROM plate_reads;
CREATE VIEW reads_of_owner AS SELECT * FROM plate_reads;
ALTER VIEW reads_of_owner OWNER TO reads_owner;
GRANT SELECT ON reads_of_invoker, reads_of_owner TO PUBLIC;

CREATE TABLE vehicle (plate text PRIMARY KEY, maker text NOT NULL);
GRANT SELECT ON vehicle TO PUBLIC;

CREATE SCHEMA swap;
GRANT USAGE ON SCHEMA swap TO PUBLIC;

-- Functions whose plans a session keeps for whichever role comes next
CREATE FUNCTION swap.by_plate(wanted text) RETURNS TABLE (read_id bigint, agency_id text, plate text) LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY SELECT r.read_id, r.agency_id, r.plate FROM public.plate_reads r WHERE r.plate = wanted;
END $$;
CREATE FUNCTION swap.one_by_one(pattern text) RETURNS TABLE (read_id bigint, agency_id text, plate text) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	FOR read_id, agency_id, plate IN SELECT r.read_id, r.agency_id, r.plate FROM public.plate_reads r WHERE r.plate LIKE pattern LOOP
		RETURN NEXT;
	END LOOP;
END $$;
CREATE FUNCTION swap.composed(wanted text) RETURNS TABLE (read_id bigint, agency_id text, plate text) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN QUERY EXECUTE 'SELECT r.read_id, r.agency_id, r.plate FROM public.plate_reads r WHERE r.plate = $1' USING wanted;
END $$;
CREATE FUNCTION swap.inlined(wanted text) RETURNS TABLE (read_id bigint, agency_id text, plate text) LANGUAGE sql STABLE AS
	'SELECT r.read_id, r.agency_id, r.plate FROM public.plate_reads r WHERE r.plate = wanted';
CREATE FUNCTION swap.of_definer(wanted text) RETURNS TABLE (read_id bigint, agency_id text, plate text) LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
	RETURN QUERY SELECT r.read_id, r.agency_id, r.plate FROM public.plate_reads r WHERE r.plate = wanted;
END $$;
ALTER FUNCTION swap.of_definer(text) OWNER TO reads_owner;

-- For the pgbench scripts: who may see whose reads, and the reads again, neither of which ctlpr knows of
CREATE TABLE swap.actor (
	actor_id int PRIMARY KEY,
	role     text NOT NULL,
	kind     text NOT NULL,
	begins   text NOT NULL,     -- what begin_request() answers: none (not called), begun, or an SQLSTATE
	searches text NOT NULL      -- what a search answers: rows, or an SQLSTATE
);
CREATE TABLE swap.permitted (actor_id int NOT NULL, agency_id text NOT NULL, plate text);     -- plate null: every plate
CREATE TABLE swap.truth (read_id bigint PRIMARY KEY, agency_id text NOT NULL, plate text NOT NULL, live boolean NOT NULL);
CREATE INDEX ON swap.truth (plate);
CREATE TABLE swap.plate (plate_id int PRIMARY KEY, plate text NOT NULL);
CREATE TABLE swap.warrant (authorization_id bigint NOT NULL);
CREATE TABLE swap.tally (script text, actor_id int, plate text, began text, state text, seen bigint, outside bigint, missing bigint);
GRANT SELECT ON ALL TABLES IN SCHEMA swap TO PUBLIC;
GRANT INSERT ON swap.tally TO PUBLIC;

-- No SET clause: a request that is begun below one would end with the call.
CREATE FUNCTION swap.begin(kind text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	PERFORM CASE kind
		WHEN 'none' THEN NULL
		WHEN 'own' THEN ctlpr.begin_request('stolen_vehicle', reason => 'own')
		WHEN 'case' THEN ctlpr.begin_request('stolen_vehicle', case_number => '26-1', reason => 'case')
		WHEN 'forbidden' THEN ctlpr.begin_request('immigration_enforcement', case_number => '26-1', reason => 'forbidden')
		WHEN 'unknown' THEN ctlpr.begin_request('lunch', case_number => '26-1', reason => 'unknown')
		WHEN 'warrant' THEN ctlpr.begin_request('criminal_investigation', case_number => '26-9', reason => 'warrant',
			authorization_id => (SELECT authorization_id FROM swap.warrant))
	END;
	RETURN CASE kind WHEN 'none' THEN 'none' ELSE 'begun' END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;

-- Row by row: reads that the search found and the actor may not see, and those that it may see and did not find
CREATE FUNCTION swap.compare(actor int, wanted text, OUT state text, OUT seen bigint, OUT outside bigint, OUT missing bigint) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	SELECT 'rows', count(f.read_id), count(*) FILTER (WHERE t.read_id IS NULL), count(*) FILTER (WHERE f.read_id IS NULL)
	INTO state, seen, outside, missing
	FROM (SELECT r.read_id, r.agency_id, r.plate FROM public.plate_reads r WHERE r.plate = wanted) f
		FULL JOIN (SELECT t.read_id, t.agency_id, t.plate FROM swap.truth t WHERE t.plate = wanted AND t.live
			AND EXISTS (SELECT FROM swap.permitted p WHERE p.actor_id = actor AND p.agency_id = t.agency_id AND coalesce(p.plate, t.plate) = t.plate)) t
		USING (read_id, agency_id, plate);
EXCEPTION WHEN OTHERS THEN
	state := SQLSTATE; seen := 0; outside := 0; missing := 0;
END $$;

-- What a server connection of the pool "kept" prepares when it is made, as nobody in particular
CREATE FUNCTION swap.prepare() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE $prepare$
		PREPARE compared (int, text) AS
		SELECT count(f.read_id) AS seen, count(*) FILTER (WHERE t.read_id IS NULL) AS outside, count(*) FILTER (WHERE f.read_id IS NULL) AS missing
		FROM (SELECT r.read_id, r.agency_id, r.plate FROM public.plate_reads r WHERE r.plate = $2) f
			FULL JOIN (SELECT t.read_id, t.agency_id, t.plate FROM swap.truth t WHERE t.plate = $2 AND t.live
				AND EXISTS (SELECT FROM swap.permitted p WHERE p.actor_id = $1 AND p.agency_id = t.agency_id AND coalesce(p.plate, t.plate) = t.plate)) t
			USING (read_id, agency_id, plate)
	$prepare$;
END $$;
