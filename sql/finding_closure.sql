/*
 * finding_closure.sql - what an auditor has looked into and settled.
 *
 * A finding about past entries is closed with a disposition, which says what
 * came of it.  It then leaves ctlpr.findings, until the log has an entry that
 * was not among its evidence, or it has become more severe.  A finding about a
 * state (row security that is missing, reads past their limit) does not vanish
 * by a signature: it goes when the state is mended.  Closures are never
 * deleted, only followed by a later one or reopened, and each is in the log.
 */
CREATE VIEW ctlpr.finding_kinds (kind, severity, closable, clause, meaning) AS VALUES
	('over_retention', 'violation', false, '13(b)(2)(A), 15(a)(1)(E)', 'Reads are still there past their limit: purging was never started, or is behind'),
	('purge_lag', 'warning', false, '13(b)(2)(A)', 'The purge worker has not come around without an error for five rounds, though nothing is late yet'),
	('overdue_image', 'violation', false, '13(b)(2)(A)', 'Images of purged reads whose deletion nobody has confirmed in time'),
	('not_erased', 'warning', false, '13(b)(2)(A)', 'Reads are deleted, and their bytes are not erased'),
	('copy_past_limit', 'warning, violation', false, '13(b)(2)(A), 15(a)(1)(E)', 'A backup or other copy in which reads outlive their limit'),
	('clock', 'warning', false, '13(b)(2)(A)', 'The clock was set forward, so deletion is suspended'),
	('no_outcome', 'warning', true, '14(a)(6)', 'Statements of which the log does not say what they released: a crash, or a process that was killed'),
	('async_durability', 'warning', false, '14(a)(6)', 'A crash may lose entries whose rows were released'),
	('log_fork', 'warning', true, '14(a)(6)', 'The log went on after a failover or restore, and signed entries may be missing'),
	('log_not_signed', 'warning', false, '14(a)(6)', 'Entries have not been signed for more than a day'),
	('unrecorded_redaction', 'violation', true, '14(a)(6)', 'Values were taken out of an entry, of which no entry tells'),
	('forbidden_purpose', 'warning, violation', true, '13(d)', 'An officer stated a forbidden purpose, or a reason that reveals one; a violation where it was not refused (observe mode)'),
	('reason_approved', 'warning', true, '13(d)', 'A supervisor approved a stated reason that the screen refused'),
	('contested_reason', 'warning', true, '13(d)', 'A stated reason that may reveal a forbidden purpose, which the screen flags for somebody to look at'),
	('screen_weakened', 'warning', true, '13(d)', 'A term or list by which reasons are screened catches less than it did, or than what came with the extension'),
	('break_glass', 'warning', true, '14(a)(6)', 'A superuser opened all live reads'),
	('pending_case', 'warning', true, '13(d)(8)', 'A case number that was to follow has not followed'),
	('unlawful_disclosure', 'violation', true, '13(d)(6)', 'Somebody put on record that reads were passed on without a basis'),
	('repeated_plate', 'warning', true, '13(b)(1)(B)(ii), 13(k)', 'One plate was sought without a case on three days of officers within 30 days'),
	('outside_shift', 'warning', true, '13(k), 14(a)(6)', 'Searches while the officer was on none of the agency''s registered shifts'),
	('shared_login', 'warning', true, '13(k), 13(g)(5)', 'One officer''s name in two places in turn, or two names on one login, within ten minutes, three times'),
	('pooled_login', 'info', true, '13(k), 14(a)(6)', 'A login that states five officers or more: an application''s, or one that is passed around'),
	('vague_reasons', 'warning', false, '13(b)(1)(B)(ii)(I), 15(a)(1)(B)', 'More than half of an agency''s requests of 90 days say nothing of why'),
	('declaration_lapse', 'info, warning', false, '13(d)(6)(B)', 'A declaration ends within 30 days, or has ended and none followed'),
	('contract_lapse', 'info, warning', false, '13(g)', 'A vendor''s contract ends within 30 days, or has ended and none followed'),
	('training_lapse', 'info, warning', false, '14(a)(5)', 'Training that the agency demands ends within 30 days, or has ended'),
	('missing_policy', 'info, violation', false, '13(f), 14(b)', 'A policy that the act demands is not registered'),
	('missing_review', 'violation', false, '14(a)(6)', 'A quarter whose entries nobody audited within 30 days of its end'),
	('missing_annual_report', 'info, violation', false, '15(b), 15(c)', 'A year with entries on which no annual report is registered; due by January 31'),
	('external_forbidden_purpose', 'info, warning, violation', false, '13(d)(1) to (4)', 'A vendor''s audit has searches that state a forbidden or contested purpose; info: before the clause bound'),
	('external_sharing', 'info, violation', false, '13(d)(6)', 'A vendor''s audit has searches of agencies with which there was no basis to share'),
	('external_bulk', 'info, warning, violation', false, '13(d)(8)', 'A vendor''s audit has searches of more than 100 networks'),
	('external_repeated_plate', 'info, warning', false, '13(d)(8)', 'A vendor''s audit has one plate sought five times or more, and never with a case'),
	('external_vague_reasons', 'info, warning', false, '13(b)(1)(B)(ii)(I)', 'Most reasons of an agency in a vendor''s audit are vague or missing'),
	('external_kept', 'info, warning', false, '14(a)(6)', 'Searches of a vendor''s audit are older than the statute keeps a log'),
	('camera_not_permitted', 'violation', false, 'the statute''s', 'An active camera that the statute in force does not permit'),
	('observe_mode', 'violation', false, '13(b)(2)(A), 13(d)(6)', 'A relation on which nothing is refused, hidden or purged'),
	('row_security', 'violation', false, '13(d)(6), 13(e)(1)', 'Row security is off on a governed relation or a part of it'),
	('guard_policy', 'violation', false, '13(d)(6), 13(e)(1)', 'The policy that stands where the library does not is missing or altered');
