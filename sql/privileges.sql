/*
 * privileges.sql - who may call what, which rows a dump takes along, and the
 * triggers that tell the library of changed rules.  Loaded last.
 *
 * Nothing is open that is not opened here.  Granted to no one, so for the
 * extension's owner and other superusers only: break_glass, copy_statute, record_event,
 * expired_reads, oldest_read_on, retention_limit, run_purge_round,
 * purge_round_results, apply_guard and the internal checks; and every write
 * to a table of this schema.  What the views call is granted in report.sql,
 * what auditors do with findings where it is made.
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
GRANT EXECUTE ON FUNCTION ctlpr.touch_given TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.admits TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.shows_statistics TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.shows_extended_statistics TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.begin_request TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.end_request TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.current_request TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.check_request TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.complete_request TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.record_disclosure TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.preserve TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.end_hold TO PUBLIC;

-- Administrators: govern tables, bind roles.  They see the registry, not the log.
GRANT EXECUTE ON FUNCTION ctlpr.adopt_statute(text), ctlpr.statute_flaws(text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.register_agency(text, text, text, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.bind_role(regrole, text, boolean, boolean, boolean) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.unbind_role(regrole, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.bind_auditor(regrole, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.unbind_auditor(regrole, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.agency_key(text, regclass, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.drop_agency_key(regclass, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.relation_members(regclass), ctlpr.bypassing_logins(), ctlpr.unvetted_expressions(regclass), ctlpr.acting_keys(regclass, name[]),
	ctlpr.unvetted_function(oid, oid, integer), ctlpr.published_without_leave() TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.preflight(regclass) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.govern(regclass, name, name, name, text, name, name, text, text, name[]) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.start_purge(regclass, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.release(regclass, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.allow_publication(name, text, text, regrole), ctlpr.withdraw_publication(name, text) TO ctlpr_admin;
GRANT SELECT ON ctlpr.allowed_publication TO ctlpr_admin, ctlpr_registrar, ctlpr_auditor;
GRANT EXECUTE ON FUNCTION ctlpr.confirm_clock(text) TO ctlpr_admin;
GRANT SELECT ON ctlpr.clock TO ctlpr_admin, ctlpr_auditor;
GRANT EXECUTE ON FUNCTION ctlpr.standing_request(regrole, text, text, text, timestamptz, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.revoke_standing_request(bigint, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.purge TO ctlpr_admin;
GRANT EXECUTE ON PROCEDURE ctlpr.erase(regclass) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.register_copy(text, text, interval), ctlpr.end_copy(bigint, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.erase_state() TO ctlpr_admin, ctlpr_auditor;
GRANT EXECUTE ON FUNCTION ctlpr.over_retained() TO ctlpr_auditor;
GRANT SELECT ON ctlpr.erase_status, ctlpr.data_copy TO ctlpr_admin, ctlpr_auditor;
GRANT SELECT ON ctlpr.erasures, ctlpr.over_retention TO ctlpr_auditor;
GRANT SELECT ON ctlpr.agency, ctlpr.role_binding, ctlpr.auditor_binding, ctlpr.statute, ctlpr.statute_adoption, ctlpr.statute_purpose,
	ctlpr.statute_retention, ctlpr.statute_recipient, ctlpr.governed_relation, ctlpr.agency_key, ctlpr.standing_request TO ctlpr_admin;
GRANT SELECT ON ctlpr.retention_status, ctlpr.purge_status TO ctlpr_admin;

-- Shifts, outside of which searches are a finding
GRANT EXECUTE ON FUNCTION ctlpr.set_shift(text, int[], time, time, text), ctlpr.end_shift(bigint, text) TO ctlpr_admin, ctlpr_registrar;
GRANT SELECT ON ctlpr.shift TO ctlpr_admin, ctlpr_registrar, ctlpr_auditor;

-- Registrars: legal instruments.
GRANT EXECUTE ON FUNCTION ctlpr.file_declaration TO ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.authorize, ctlpr.revoke_authorization, ctlpr.suspend_sharing, ctlpr.resume_sharing TO ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.register_network, ctlpr.join_network, ctlpr.leave_network TO ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.register_contract, ctlpr.end_contract, ctlpr.authorize_vendor, ctlpr.revoke_vendor_authorization,
	ctlpr.report_suspected_misuse, ctlpr.record_post_notice, ctlpr.record_determination TO ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.set_agency_option, ctlpr.register_officer, ctlpr.register_policy, ctlpr.register_aggregate, ctlpr.withdraw_aggregate TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.record_review(text, text, text, date, text, text) TO ctlpr_registrar, ctlpr_auditor;
GRANT SELECT ON ctlpr.contract, ctlpr.vendor_authorization, ctlpr.misuse_report, ctlpr.audit_review TO ctlpr_registrar, ctlpr_auditor;
GRANT SELECT ON ctlpr.agency_option, ctlpr.policy, ctlpr.statute_policy, ctlpr.aggregate TO ctlpr_admin, ctlpr_registrar, ctlpr_auditor;
GRANT SELECT ON ctlpr.officer TO ctlpr_admin;

-- Screening: administrators write the terms, a supervisor's approval decides by itself who may give it.
GRANT EXECUTE ON FUNCTION ctlpr.set_screen_term(text, text, text, text, text, text), ctlpr.drop_screen_term(text, text), ctlpr.set_screen_list(text, text[], text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.screen_reason(text) TO ctlpr_admin, ctlpr_registrar, ctlpr_auditor;
GRANT EXECUTE ON FUNCTION ctlpr.approve_reason(bigint, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ctlpr.register_immigration_agreement(text, text), ctlpr.end_immigration_agreement(bigint) TO ctlpr_admin, ctlpr_registrar;
GRANT SELECT ON ctlpr.screen_term, ctlpr.screen_list, ctlpr.immigration_agreement TO ctlpr_admin, ctlpr_registrar, ctlpr_auditor;
GRANT SELECT ON ctlpr.reason_approval TO ctlpr_auditor;
-- An administrator may narrow; who opens the data to others is not who runs the database.
GRANT EXECUTE ON FUNCTION ctlpr.limit_sharing, ctlpr.forbid_purpose TO ctlpr_registrar, ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.lift_limit TO ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.withdraw_declaration(bigint, text) TO ctlpr_registrar;
GRANT SELECT ON ctlpr.legal_authorization, ctlpr.suspension, ctlpr.network, ctlpr.network_member, ctlpr.sharing_limit,
	ctlpr.statute_authorization TO ctlpr_registrar, ctlpr_auditor;
GRANT SELECT ON ctlpr.suspension, ctlpr.network, ctlpr.network_member, ctlpr.sharing_limit, ctlpr.statute_authorization TO ctlpr_admin;
GRANT SELECT ON ctlpr.agency, ctlpr.declaration, ctlpr.statute, ctlpr.statute_adoption, ctlpr.statute_purpose,
	ctlpr.statute_retention, ctlpr.statute_recipient TO ctlpr_registrar;

-- Auditors: the log, through views that show each the entries of its agency.
GRANT SELECT ON ctlpr.audit_log, ctlpr.refusals, ctlpr.disclosures, ctlpr.purges, ctlpr.retention_status, ctlpr.purge_status, ctlpr.findings TO ctlpr_auditor;
GRANT SELECT ON ctlpr.agency, ctlpr.statute, ctlpr.statute_adoption, ctlpr.statute_purpose, ctlpr.statute_retention, ctlpr.statute_recipient TO ctlpr_auditor;

-- Reports: auditors make them; registrars may register that one was sent.
GRANT EXECUTE ON FUNCTION ctlpr.annual_report(text, int), ctlpr.annual_report_json(text, int), ctlpr.annual_report_csv(text, int),
	ctlpr.quarterly_audit(text, text), ctlpr.quarterly_audit_json(text, text) TO ctlpr_auditor;
GRANT EXECUTE ON FUNCTION ctlpr.record_annual_report(text, int, date, text, text) TO ctlpr_registrar, ctlpr_auditor;
GRANT SELECT ON ctlpr.annual_submission TO ctlpr_registrar, ctlpr_auditor;

-- The log: auditors verify it, administrators see to its checkpoints.
GRANT EXECUTE ON FUNCTION ctlpr.audit_root(bigint), ctlpr.inclusion_proof(bigint, bigint), ctlpr.consistency_proof(bigint, bigint),
	ctlpr.verify_audit(bigint, bigint), ctlpr.audit_checkpoint() TO ctlpr_auditor, ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.export_audit(bigint, bigint) TO ctlpr_auditor;
GRANT EXECUTE ON FUNCTION ctlpr.accept_log_fork(text, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.redact_entry(bigint, name[], text, text), ctlpr.trim_log(text) TO ctlpr_registrar;
GRANT SELECT ON ctlpr.checkpoints TO ctlpr_auditor, ctlpr_admin;

-- Hotlists: registrars load them, matchers compare with them, auditors see what is on them.
GRANT EXECUTE ON FUNCTION ctlpr.load_hotlist(text, text, timestamptz, text, text, jsonb) TO ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.withdraw_hotlist(bigint, text) TO ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.match_hotlist(regclass, regclass, timestamptz), ctlpr.live_hotlist_entries(),
	ctlpr.hotlist_statement(regclass, regclass, text, text), ctlpr.hotlist_matches(regclass, regclass, text[]),
	ctlpr.record_hotlist_comparison(regclass, regclass, bigint) TO ctlpr_matcher;
GRANT EXECUTE ON FUNCTION ctlpr.match_at_ingest() TO ctlpr_admin;

-- The program that deletes images; what it has left to do is for administrators and auditors.
GRANT EXECUTE ON FUNCTION ctlpr.claim_image_deletions(int, interval), ctlpr.acknowledge_image_deletion(bigint[], text) TO ctlpr_image_deleter;
GRANT EXECUTE ON FUNCTION ctlpr.image_deletion_state() TO ctlpr_admin, ctlpr_auditor;
GRANT SELECT ON ctlpr.image_deletions TO ctlpr_admin, ctlpr_auditor;
GRANT SELECT ON ctlpr.statute_hotlist_source TO ctlpr_admin, ctlpr_registrar, ctlpr_auditor;
GRANT SELECT ON ctlpr.hotlist TO ctlpr_admin, ctlpr_registrar;
GRANT SELECT ON ctlpr.hotlist_entries TO ctlpr_auditor;

/*
 * What names plates or people is each agency's own: an auditor of one agency
 * sees the instruments of that agency.
 */
