/*
 * privileges.sql - who may call what, which rows a dump takes along, and the
 * triggers that tell the library of changed rules.  Loaded last.
 *
 * Nothing is open that is not opened here.  Granted to no one, so for the
 * extension's owner and other superusers only: break_glass, record_event,
 * expired_reads, oldest_read_on, retention_limit, run_purge_round,
 * purge_round_results, apply_guard and the internal checks; and every write
 * to a table of this schema.  What the views call is granted in report.sql.
 */
REVOKE ALL ON ALL TABLES IN SCHEMA ctlpr FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA ctlpr FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA ctlpr FROM PUBLIC;

-- Everybody: functions that decide and record by themselves, or that policies call.
GRANT USAGE ON SCHEMA ctlpr TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.guard TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.visible_since TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.may_read TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.may_change TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.may_probe TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.may_insert TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.referential TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.touch TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.begin_request TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.end_request TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.current_request TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.check_request TO PUBLIC;

-- Administrators: govern tables, bind roles.  They see the registry, not the log.
GRANT EXECUTE ON FUNCTION ctlpr.adopt_statute(text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.register_agency(text, text, text, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.bind_role(regrole, text, boolean, boolean, boolean) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.unbind_role(regrole, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.bind_auditor(regrole, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.unbind_auditor(regrole, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.agency_key(text, regclass, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.drop_agency_key(regclass, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.relation_members(regclass), ctlpr.bypassing_logins() TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.preflight(regclass) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.govern(regclass, name, name, name, text, name, name, text, text, name[]) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.start_purge(regclass, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.release(regclass, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.standing_request(regrole, text, text, text, timestamptz, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.revoke_standing_request(bigint, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.purge TO ctlpr_admin;
GRANT SELECT ON ctlpr.agency, ctlpr.role_binding, ctlpr.auditor_binding, ctlpr.statute, ctlpr.statute_adoption, ctlpr.statute_purpose,
	ctlpr.statute_retention, ctlpr.statute_recipient, ctlpr.governed_relation, ctlpr.agency_key, ctlpr.standing_request TO ctlpr_admin;
GRANT SELECT ON ctlpr.retention_status, ctlpr.purge_status TO ctlpr_admin;

-- Registrars: legal instruments.
GRANT EXECUTE ON FUNCTION ctlpr.file_declaration(text, text, date, text, date) TO ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.withdraw_declaration(bigint, text) TO ctlpr_registrar;
GRANT SELECT ON ctlpr.agency, ctlpr.declaration, ctlpr.statute, ctlpr.statute_adoption, ctlpr.statute_purpose,
	ctlpr.statute_retention, ctlpr.statute_recipient TO ctlpr_registrar;

-- Auditors: the log, through views that show each the entries of its agency.
GRANT SELECT ON ctlpr.audit_log, ctlpr.refusals, ctlpr.disclosures, ctlpr.purges, ctlpr.retention_status, ctlpr.purge_status, ctlpr.findings TO ctlpr_auditor;
GRANT SELECT ON ctlpr.agency, ctlpr.statute, ctlpr.statute_adoption, ctlpr.statute_purpose, ctlpr.statute_retention, ctlpr.statute_recipient TO ctlpr_auditor;

/*
 * A change of a rule reaches every session's cache at commit.  ALWAYS: also
 * where a restore or a replica applies it.
 */
DO $$
DECLARE
	rule_table text;
BEGIN
	FOREACH rule_table IN ARRAY ARRAY['agency', 'role_binding', 'auditor_binding', 'declaration', 'statute', 'statute_adoption', 'statute_purpose',
									  'statute_retention', 'statute_recipient', 'governed_relation', 'agency_key', 'standing_request']
	LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ctlpr.%I FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.rules_changed()', rule_table);
		EXECUTE pg_catalog.format('ALTER TABLE ctlpr.%I ENABLE ALWAYS TRIGGER rules_changed', rule_table);
	END LOOP;
END
$$;

-- Dumps take these along; rows that came with the extension come with it again.
SELECT pg_catalog.pg_extension_config_dump('ctlpr.agency', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.role_binding', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.auditor_binding', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.declaration', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.declaration_declaration_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.statute', 'WHERE NOT shipped');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.statute_adoption', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.statute_purpose', 'WHERE statute IN (SELECT s.statute FROM ctlpr.statute s WHERE NOT s.shipped)');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.statute_retention', 'WHERE statute IN (SELECT s.statute FROM ctlpr.statute s WHERE NOT s.shipped)');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.statute_recipient', 'WHERE statute IN (SELECT s.statute FROM ctlpr.statute s WHERE NOT s.shipped)');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.governed_relation', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.agency_key', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.ingest_count', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.standing_request', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.audit_entry', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.purge_run', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.purge_run_run_id_seq', '');
