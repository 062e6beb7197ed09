/*
 * erase_functions.sql - what the erase worker asks (src/erase_run.c), what is
 * shown of its work, and the register of copies kept elsewhere.
 */

/*
 * What the worker asks
 */

CREATE FUNCTION ctlpr.purged_since_erasure(relation oid, OUT first_run bigint, OUT last_run bigint, OUT expired_at timestamptz, OUT limit_at timestamptz,
	OUT rows_deleted bigint, OUT partitions_dropped int)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT min(p.run_id), max(p.run_id), max(p.expired_at), max(p.limit_at), coalesce(sum(p.rows_deleted), 0)::bigint, coalesce(sum(p.partitions_dropped), 0)::int
	FROM ctlpr.purge_run p
	WHERE p.relation = $1
		AND p.finished_at IS NOT NULL
		AND p.run_id > coalesce((SELECT max(e.last_purge_run) FROM ctlpr.erase_run e WHERE e.relation = $1), 0)
$$;
COMMENT ON FUNCTION ctlpr.purged_since_erasure(oid) IS 'Internal: runs of the purge worker over a relation that no run of the erase worker has taken up';

/*
 * The server's own counts of changes: they tell that something was lost, never
 * that nothing was.  Where it does not count, or has begun anew, all is gone
 * through again.  What rolled back shows as dead rows, or as a vacuum since.
 */
CREATE FUNCTION ctlpr.row_changes(members oid[]) RETURNS TABLE (member regclass, changes bigint, vacuums bigint, dead bigint, counted_since timestamptz)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT m.member::regclass,
		pg_stat_get_tuples_updated(m.member) + pg_stat_get_tuples_deleted(m.member),
		pg_stat_get_vacuum_count(m.member) + pg_stat_get_autovacuum_count(m.member),
		pg_stat_get_dead_tuples(m.member),
		CASE WHEN current_setting('track_counts')::boolean
			THEN coalesce(pg_stat_get_db_stat_reset_time((SELECT d.oid FROM pg_database d WHERE d.datname = current_database())), '-infinity')
		END
	FROM unnest(members) m(member)
$$;
COMMENT ON FUNCTION ctlpr.row_changes(oid[]) IS 'Internal: what the server has counted of tables, and since when; NULL where it does not count';

/*
 * A run covers every member that may have lost rows since it was last gone
 * through.  A member whose rows went by the purge is in ctlpr.erase_loss,
 * whatever the server counts.  The first run of a relation takes all, with all
 * indexes; a partition that came later and lost nothing keeps its indexes unless
 * its pages tell otherwise.
 */
CREATE FUNCTION ctlpr.begin_erasure(round bigint, relation oid, relation_name text, members oid[], expired_at timestamptz, limit_at timestamptz, horizon xid8)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	purged record;
	first  boolean := NOT EXISTS (SELECT FROM ctlpr.erase_run e WHERE e.relation = $2);
	looked oid[];
	left_us int;
	run    bigint;