DO $$
DECLARE
	instrument record;
BEGIN
	FOR instrument IN SELECT * FROM (VALUES ('legal_authorization', 'agency_id', NULL), ('contract', 'agency_id', NULL), ('vendor_authorization', 'agency_id', NULL),
									 ('audit_review', 'agency_id', NULL), ('reason_approval', 'agency_id', NULL), ('annual_submission', 'agency_id', NULL), ('misuse_report', 'reported_by_agency', 'agency_id')) AS v (name, agency, other) LOOP
		EXECUTE pg_catalog.format('ALTER TABLE ctlpr.%I ENABLE ROW LEVEL SECURITY', instrument.name);
		EXECUTE pg_catalog.format('CREATE POLICY registrars ON ctlpr.%I FOR SELECT TO ctlpr_registrar USING (true)', instrument.name);
		EXECUTE pg_catalog.format('CREATE POLICY auditors ON ctlpr.%I FOR SELECT TO ctlpr_auditor USING (ctlpr.auditor_sees(%I, NULL)%s)', instrument.name, instrument.agency,
			CASE WHEN instrument.other IS NOT NULL THEN pg_catalog.format(' OR ctlpr.auditor_sees(%I, NULL)', instrument.other) END);
	END LOOP;
END
$$;

/*
 * Cameras and protected sites.  The list of sites is for registrars and
 * auditors; administrators meet it through the functions alone.
 */
