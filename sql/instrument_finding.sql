/*
 * instrument_finding.sql - declarations, contracts and training that are about
 * to lapse: 30 days ahead for information, and as a warning for 30 days after,
 * where nothing took their place.  By then, sharing, the vendor's access or
 * the officer's searches have ended by themselves.
 *
 * That a declaration lapses concerns every agency that shares, so every
 * auditor is told, as of a use of break-glass.
 */
CREATE FUNCTION ctlpr.instrument_findings()
RETURNS TABLE (finding_id bigint, severity text, finding text, clause text, agency_id text, officer text, evidence bigint[],
	remedy text, kind text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	zone  text := ctlpr.law_zone();
	today date := (now() AT TIME ZONE zone)::date;
	days  int := (ctlpr.finding_limits()).lapse_days;
BEGIN
	RETURN QUERY
	SELECT ctlpr.finding_id('declaration_lapse', d.agency_id),
		CASE WHEN d.last_day < today THEN 'warning' ELSE 'info' END,
		format('the declaration of %s %s on %s', d.agency_id, CASE WHEN d.last_day < today THEN 'lapsed after its last day,' ELSE 'is about to lapse; its last day is' END, d.last_day),
		'13(d)(6)(B)',
		d.agency_id,
		NULL::text,
		'{}'::bigint[],
		format('If sharing is to go on, have a new one signed, then SELECT ctlpr.file_declaration(%L, signed_by => ..., signed_on => ...).', d.agency_id),
		'declaration_lapse'
	FROM (
		SELECT x.agency_id, max(coalesce(x.valid_until, 'infinity')) AS last_day
		FROM ctlpr.declaration x
		WHERE x.withdrawn_at IS NULL AND x.affirms_compliance AND x.affirms_no_immigration AND x.affirms_no_care AND x.affirms_no_disclosure
		GROUP BY x.agency_id
	) d
	WHERE d.last_day BETWEEN today - days AND today + days;

	RETURN QUERY
	SELECT ctlpr.finding_id('contract_lapse', c.vendor_id, c.agency_id),
		CASE WHEN c.valid_until <= now() THEN 'warning' ELSE 'info' END,
		format('the contract of %s with %s %s on %s', c.agency_id, c.vendor_id, CASE WHEN c.valid_until <= now() THEN 'lapsed' ELSE 'is about to lapse' END,
			((c.valid_until - interval '1 second') AT TIME ZONE zone)::date),
		'13(g)',
		c.agency_id,
		NULL::text,
		'{}'::bigint[],
		format('If the vendor is to go on, sign a new one, then SELECT ctlpr.register_contract(vendor_id => %L, agency_id => %L, ...); else see what it still holds.', c.vendor_id, c.agency_id),
		'contract_lapse'
	FROM (
		SELECT x.vendor_id, x.agency_id, max(x.valid_until) AS valid_until
		FROM ctlpr.contract x
		WHERE x.ended_at IS NULL
		GROUP BY x.vendor_id, x.agency_id
	) c
	WHERE c.valid_until BETWEEN now() - days * interval '1 day' AND now() + days * interval '1 day'
		AND ctlpr.auditor_sees(c.agency_id, NULL);

	RETURN QUERY
	SELECT ctlpr.finding_id('training_lapse', o.agency_id, o.training_valid_until::text),
		CASE WHEN o.training_valid_until < today THEN 'warning' ELSE 'info' END,
		format('training of officers %s on %s: %s (%s)', CASE WHEN o.training_valid_until < today THEN 'lapsed after its last day,' ELSE 'is about to lapse; its last day is' END,
			o.training_valid_until, count(*), array_to_string((array_agg(o.officer ORDER BY o.officer))[1:10], ', ') || CASE WHEN count(*) > 10 THEN ', ...' ELSE '' END),
		'14(a)(5)',
		o.agency_id,
		CASE WHEN count(*) = 1 THEN min(o.officer) END,
		'{}'::bigint[],
		format('Train them, then SELECT ctlpr.register_officer(%L, officer, training_valid_until => ...).', o.agency_id),
		'training_lapse'
	FROM ctlpr.officer o
		JOIN ctlpr.agency_option p ON p.agency_id = o.agency_id AND p.demands_training
	WHERE o.training_valid_until BETWEEN today - days AND today + days
		AND ctlpr.auditor_sees(o.agency_id, NULL)
	GROUP BY o.agency_id, o.training_valid_until;
END
$$;
COMMENT ON FUNCTION ctlpr.instrument_findings() IS 'Findings: declarations, contracts and training that are about to lapse, or have lapsed';
