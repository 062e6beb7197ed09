/*
 * stat.sql - what a database's queue and workers are doing, for whoever watches
 * over the server.
 *
 * Looking is cheap, so that it can be done every few seconds: the counts are
 * those of shared memory (src/statistics.c) and no table of reads is looked at.
 * They begin with the server.  None tells of a person, a plate or an agency,
 * so looking is not recorded, and pg_monitor may.
 */
CREATE FUNCTION ctlpr.queue_statistics(OUT since timestamptz, OUT queue_entries bigint, OUT queue_bytes bigint, OUT queue_capacity_bytes bigint,
		OUT queue_peak_bytes bigint, OUT oldest_unwritten_at timestamptz, OUT waiting_backends int, OUT waits bigint, OUT wait_time_ms double precision,
		OUT room_waits bigint, OUT timeouts bigint, OUT entries_written bigint, OUT entries_per_second double precision,
		OUT entries_per_second_recent double precision, OUT batches bigint, OUT flush_time_ms double precision, OUT flush_last_ms double precision,
		OUT writer_state text, OUT writer_pid int, OUT writer_since timestamptz, OUT requests bigint, OUT requests_refused bigint, OUT refusals bigint,
		OUT log_entries bigint, OUT purged_through timestamptz, OUT purge_behind oid, OUT rule_changes bigint, OUT rule_loads bigint)
	AS 'MODULE_PATHNAME', 'ctlpr_queue_statistics' LANGUAGE C VOLATILE PARALLEL RESTRICTED NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.queue_statistics() IS 'Internal: what shared memory holds for the view ctlpr_stat';

/*
 * A round of the purge worker that left nothing that had expired when it began
 * bounds how long an expired read can have been there; after a restart the
 * start of the server does until there was one.
 *
 * What a purge deleted waits for erasure from the moment at which that run
 * ended, until a run of the erase worker that takes it up has ended.
 */
CREATE FUNCTION ctlpr.stat_state()
RETURNS TABLE (since timestamptz, queue_entries bigint, queue_bytes bigint, queue_capacity_bytes bigint, queue_peak_bytes bigint,
	oldest_unwritten_age interval, waiting_backends int, waits bigint, wait_time_ms double precision, room_waits bigint, timeouts bigint,
	entries_written bigint, entries_per_second double precision, entries_per_second_recent double precision, batches bigint,
	flush_time_ms double precision, flush_last_ms double precision, writer_state text, writer_pid int, writer_since timestamptz,
	requests bigint, requests_refused bigint, refusals bigint, log_entries bigint, checkpoint_size bigint, checkpoint_age interval,
	purge_lag interval, purge_behind regclass, erase_lag interval, erase_behind regclass, rule_changes bigint, rule_loads bigint)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT q.since, q.queue_entries, q.queue_bytes, q.queue_capacity_bytes, q.queue_peak_bytes,
		CASE WHEN q.oldest_unwritten_at IS NOT NULL THEN greatest(clock_timestamp() - q.oldest_unwritten_at, interval '0') END, q.waiting_backends, q.waits, q.wait_time_ms, q.room_waits, q.timeouts,
		q.entries_written, q.entries_per_second, q.entries_per_second_recent, q.batches,
		q.flush_time_ms, q.flush_last_ms, q.writer_state, q.writer_pid, q.writer_since,
		q.requests, q.requests_refused, q.refusals, q.log_entries, c.size, CASE WHEN c.signed_at IS NOT NULL THEN greatest(clock_timestamp() - c.signed_at, interval '0') END,
		CASE WHEN EXISTS (SELECT FROM ctlpr.governed_relation g WHERE g.purging)
			THEN greatest(clock_timestamp() - coalesce(q.purged_through, q.since), interval '0')
		END,
		(SELECT g.relation FROM ctlpr.governed_relation g WHERE g.relation::oid = q.purge_behind),
		coalesce(greatest(clock_timestamp() - e.since, interval '0'), interval '0'), e.relation, q.rule_changes, q.rule_loads
	FROM ctlpr.queue_statistics() q
		LEFT JOIN LATERAL (
			SELECT k.size, k.signed_at FROM ctlpr.checkpoint k ORDER BY k.epoch DESC, k.size DESC LIMIT 1
		) c ON true
		LEFT JOIN LATERAL (
			SELECT g.relation, (
					SELECT p.finished_at FROM ctlpr.purge_run p
					WHERE p.relation = g.relation AND p.finished_at IS NOT NULL
						AND p.run_id > coalesce((SELECT r.last_purge_run FROM ctlpr.erase_run r
							WHERE r.relation = g.relation AND r.finished_at IS NOT NULL ORDER BY r.run_id DESC LIMIT 1), 0)
					ORDER BY p.run_id LIMIT 1
				) AS since
			FROM ctlpr.governed_relation g
			ORDER BY 2 LIMIT 1
		) e ON e.since IS NOT NULL
$$;
COMMENT ON FUNCTION ctlpr.stat_state() IS 'What the view ctlpr_stat shows';