GRANT EXECUTE ON FUNCTION ctlpr.register_camera(text, text, boolean, geography, text, text, boolean, text, boolean, boolean) TO ctlpr_admin, ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.move_camera(text, geography) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.activate_camera(text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.deactivate_camera(text, text) TO ctlpr_admin;
GRANT EXECUTE ON FUNCTION ctlpr.authorize_camera(text, text) TO ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.revoke_camera_authorization(text, text) TO ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.register_protected_site(text, text, geography, double precision, date, text) TO ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.withdraw_protected_site(bigint, text) TO ctlpr_registrar;
GRANT SELECT ON ctlpr.camera, ctlpr.statute_camera TO ctlpr_admin, ctlpr_registrar, ctlpr_auditor;
GRANT SELECT ON ctlpr.protected_site TO ctlpr_registrar, ctlpr_auditor;
GRANT SELECT ON ctlpr.camera_requests_at_sites TO ctlpr_auditor;

/*
 * The public reads these views, and executes what they call: no other function
 * of this schema, and no other relation.
 */
GRANT SELECT ON ctlpr.public_cameras, ctlpr.public_cameras_geojson, ctlpr.public_audit_log, ctlpr.public_usage, ctlpr.public_agencies,
	ctlpr.public_rules, ctlpr.public_purges, ctlpr.public_checkpoint TO ctlpr_public, ctlpr_auditor;
GRANT EXECUTE ON FUNCTION ctlpr.public_until(), ctlpr.public_usage_counted() TO ctlpr_public, ctlpr_auditor;
GRANT EXECUTE ON FUNCTION ctlpr.release_reason(bigint, text), ctlpr.withdraw_release(bigint, text), ctlpr.set_offense_category(text, text, int),
	ctlpr.remove_offense_category(text) TO ctlpr_registrar;
GRANT SELECT ON ctlpr.offense_category TO ctlpr_admin, ctlpr_registrar, ctlpr_auditor;
GRANT SELECT ON ctlpr.released_reason TO ctlpr_registrar, ctlpr_auditor;

/*
 * Audits of vendors.  Whose a role may import, see and drop is asked by the
 * functions; read_server_file() asks for pg_read_server_files.  A registrar
 * imports and drops, and does not read the searches.
 */
GRANT EXECUTE ON FUNCTION ctlpr.import_external_audit(text, text, text, text, text[]), ctlpr.import_external_audit_text(text, text, text, text, text[], text),
	ctlpr.import_external_audit_bytes(text, bytea, text, text, text[], text), ctlpr.read_server_file(text), ctlpr.check_text(text, text),
	ctlpr.drop_external_audit(bigint, text), ctlpr.redact_external_plates(bigint, text), ctlpr.rescreen_external_audit(bigint),
	ctlpr.settle_external_agency(text, text, text) TO ctlpr_auditor, ctlpr_registrar;
GRANT EXECUTE ON FUNCTION ctlpr.external_reading() TO ctlpr_auditor;
GRANT EXECUTE ON FUNCTION ctlpr.outer_role(), ctlpr.auditor_sees(text, text[]) TO ctlpr_auditor, ctlpr_registrar;
GRANT SELECT ON ctlpr.external_audits, ctlpr.external_rejections, ctlpr.external_agency_name TO ctlpr_auditor, ctlpr_registrar;
GRANT SELECT ON ctlpr.external_searches TO ctlpr_auditor;

/*
 * A change of a rule reaches every session's cache at commit.  ALWAYS: also
 * where a restore or a replica applies it.
 */
DO $$
DECLARE
	rule_table text;
BEGIN
	FOREACH rule_table IN ARRAY ARRAY['agency', 'role_binding', 'auditor_binding', 'declaration', 'statute', 'statute_adoption', 'statute_purpose',
									  'statute_retention', 'statute_recipient', 'statute_authorization', 'statute_hotlist_source', 'legal_authorization', 'suspension', 'network',
									  'network_member', 'sharing_limit', 'contract', 'vendor_authorization', 'officer', 'agency_option', 'statute_policy',
									  'policy', 'screen_term', 'screen_list', 'reason_approval', 'immigration_agreement', 'misuse_report', 'aggregate', 'statute_camera', 'camera', 'statute_hold', 'hold', 'governed_relation', 'agency_key', 'allowed_publication', 'standing_request']
	LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ctlpr.%I FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.rules_changed()', rule_table);
		EXECUTE pg_catalog.format('ALTER TABLE ctlpr.%I ENABLE ALWAYS TRIGGER rules_changed', rule_table);
	END LOOP;
END
$$;

-- The log is guarded by the gate.
DO $$
DECLARE
	own_table name;
BEGIN
	FOR own_table IN SELECT c.relname FROM pg_catalog.pg_class c
			WHERE c.relnamespace OPERATOR(pg_catalog.=) 'ctlpr'::pg_catalog.regnamespace AND c.relkind OPERATOR(pg_catalog.=) 'r'
				AND c.relname OPERATOR(pg_catalog.<>) 'audit_entry' LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER guard_own_table BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ctlpr.%I FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.guard_own_table()', own_table);
		EXECUTE pg_catalog.format('ALTER TABLE ctlpr.%I ENABLE ALWAYS TRIGGER guard_own_table', own_table);
	END LOOP;
END
$$;

-- What the law says here changes on record only.
DO $$
DECLARE
	rule_table name;
BEGIN
	FOR rule_table IN SELECT c.relname FROM pg_catalog.pg_class c
			WHERE c.relnamespace OPERATOR(pg_catalog.=) 'ctlpr'::pg_catalog.regnamespace AND c.relkind OPERATOR(pg_catalog.=) 'r'
				AND c.relname OPERATOR(pg_catalog.~) '^statute(_|$)' AND c.relname OPERATOR(pg_catalog.<>) 'statute_adoption' LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER statute_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ctlpr.%I FOR EACH STATEMENT EXECUTE FUNCTION ctlpr.statute_changed()', rule_table);
		EXECUTE pg_catalog.format('ALTER TABLE ctlpr.%I ENABLE ALWAYS TRIGGER statute_changed', rule_table);
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
SELECT pg_catalog.pg_extension_config_dump('ctlpr.statute_authorization', 'WHERE statute IN (SELECT s.statute FROM ctlpr.statute s WHERE NOT s.shipped)');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.legal_authorization', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.legal_authorization_authorization_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.suspension', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.suspension_suspension_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.network', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.network_member', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.sharing_limit', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.sharing_limit_limit_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.request_completion', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.contract', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.contract_contract_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.vendor_authorization', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.vendor_authorization_vendor_authorization_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.agency_option', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.officer', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.statute_policy', 'WHERE statute IN (SELECT s.statute FROM ctlpr.statute s WHERE NOT s.shipped)');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.screen_term', 'WHERE NOT shipped');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.screen_list', 'WHERE NOT shipped');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.reason_approval', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.immigration_agreement', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.immigration_agreement_agreement_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.policy', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.policy_policy_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.misuse_report', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.misuse_report_report_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.aggregate', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.audit_review', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.shift', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.shift_shift_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.finding_closure', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.finding_closure_closure_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.annual_submission', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.statute_hold', 'WHERE statute IN (SELECT s.statute FROM ctlpr.statute s WHERE NOT s.shipped)');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.hold', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.hold_hold_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.governed_relation', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.agency_key', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.allowed_publication', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.ingest_count', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.standing_request', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.audit_entry', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.audit_tile', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.checkpoint', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.log_fork', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.log_trim', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.purge_run', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.purge_run_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.image_deletion', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.image_deletion_deletion_id_seq', '');
-- What was erased there says nothing of the bytes here.
SELECT pg_catalog.pg_extension_config_dump('ctlpr.erase_run', 'WHERE false');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.erase_run_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.erase_member', 'WHERE false');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.erase_loss', 'WHERE false');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.data_copy', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.data_copy_copy_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.statute_hotlist_source', 'WHERE statute IN (SELECT s.statute FROM ctlpr.statute s WHERE NOT s.shipped)');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.hotlist', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.hotlist_hotlist_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.hotlist_entry', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.statute_camera', 'WHERE statute IN (SELECT s.statute FROM ctlpr.statute s WHERE NOT s.shipped)');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.camera', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.protected_site', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.protected_site_site_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.external_audit', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.external_audit_import_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.external_search', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.external_rejection', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.external_agency_name', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.offense_category', 'WHERE NOT shipped');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.released_reason', '');
SELECT pg_catalog.pg_extension_config_dump('ctlpr.released_reason_release_id_seq', '');
-- The time of another server is not this one's: the table comes empty.
SELECT pg_catalog.pg_extension_config_dump('ctlpr.clock', 'WHERE false');