COMMENT ON VIEW ctlpr.finding_kinds IS 'The kinds of findings; docs/findings.md has them with what to do';
COMMENT ON COLUMN ctlpr.finding_kinds.kind IS 'As in ctlpr.findings';
COMMENT ON COLUMN ctlpr.finding_kinds.severity IS 'Severities that it may have';
COMMENT ON COLUMN ctlpr.finding_kinds.closable IS 'An auditor may close it with ctlpr.close_finding(); others are states that have to be mended';
COMMENT ON COLUMN ctlpr.finding_kinds.clause IS 'Clauses of us-ct-2026 that it concerns';
COMMENT ON COLUMN ctlpr.finding_kinds.meaning IS 'What it means';

CREATE TABLE ctlpr.finding_closure (
	closure_id      bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	finding_id      bigint NOT NULL,
	kind            text NOT NULL,
	severity        text NOT NULL CHECK (severity IN ('info', 'warning', 'violation')),
	agency_id       text,
	finding         text NOT NULL,
	disposition     text NOT NULL CHECK (disposition <> ''),
	closed_at       timestamptz NOT NULL DEFAULT now(),
	closed_by       name NOT NULL DEFAULT session_user,
	through_seq     bigint NOT NULL,
	evidence        bigint[] NOT NULL,
	reopened_at     timestamptz,
	reopened_by     name,
	reopened_reason text,
	CHECK ((reopened_at IS NULL) = (reopened_reason IS NULL))
);
CREATE INDEX finding_closure_finding_id_idx ON ctlpr.finding_closure (finding_id, closure_id);
COMMENT ON TABLE ctlpr.finding_closure IS 'Findings that auditors have closed; the last closure of a finding counts';
COMMENT ON COLUMN ctlpr.finding_closure.closure_id IS 'Number of the closure';
COMMENT ON COLUMN ctlpr.finding_closure.finding_id IS 'Number of the finding';
COMMENT ON COLUMN ctlpr.finding_closure.kind IS 'Its kind';
COMMENT ON COLUMN ctlpr.finding_closure.severity IS 'Its severity when it was closed; a higher one shows it again';
COMMENT ON COLUMN ctlpr.finding_closure.agency_id IS 'Agency that it concerns; NULL if none or all';
COMMENT ON COLUMN ctlpr.finding_closure.finding IS 'What had been found';
COMMENT ON COLUMN ctlpr.finding_closure.disposition IS 'What came of it';
COMMENT ON COLUMN ctlpr.finding_closure.closed_at IS 'When it was closed';
COMMENT ON COLUMN ctlpr.finding_closure.closed_by IS 'Login that closed it';
COMMENT ON COLUMN ctlpr.finding_closure.through_seq IS 'Last entry of its evidence that was looked at; 0 if it has none';
COMMENT ON COLUMN ctlpr.finding_closure.evidence IS 'Its evidence up to that one; another entry shows the finding again';
COMMENT ON COLUMN ctlpr.finding_closure.reopened_at IS 'When it was reopened; NULL if it was not';
COMMENT ON COLUMN ctlpr.finding_closure.reopened_by IS 'Login that reopened it';
COMMENT ON COLUMN ctlpr.finding_closure.reopened_reason IS 'Why';