BEGIN
	SELECT * INTO purged FROM ctlpr.purged_since_erasure($2);
	looked := ARRAY(
		SELECT c.member::oid
		FROM ctlpr.row_changes($4) c
			LEFT JOIN ctlpr.erase_member m ON m.member = c.member
		WHERE first
			OR m.member IS NULL
			OR (c.changes, c.vacuums, c.counted_since) IS DISTINCT FROM (m.changes, m.vacuums, m.counted_since)
			OR c.counted_since IS NULL
			OR c.dead > 0
			OR EXISTS (SELECT FROM ctlpr.erase_loss l WHERE l.member = c.member));
	DELETE FROM ctlpr.erase_member m
		WHERE m.run_id IN (SELECT e.run_id FROM ctlpr.erase_run e WHERE e.relation = $2) AND m.member <> ALL ($4);
	GET DIAGNOSTICS left_us = ROW_COUNT;
	IF purged.last_run IS NULL AND looked = '{}' AND left_us = 0 THEN
		UPDATE ctlpr.erase_run e SET erased_through = $5
			WHERE e.run_id = (SELECT max(x.run_id) FROM ctlpr.erase_run x WHERE x.relation = $2) AND e.erased_through < $5;
		RETURN NULL;
	END IF;

	INSERT INTO ctlpr.erase_run (round, relation, relation_name, expired_at, limit_at, horizon, first_purge_run, last_purge_run, partitions_unlinked, started_at, progress_at)
		SELECT $1, $2, $3, $5, $6, $7, purged.first_run,
			coalesce(purged.last_run, (SELECT max(e.last_purge_run) FROM ctlpr.erase_run e WHERE e.relation = $2), 0),
			purged.partitions_dropped, clock_timestamp(), clock_timestamp()
		RETURNING run_id INTO run;
	INSERT INTO ctlpr.erase_member AS m (member, run_id, stage, rebuild, changes, vacuums, counted_since)
		SELECT c.member, run, 'vacuum',
			first OR c.changes > 0 OR c.counted_since IS NULL OR EXISTS (SELECT FROM ctlpr.erase_loss l WHERE l.member = c.member),
			c.changes, c.vacuums + 1, c.counted_since
		FROM ctlpr.row_changes(looked) c
		ON CONFLICT (member) DO UPDATE SET run_id = excluded.run_id, stage = excluded.stage, block = 0, file = 0, old_files = '{}',
			rebuild = first OR excluded.counted_since IS NULL OR m.stage <> 'done'
				OR (m.changes, m.counted_since) IS DISTINCT FROM (excluded.changes, excluded.counted_since)
				OR EXISTS (SELECT FROM ctlpr.erase_loss l WHERE l.member = excluded.member),
			changes = excluded.changes, vacuums = excluded.vacuums, counted_since = excluded.counted_since;
	DELETE FROM ctlpr.erase_loss l WHERE l.member = ANY (looked);
	RETURN run;
END
$$;
COMMENT ON FUNCTION ctlpr.begin_erasure(bigint, oid, text, oid[], timestamptz, timestamptz, xid8) IS 'Internal: begins a run of the erase worker over what may have lost rows; NULL when nothing has';

/* An index that is rebuilt, concurrently or not, gets another file. */
CREATE FUNCTION ctlpr.mark_indexes(member oid) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE ctlpr.erase_member m
	SET old_files = ARRAY(SELECT c.relfilenode FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1)
	WHERE m.member = $1
$$;
COMMENT ON FUNCTION ctlpr.mark_indexes(oid) IS 'Internal: notes the files of a table''s indexes, for these may hold what it has lost';

/*
 * A rebuild that was cut off leaves an index that is not valid: the new one half
 * built (ccnew), or the old one after it was replaced (ccold).  Another invalid
 * index is somebody's whose CREATE INDEX CONCURRENTLY failed; it is rebuilt.
 */