CREATE VIEW ctlpr.ctlpr_stat WITH (security_barrier) AS
SELECT s.since, s.queue_entries, s.queue_bytes, s.queue_capacity_bytes, s.queue_peak_bytes, s.oldest_unwritten_age, s.waiting_backends, s.waits, s.wait_time_ms,
	s.room_waits, s.timeouts, s.entries_written, s.entries_per_second, s.entries_per_second_recent, s.batches, s.flush_time_ms, s.flush_last_ms,
	s.writer_state, s.writer_pid, s.writer_since, s.requests, s.requests_refused, s.refusals, s.log_entries, s.checkpoint_size, s.checkpoint_age,
	s.purge_lag, s.purge_behind, s.erase_lag, s.erase_behind, s.rule_changes, s.rule_loads
FROM ctlpr.stat_state() s;
COMMENT ON VIEW ctlpr.ctlpr_stat IS 'What the queue, the writer and the workers of this database are doing, one row, cheap to look at; docs/operations.md says what to watch';
COMMENT ON COLUMN ctlpr.ctlpr_stat.since IS 'When the counts began: the first use of this database since the server started';
COMMENT ON COLUMN ctlpr.ctlpr_stat.queue_entries IS 'Entries that are recorded and not durable yet';
COMMENT ON COLUMN ctlpr.ctlpr_stat.queue_bytes IS 'Memory that they take';
COMMENT ON COLUMN ctlpr.ctlpr_stat.queue_capacity_bytes IS 'Memory of the queue, see ctlpr.audit_queue_size';
COMMENT ON COLUMN ctlpr.ctlpr_stat.queue_peak_bytes IS 'The most that was ever taken of it';
COMMENT ON COLUMN ctlpr.ctlpr_stat.oldest_unwritten_age IS 'How long the oldest of them has been waiting; NULL when there is none';
COMMENT ON COLUMN ctlpr.ctlpr_stat.waiting_backends IS 'Sessions that wait for their record, or for room in the queue';
COMMENT ON COLUMN ctlpr.ctlpr_stat.waits IS 'Waits of a session until its record was durable';
COMMENT ON COLUMN ctlpr.ctlpr_stat.wait_time_ms IS 'How long they took together, in milliseconds';
COMMENT ON COLUMN ctlpr.ctlpr_stat.room_waits IS 'Waits for room in the queue, or for a writer to come';
COMMENT ON COLUMN ctlpr.ctlpr_stat.timeouts IS 'Statements that were refused as their record could not be made durable (LP020)';
COMMENT ON COLUMN ctlpr.ctlpr_stat.entries_written IS 'Entries made durable';
COMMENT ON COLUMN ctlpr.ctlpr_stat.entries_per_second IS 'The same for each second since the counts began';
COMMENT ON COLUMN ctlpr.ctlpr_stat.entries_per_second_recent IS 'The same for each second of the last minute';
COMMENT ON COLUMN ctlpr.ctlpr_stat.batches IS 'Transactions of the writer that stored entries';
COMMENT ON COLUMN ctlpr.ctlpr_stat.flush_time_ms IS 'How long the commit of a batch took until it was durable, on average, in milliseconds';
COMMENT ON COLUMN ctlpr.ctlpr_stat.flush_last_ms IS 'How long the last one took';
COMMENT ON COLUMN ctlpr.ctlpr_stat.writer_state IS 'none (nothing to do) | wanted (not started yet) | starting | idle | writing | signing | forked (the log contradicts a checkpoint)';
COMMENT ON COLUMN ctlpr.ctlpr_stat.writer_pid IS 'Process of the writer; NULL when none runs';
COMMENT ON COLUMN ctlpr.ctlpr_stat.writer_since IS 'When it was started';
COMMENT ON COLUMN ctlpr.ctlpr_stat.requests IS 'Calls of begin_request() on record, allowed or not';
COMMENT ON COLUMN ctlpr.ctlpr_stat.requests_refused IS 'Those that were refused';
COMMENT ON COLUMN ctlpr.ctlpr_stat.refusals IS 'Refusals on record, of requests, statements and commands';
COMMENT ON COLUMN ctlpr.ctlpr_stat.log_entries IS 'Number of the newest entry, durable or not; NULL until the writer has read the log since the server started';
COMMENT ON COLUMN ctlpr.ctlpr_stat.checkpoint_size IS 'Entries under the last checkpoint; NULL when there is none';
COMMENT ON COLUMN ctlpr.ctlpr_stat.checkpoint_age IS 'How long ago it was signed';
COMMENT ON COLUMN ctlpr.ctlpr_stat.purge_lag IS 'How long, at most, an expired read has been there: since the last round of the purge worker that left none, or the start of the server; NULL when nothing is purged';
COMMENT ON COLUMN ctlpr.ctlpr_stat.purge_behind IS 'A relation of which the last round left expired reads, see ctlpr.purge_status; NULL when there is none';
COMMENT ON COLUMN ctlpr.ctlpr_stat.erase_lag IS 'How long the oldest deletion has been waiting for the erasure of its bytes; zero when none is';
COMMENT ON COLUMN ctlpr.ctlpr_stat.erase_behind IS 'The relation that it was in, see ctlpr.erase_status';
COMMENT ON COLUMN ctlpr.ctlpr_stat.rule_changes IS 'Commits that changed a rule';
COMMENT ON COLUMN ctlpr.ctlpr_stat.rule_loads IS 'How often a session read the rules anew: when it met them first, and after a change';