CREATE FUNCTION ctlpr.severity_rank(severity text) RETURNS int
	LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
	RETURN array_position('{info,warning,violation}'::text[], severity);
COMMENT ON FUNCTION ctlpr.severity_rank(text) IS 'Internal: severities in their order';

/*
 * finding_closed(finding_id, kind, severity, evidence) - whether the finding,
 * as it is now, was closed.
 *
 * An entry may join the evidence late, below the last one: a statement that
 * ran at the closing and ended without an outcome since.  So it is not enough
 * to compare the last numbers.  Evidence is cut to the newest 1000, so what is
 * older than the oldest that was kept is taken as known.
 */
CREATE FUNCTION ctlpr.finding_closed(finding_id bigint, kind text, severity text, evidence bigint[]) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((
		SELECT c.reopened_at IS NULL
			AND ctlpr.severity_rank(finding_closed.severity) <= ctlpr.severity_rank(c.severity)
			AND NOT EXISTS (
				SELECT FROM unnest(finding_closed.evidence) e (seq)
				WHERE e.seq <> ALL (c.evidence) AND (cardinality(c.evidence) < 1000 OR e.seq > (SELECT min(k.seq) FROM unnest(c.evidence) k (seq))))
			AND EXISTS (SELECT FROM ctlpr.finding_kinds k WHERE k.kind = finding_closed.kind AND k.closable)
		FROM ctlpr.finding_closure c
		WHERE c.finding_id = finding_closed.finding_id
		ORDER BY c.closure_id DESC
		LIMIT 1), false)
$$;
COMMENT ON FUNCTION ctlpr.finding_closed(bigint, text, text, bigint[]) IS 'Internal: whether a finding, as it is now, was closed';

/*
 * close_finding(finding_id, disposition, through_seq) - settle a finding that
 * is about past entries.
 *
 * Called by an auditor of the agency that the finding is about; one that is
 * about none or all, by an auditor of all agencies.  finding_id: as in
 * ctlpr.findings; disposition: what came of it; through_seq: the last entry of
 * its evidence that was looked at, where newer ones have come since, which
 * then show the finding again; NULL: the newest there is now.
 * Errors: 22004, 22001, 22023 an argument; 42501 an auditor of others, which
 * is recorded; 42704 no such finding; 55000 closed before, or a state that has
 * to be mended.
 * Clause: 14(a)(6).
 */