CREATE FUNCTION ctlpr.next_index_command(member oid, OUT command text, OUT waiting_for text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
			WHEN left_over.is THEN format('DROP INDEX CONCURRENTLY %I.%I', n.nspname, c.relname)
			WHEN NOT i.indisexclusion THEN format('REINDEX INDEX CONCURRENTLY %I.%I', n.nspname, c.relname)
		END,
		CASE WHEN NOT left_over.is AND i.indisexclusion
			THEN format('REINDEX INDEX %I.%I, by hand: an exclusion constraint needs it, so it cannot be rebuilt concurrently', n.nspname, c.relname)
		END
	FROM ctlpr.erase_member m
		JOIN pg_index i ON i.indrelid = m.member
		JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace
		CROSS JOIN LATERAL (SELECT NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AS is) left_over
	WHERE m.member = $1
		AND (left_over.is OR c.relfilenode = ANY (m.old_files))
	ORDER BY left_over.is DESC, i.indisexclusion, c.oid
	LIMIT 1
$$;
COMMENT ON FUNCTION ctlpr.next_index_command(oid) IS 'Internal: what is to be done next so that no index of a table holds what it has lost';

/*
 * A snapshot reaches back to the oldest transaction that was open when it was
 * taken, so that whoever looks while one is in the way is as old as that by
 * number: of equals it is what stays, and then who began first.
 */
CREATE FUNCTION ctlpr.horizon_holder() RETURNS text
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT h.who
	FROM (
		SELECT format('process %s (%s), in a transaction since %s', a.pid, a.backend_type, to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"')),
			greatest(age(a.backend_xmin), age(a.backend_xid)), 1, a.xact_start
		FROM pg_stat_get_activity(NULL) a
		WHERE a.pid <> pg_backend_pid() AND coalesce(a.backend_xmin, a.backend_xid) IS NOT NULL
		UNION ALL
		SELECT format('replication slot "%s"', s.slot_name), greatest(age(s.xmin), age(s.catalog_xmin)), 0, NULL
		FROM pg_get_replication_slots() s
		WHERE coalesce(s.xmin, s.catalog_xmin) IS NOT NULL
		UNION ALL
		SELECT format('prepared transaction "%s"', p.gid), age(p.transaction), 0, p.prepared
		FROM pg_prepared_xact() p
	) h(who, age, rank, since)
	ORDER BY h.age DESC, h.rank, h.since
	LIMIT 1
$$;
COMMENT ON FUNCTION ctlpr.horizon_holder() IS 'Internal: who keeps deleted rows from being vacuumed away, and has for the longest time';

/*
 * How long reads outlived their limit.  Of the oldest read that a run deleted
 * only the day is known: it expired in the course of that day plus the
 * retention, and after the run before, or that would have deleted it, unless it
 * came later.  So this is an upper bound.
 */
CREATE FUNCTION ctlpr.first_expiry(run_id bigint) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
			WHEN isfinite(p.limit_at) AND isfinite(p.oldest_read_on) THEN
				CASE WHEN day.expiry + interval '1 day' < before.expired_at THEN day.expiry ELSE greatest(day.expiry, before.expired_at) END
		END
	FROM ctlpr.purge_run p
		CROSS JOIN ctlpr.statute_adoption a
		JOIN ctlpr.statute s ON s.statute = a.statute
		CROSS JOIN LATERAL (SELECT (p.oldest_read_on::timestamp AT TIME ZONE s.time_zone) + (p.expired_at - p.limit_at) AS expiry) day
		LEFT JOIN LATERAL (
			SELECT x.expired_at
			FROM ctlpr.purge_run x
			WHERE x.relation = p.relation AND x.run_id < p.run_id AND x.finished_at IS NOT NULL AND x.last_sqlstate IS NULL
			ORDER BY x.run_id DESC
			LIMIT 1
		) before ON true
	WHERE p.run_id = $1
$$;
COMMENT ON FUNCTION ctlpr.first_expiry(bigint) IS 'Internal: when the oldest read that a run of the purge worker deleted had expired, at the earliest; NULL where that is not known';

CREATE FUNCTION ctlpr.erasure_certificate(run_id bigint, OUT relation_name text, OUT certificate jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT e.relation_name, jsonb_build_object(
		'erase_run', e.run_id,
		'expired_at', e.expired_at,
		'limit_at', e.limit_at,
		'purge_runs', jsonb_build_object('first', e.first_purge_run, 'last', e.last_purge_run, 'first_certificate', p.first_certificate,
			'last_certificate', p.last_certificate, 'rows_deleted', p.rows_deleted),
		'erased', jsonb_build_object('tables', e.tables_erased, 'pages_zeroed', e.pages_zeroed, 'indexes_rebuilt', e.indexes_rebuilt,
			'partitions_unlinked', e.partitions_unlinked, 'statistics', 'replaced'),
		'verified', jsonb_build_object('pages_without_remains', e.pages_verified, 'pages_changed_since', e.pages_changed),
		'latency', jsonb_build_object('invisible', '0', 'deleted_within', p.deleted_within, 'erased_within', clock_timestamp() - p.first_expiry),
		'started_at', e.started_at,
		'finished_at', clock_timestamp())
	FROM ctlpr.erase_run e
		CROSS JOIN LATERAL (
			SELECT min(r.certificate_seq) AS first_certificate, max(r.certificate_seq) AS last_certificate, coalesce(sum(r.rows_deleted), 0) AS rows_deleted,
				max(r.finished_at - x.expiry) AS deleted_within, min(x.expiry) AS first_expiry
			FROM ctlpr.purge_run r
				CROSS JOIN LATERAL (SELECT ctlpr.first_expiry(r.run_id) AS expiry) x
			WHERE r.relation = e.relation AND r.run_id BETWEEN e.first_purge_run AND e.last_purge_run
		) p
	WHERE e.run_id = $1
$$;
COMMENT ON FUNCTION ctlpr.erasure_certificate(bigint) IS 'Internal: what the log is to say of a run of the erase worker, from what it has committed';

/*
 * By hand
 *
 * A procedure: a function would hold the snapshot of the statement that calls
 * it, and its own erasure would wait for that for ever.
 */
CREATE PROCEDURE ctlpr.erase(relation regclass DEFAULT NULL)
	AS 'MODULE_PATHNAME', 'ctlpr_run_erase_round' LANGUAGE C;
COMMENT ON PROCEDURE ctlpr.erase(regclass) IS 'Ask the erase worker for a round now, over one relation or all, and wait for its end; ctlpr.erase_status says what came of it';

/*
 * What is shown
 */
CREATE FUNCTION ctlpr.erase_state()
RETURNS TABLE (relation regclass, relation_name text, erased_through timestamptz, pending_reads bigint, how text, waiting_for text, last_sqlstate text,
	pages_done bigint, pages_total bigint, started_at timestamptz, progress_at timestamptz, finished_at timestamptz, running boolean, certificate_seq bigint)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT g.relation, g.relation_name, done.erased_through,
		(purged.rows_deleted + CASE WHEN r.finished_at IS NULL THEN coalesce(under_way.rows_deleted, 0) ELSE 0 END + coalesce(expired.reads, 0))::bigint,
		CASE WHEN r.run_id IS NOT NULL THEN
			format('pages zeroed: %s, indexes rebuilt: %s, partitions unlinked: %s; pages verified: %s, changed by others since: %s', r.pages_zeroed,
				r.indexes_rebuilt, r.partitions_unlinked, r.pages_verified, r.pages_changed)
		END,
		r.waiting_for, r.last_sqlstate, r.pages_done, r.pages_total, r.started_at, r.progress_at, r.finished_at,
		r.finished_at IS NULL AND EXISTS (
			SELECT FROM pg_stat_get_activity(NULL) a
			WHERE a.backend_type = 'ctlpr erase worker' AND a.datid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())),
		r.certificate_seq
	FROM ctlpr.governed_relation g
		CROSS JOIN LATERAL ctlpr.purged_since_erasure(g.relation) purged
		LEFT JOIN LATERAL (
			SELECT e.* FROM ctlpr.erase_run e WHERE e.relation = g.relation ORDER BY e.run_id DESC LIMIT 1
		) r ON true
		LEFT JOIN LATERAL (
			SELECT e.erased_through FROM ctlpr.erase_run e WHERE e.relation = g.relation AND e.finished_at IS NOT NULL ORDER BY e.run_id DESC LIMIT 1
		) done ON true
		LEFT JOIN LATERAL (
			SELECT sum(p.rows_deleted) AS rows_deleted FROM ctlpr.purge_run p WHERE p.relation = g.relation AND p.run_id BETWEEN r.first_purge_run AND r.last_purge_run
		) under_way ON true
		LEFT JOIN LATERAL (
			SELECT sum(x.reads) AS reads FROM ctlpr.expired_reads(g.relation) x
		) expired ON true
	/* as retention_state() does */
	WHERE pg_has_role(ctlpr.outer_role(), 'ctlpr_admin', 'USAGE')
		OR CASE WHEN g.owner_agency IS NULL THEN ctlpr.is_auditor() ELSE ctlpr.auditor_sees(g.owner_agency, NULL) END
	ORDER BY g.relation_name
$$;
COMMENT ON FUNCTION ctlpr.erase_state() IS 'What the view erase_status shows, of the governed relations that the role that acts may know of';

CREATE VIEW ctlpr.erase_status WITH (security_barrier) AS
SELECT s.relation, s.erased_through, s.pending_reads, s.how, s.waiting_for, s.last_sqlstate, s.pages_done, s.pages_total, s.started_at, s.progress_at,
	s.finished_at, s.running, s.certificate_seq
FROM ctlpr.erase_state() s;
COMMENT ON VIEW ctlpr.erase_status IS 'Each governed relation, and up to when the bytes of its reads are proven erased from this server''s files (13(b)(2)(A)); docs/erasure.md says what is not covered';
COMMENT ON COLUMN ctlpr.erase_status.relation IS 'The governed relation';
COMMENT ON COLUMN ctlpr.erase_status.erased_through IS 'No byte of a read that expired before this instant is left; NULL when nothing is proven yet';
COMMENT ON COLUMN ctlpr.erase_status.pending_reads IS 'Reads that have expired and are not proven erased';
COMMENT ON COLUMN ctlpr.erase_status.how IS 'What the last run has done, up to now where it is at work';
COMMENT ON COLUMN ctlpr.erase_status.waiting_for IS 'What keeps it from going on: who may still see deleted reads, or what an administrator has to do';
COMMENT ON COLUMN ctlpr.erase_status.last_sqlstate IS 'SQLSTATE of the last error that it met';
COMMENT ON COLUMN ctlpr.erase_status.pages_done IS 'Pages that it has gone through, each once to be zeroed and once to be verified';
COMMENT ON COLUMN ctlpr.erase_status.pages_total IS 'Pages that it has to go through, as far as it knows';
COMMENT ON COLUMN ctlpr.erase_status.started_at IS 'When it began; NULL if there was none';
COMMENT ON COLUMN ctlpr.erase_status.progress_at IS 'When it last committed progress';
COMMENT ON COLUMN ctlpr.erase_status.finished_at IS 'When it ended; NULL while it is at work, waits, or was cut off';
COMMENT ON COLUMN ctlpr.erase_status.running IS 'It is not at its end, and a worker is there';
COMMENT ON COLUMN ctlpr.erase_status.certificate_seq IS 'Entry of the log that certifies it';

CREATE VIEW ctlpr.erasures WITH (security_barrier) AS
SELECT e.seq,
	ctlpr.relation_named(e.relation) AS relation,
	(e.detail ->> 'expired_at')::timestamptz AS erased_through,
	(e.detail -> 'purge_runs' ->> 'rows_deleted')::bigint AS rows_erased,
	(e.detail -> 'erased' ->> 'pages_zeroed')::bigint AS pages_zeroed,
	(e.detail -> 'erased' ->> 'indexes_rebuilt')::int AS indexes_rebuilt,
	(e.detail -> 'erased' ->> 'partitions_unlinked')::int AS partitions_unlinked,
	(e.detail -> 'verified' ->> 'pages_without_remains')::bigint AS pages_verified,
	(e.detail -> 'verified' ->> 'pages_changed_since')::bigint AS pages_changed,
	(e.detail -> 'latency' ->> 'deleted_within')::interval AS deleted_within,
	(e.detail -> 'latency' ->> 'erased_within')::interval AS erased_within,
	(e.detail ->> 'started_at')::timestamptz AS started_at,
	(e.detail ->> 'finished_at')::timestamptz AS finished_at,
	e.relation AS relation_name,
	(e.detail -> 'purge_runs' ->> 'first_certificate')::bigint AS first_purge_seq,
	(e.detail -> 'purge_runs' ->> 'last_certificate')::bigint AS last_purge_seq
FROM ctlpr.audit_entry e
WHERE e.entry = 'verdict'
	AND e.action = 'erase'
	AND e.allowed
	AND e.detail ? 'erase_run'
	AND (SELECT ctlpr.is_auditor())
ORDER BY e.seq DESC;
COMMENT ON VIEW ctlpr.erasures IS 'Certificates of erasure, newest first, a row for each run of the erase worker and relation (13(b)(2)); seen by every auditor';
COMMENT ON COLUMN ctlpr.erasures.seq IS 'Entry of the log that is the certificate';
COMMENT ON COLUMN ctlpr.erasures.relation IS 'The governed relation, if one bears that name today; see relation_name';
COMMENT ON COLUMN ctlpr.erasures.erased_through IS 'No byte of a read that expired before this instant was left in its files';
COMMENT ON COLUMN ctlpr.erasures.rows_erased IS 'Reads that the certified purges had deleted since the erasure before';
COMMENT ON COLUMN ctlpr.erasures.pages_zeroed IS 'Pages of tables, TOAST and statistics in which bytes were zeroed';
COMMENT ON COLUMN ctlpr.erasures.indexes_rebuilt IS 'Indexes rebuilt';
COMMENT ON COLUMN ctlpr.erasures.partitions_unlinked IS 'Partitions that were dropped, and their files with them';
COMMENT ON COLUMN ctlpr.erasures.pages_verified IS 'Pages in which no byte outside of rows was found afterwards';
COMMENT ON COLUMN ctlpr.erasures.pages_changed IS 'Pages that others had changed by then: what lies in them is of later changes';
COMMENT ON COLUMN ctlpr.erasures.deleted_within IS 'How long, at most, a read was there after it had expired and was invisible; NULL where that is not known';
COMMENT ON COLUMN ctlpr.erasures.erased_within IS 'How long, at most, its bytes were';
COMMENT ON COLUMN ctlpr.erasures.started_at IS 'When the run began';
COMMENT ON COLUMN ctlpr.erasures.finished_at IS 'When it ended';
COMMENT ON COLUMN ctlpr.erasures.relation_name IS 'Qualified name of the relation at the time';
COMMENT ON COLUMN ctlpr.erasures.first_purge_seq IS 'First certificate of deletion, see purges, that it goes on from';
COMMENT ON COLUMN ctlpr.erasures.last_purge_seq IS 'Last certificate of deletion that it goes on from';

/*
 * Over-retention that has passed, 15(a)(1)(E): reads that the purge deleted
 * later than it does when it keeps up.  All reads of a run count when its oldest
 * was late, so the number is an upper bound; what is late now is in findings.
 */
CREATE FUNCTION ctlpr.over_retained()
RETURNS TABLE (run_id bigint, relation_name text, agency_id text, reads bigint, expired_at timestamptz, deleted_at timestamptz, kept_longer_by interval, certificate_seq bigint)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.run_id, p.relation_name, o.agency_id, o.reads::bigint, x.expiry, p.finished_at, p.finished_at - x.expiry, p.certificate_seq
	FROM ctlpr.purge_run p
		CROSS JOIN LATERAL (SELECT ctlpr.first_expiry(p.run_id) AS expiry) x
		CROSS JOIN LATERAL jsonb_each_text(p.owners) o(agency_id, reads)
	WHERE p.finished_at - x.expiry > 2 * coalesce(nullif(current_setting('ctlpr.purge_naptime', true), '')::interval, interval '60 s') + (p.finished_at - p.started_at)
		AND ctlpr.auditor_sees(o.agency_id, NULL)
	ORDER BY p.run_id DESC, o.agency_id
$$;
COMMENT ON FUNCTION ctlpr.over_retained() IS 'What the view over_retention shows, of the agencies that the role that acts audits';

CREATE VIEW ctlpr.over_retention WITH (security_barrier) AS
SELECT r.run_id, r.relation_name, r.agency_id, r.reads, r.expired_at, r.deleted_at, r.kept_longer_by, r.certificate_seq
FROM ctlpr.over_retained() r;
COMMENT ON VIEW ctlpr.over_retention IS 'Reads that were deleted late, invisible all the while, a row for each run of the purge worker and agency: 15(a)(1)(E); those that are late now are findings of kind over_retention';
COMMENT ON COLUMN ctlpr.over_retention.run_id IS 'The run that deleted them';
COMMENT ON COLUMN ctlpr.over_retention.relation_name IS 'The relation''s qualified name at the time';
COMMENT ON COLUMN ctlpr.over_retention.agency_id IS 'The agency that owned them';
COMMENT ON COLUMN ctlpr.over_retention.reads IS 'How many, at most';
COMMENT ON COLUMN ctlpr.over_retention.expired_at IS 'When the oldest had expired, at the earliest';
COMMENT ON COLUMN ctlpr.over_retention.deleted_at IS 'When the run had deleted them';
COMMENT ON COLUMN ctlpr.over_retention.kept_longer_by IS 'How long the oldest was kept past its limit, at most';
COMMENT ON COLUMN ctlpr.over_retention.certificate_seq IS 'Entry of the log that certifies the deletion';

/*
 * Copies elsewhere
 */

/*
 * register_copy(kind, place, retention) - the database is copied to a place,
 * and what is copied stays there for so long.
 *
 * kind: backup | wal_archive | replica | export | other; place: what finds it
 * again, no secret; retention: how long the oldest of it is kept, NULL where
 * nothing bounds it.  A replica that replays at once keeps nothing longer: 0.  A
 * place that is registered again is kept by the new terms.
 * Result: number of the copy.
 * Errors: 22004, 22001, 22023 an argument.
 * Clause: 13(b)(2)(A), 15(a)(1)(E).
 */
CREATE FUNCTION ctlpr.register_copy(kind text, place text, retention interval)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	copy bigint;
BEGIN
	PERFORM ctlpr.check_text('place', register_copy.place);
	IF register_copy.kind IS NULL OR register_copy.kind NOT IN ('backup', 'wal_archive', 'replica', 'export', 'other') THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'argument "kind" is not a known kind of copy',
			HINT = 'Kinds are: backup, wal_archive, replica, export, other.';
	END IF;
	IF register_copy.retention < interval '0' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'argument "retention" must not be negative',
			HINT = 'State how long the oldest of it is kept; 0 for a replica that follows at once, NULL where nothing bounds it.';
	END IF;
	UPDATE ctlpr.data_copy c SET ended_at = clock_timestamp(), ended_reason = 'registered anew'
		WHERE c.kind = register_copy.kind AND c.place = register_copy.place AND c.ended_at IS NULL;
	INSERT INTO ctlpr.data_copy AS c (kind, place, retention, registered_at, registered_by)
		VALUES (register_copy.kind, register_copy.place, register_copy.retention, clock_timestamp(), session_user)
		RETURNING c.copy_id INTO copy;
	PERFORM ctlpr.record_event('configuration', clause => '13(b)(2)(A)',
		detail => jsonb_build_object('function', 'register_copy', 'copy_id', copy, 'kind', register_copy.kind, 'place', register_copy.place,
			'retention', register_copy.retention));
	RETURN copy;
END
$$;
COMMENT ON FUNCTION ctlpr.register_copy(text, text, interval) IS 'Registers a backup, archive, replica or export that holds reads, and how long it keeps them (15(a)(1)(E))';

/*
 * end_copy(copy_id, reason) - a copy is gone, or holds reads no more.
 *
 * Errors: 22004, 22001, 22023 an argument; 42704 there is no such copy.
 * Clause: 13(b)(2)(A).
 */
CREATE FUNCTION ctlpr.end_copy(copy_id bigint, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ctlpr.check_text('reason', end_copy.reason);
	UPDATE ctlpr.data_copy c SET ended_at = clock_timestamp(), ended_reason = end_copy.reason
		WHERE c.copy_id = end_copy.copy_id AND c.ended_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('there is no copy %s that is kept', coalesce(end_copy.copy_id::text, 'NULL')),
			HINT = 'See ctlpr.data_copy for those that are.';
	END IF;
	PERFORM ctlpr.record_event('configuration', reason => end_copy.reason, clause => '13(b)(2)(A)',
		detail => jsonb_build_object('function', 'end_copy', 'copy_id', end_copy.copy_id));
END
$$;
COMMENT ON FUNCTION ctlpr.end_copy(bigint, text) IS 'Notes that a registered copy is gone';

/*
 * A copy holds reads up to their limit, and keeps them for its own retention
 * after that.  When that is as long as the limit again, all that it holds in the
 * end is past it.
 */
CREATE FUNCTION ctlpr.copies_past_limit() RETURNS TABLE (copy_id bigint, kind text, place text, retention interval, permitted interval, severity text)
LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT c.copy_id, c.kind, c.place, c.retention, p.period, CASE WHEN c.retention < p.period THEN 'warning' ELSE 'violation' END
	FROM ctlpr.data_copy c
		CROSS JOIN (
			SELECT min(r.period) AS period
			FROM ctlpr.statute_adoption a
				JOIN ctlpr.statute_retention r ON r.statute = a.statute
				JOIN ctlpr.governed_relation g ON g.retention = r.rule
			WHERE r.valid_from <= now() AND now() < r.valid_until
		) p
	WHERE c.ended_at IS NULL
		AND p.period IS NOT NULL
		AND (c.retention IS NULL OR c.retention > interval '0')
$$;
COMMENT ON FUNCTION ctlpr.copies_past_limit() IS 'Internal: copies in which reads outlive the shortest limit of a governed relation';