CREATE FUNCTION ctlpr.close_finding(finding_id bigint, disposition text, through_seq bigint DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_one record;
	last      bigint;
	looked_at bigint[];
	arguments jsonb := jsonb_build_object('function', 'close_finding', 'finding_id', close_finding.finding_id);
BEGIN
	IF close_finding.finding_id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument "finding_id" must not be null', HINT = 'Use a number of ctlpr.findings.';
	END IF;
	PERFORM ctlpr.check_text('disposition', close_finding.disposition);
	-- Two that close the same finding do so one after the other.
	LOCK TABLE ctlpr.finding_closure IN SHARE ROW EXCLUSIVE MODE;
	SELECT f.*, k.closable INTO found_one
		FROM ctlpr.all_findings() f
			LEFT JOIN ctlpr.finding_kinds k ON k.kind = f.kind
		WHERE f.finding_id = close_finding.finding_id
		LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('there is no finding %s', close_finding.finding_id),
			HINT = 'The view ctlpr.findings lists those of the agencies that the role audits.';
	END IF;
	IF NOT coalesce(found_one.closable, false) THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('finding %s is about a state, which no signature mends', found_one.finding_id),
			DETAIL = format('A finding of kind %s goes when the state behind it does.', found_one.kind),
			HINT = found_one.remedy;
	END IF;
	IF ctlpr.finding_closed(found_one.finding_id, found_one.kind, found_one.severity, found_one.evidence) THEN
		RAISE EXCEPTION USING ERRCODE = '55000',
			MESSAGE = format('finding %s was closed before', found_one.finding_id),
			HINT = 'The view ctlpr.closed_findings has it; ctlpr.reopen_finding(finding_id, reason) brings it back.';
	END IF;
	IF NOT ctlpr.auditor_sees(found_one.agency_id, NULL) THEN
		PERFORM ctlpr.record_event('configuration', clause => '14(a)(6)', sqlstate => '42501', detail => arguments);
		RAISE EXCEPTION USING ERRCODE = '42501',
			MESSAGE = 'the finding concerns other agencies too',
			HINT = 'An auditor of all agencies may close it.';
	END IF;
	SELECT coalesce(max(e.seq), 0), coalesce(array_agg(e.seq ORDER BY e.seq DESC), '{}') INTO last, looked_at
		FROM unnest(found_one.evidence) e (seq)
		WHERE close_finding.through_seq IS NULL OR e.seq <= close_finding.through_seq;
	IF looked_at = '{}' AND found_one.evidence <> '{}' THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
			MESSAGE = 'through_seq lies before all evidence of the finding',
			HINT = 'State the last entry of its evidence that was looked at.';
	END IF;
	INSERT INTO ctlpr.finding_closure AS c (finding_id, kind, severity, agency_id, finding, disposition, through_seq, evidence)
		VALUES (found_one.finding_id, found_one.kind, found_one.severity, found_one.agency_id, found_one.finding, close_finding.disposition, last, looked_at);
	PERFORM ctlpr.record_event('configuration', agency_id => found_one.agency_id, reason => close_finding.disposition, clause => '14(a)(6)',
		detail => arguments || jsonb_build_object('kind', found_one.kind, 'severity', found_one.severity, 'through_seq', last));
END
$$;
COMMENT ON FUNCTION ctlpr.close_finding(bigint, text, bigint) IS 'Settles a finding about past entries with a disposition; it leaves ctlpr.findings until there is new evidence or it becomes more severe';

/*
 * reopen_finding(finding_id, reason) - show a finding again that was closed.
 *
 * Called by whoever may close it.
 * Errors: 22004, 22001, 22023 an argument; 42501 an auditor of others,
 * recorded; 42704 never closed, or by an auditor of others about those; 55000
 * reopened before.
 * Clause: 14(a)(6).
 */
CREATE FUNCTION ctlpr.reopen_finding(finding_id bigint, reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	standing  ctlpr.finding_closure;
	arguments jsonb := jsonb_build_object('function', 'reopen_finding', 'finding_id', reopen_finding.finding_id);
BEGIN
	IF reopen_finding.finding_id IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument "finding_id" must not be null', HINT = 'Use a number of ctlpr.closed_findings.';
	END IF;
	PERFORM ctlpr.check_text('reason', reopen_finding.reason);
	LOCK TABLE ctlpr.finding_closure IN SHARE ROW EXCLUSIVE MODE;
	SELECT * INTO standing FROM ctlpr.finding_closure c WHERE c.finding_id = reopen_finding.finding_id ORDER BY c.closure_id DESC LIMIT 1;
	IF NOT FOUND OR NOT (ctlpr.auditor_sees(standing.agency_id, NULL) OR (standing.agency_id IS NULL AND ctlpr.is_auditor())) THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('there is no closed finding %s', reopen_finding.finding_id),
			HINT = 'The view ctlpr.closed_findings lists those of the agencies that the role audits.';
	END IF;
	IF NOT ctlpr.auditor_sees(standing.agency_id, NULL) THEN
		PERFORM ctlpr.record_event('configuration', clause => '14(a)(6)', sqlstate => '42501', detail => arguments);
		RAISE EXCEPTION USING ERRCODE = '42501',
			MESSAGE = 'the finding concerns other agencies too',
			HINT = 'An auditor of all agencies may reopen it.';
	END IF;
	IF standing.reopened_at IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('finding %s was reopened before', standing.finding_id), HINT = 'Nothing needs to be done.';
	END IF;
	UPDATE ctlpr.finding_closure c SET reopened_at = now(), reopened_by = session_user, reopened_reason = reopen_finding.reason WHERE c.closure_id = standing.closure_id;
	PERFORM ctlpr.record_event('configuration', agency_id => standing.agency_id, reason => reopen_finding.reason, clause => '14(a)(6)',
		detail => arguments || jsonb_build_object('kind', standing.kind));
END
$$;
COMMENT ON FUNCTION ctlpr.reopen_finding(bigint, text) IS 'Shows a finding again that was closed';

CREATE VIEW ctlpr.closed_findings WITH (security_barrier) AS
SELECT c.finding_id, c.kind, c.severity, c.agency_id, c.finding, c.disposition, c.closed_at, c.closed_by, c.through_seq, c.evidence,
	c.reopened_at, c.reopened_by, c.reopened_reason,
	c.reopened_at IS NULL AND NOT EXISTS (SELECT FROM ctlpr.finding_closure l WHERE l.finding_id = c.finding_id AND l.closure_id > c.closure_id) AS standing
FROM ctlpr.finding_closure c
WHERE ctlpr.auditor_sees(c.agency_id, NULL)
	OR (c.agency_id IS NULL AND (SELECT ctlpr.is_auditor()))
ORDER BY c.closure_id DESC;
COMMENT ON VIEW ctlpr.closed_findings IS 'Findings that were closed, newest closure first, with what came of them';
DO $$
DECLARE
	col record;
BEGIN
	-- Each column is explained where it is stored.
	FOR col IN
		SELECT v.attname, pg_catalog.col_description(t.attrelid, t.attnum) AS text
			FROM pg_catalog.pg_attribute v
			JOIN pg_catalog.pg_attribute t ON t.attrelid = 'ctlpr.finding_closure'::pg_catalog.regclass AND t.attname = v.attname
			WHERE v.attrelid = 'ctlpr.closed_findings'::pg_catalog.regclass AND v.attnum > 0
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON COLUMN ctlpr.closed_findings.%I IS %L', col.attname, col.text);
	END LOOP;
END
$$;
COMMENT ON COLUMN ctlpr.closed_findings.standing IS 'It is the last closure of the finding and was not reopened; the finding still shows again where there is new evidence';

/*
 * Rights.  What the view calls is granted in report.sql.
 */
REVOKE ALL ON FUNCTION ctlpr.severity_rank(text), ctlpr.finding_closed(bigint, text, text, bigint[]), ctlpr.close_finding(bigint, text, bigint),
	ctlpr.reopen_finding(bigint, text) FROM PUBLIC;
REVOKE ALL ON ctlpr.finding_closure, ctlpr.closed_findings, ctlpr.finding_kinds FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.close_finding(bigint, text, bigint), ctlpr.reopen_finding(bigint, text) TO ctlpr_auditor;
GRANT SELECT ON ctlpr.closed_findings, ctlpr.finding_kinds TO ctlpr_auditor;
