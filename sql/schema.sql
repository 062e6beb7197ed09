/*
 * schema.sql - the ground the rest stands on: group roles and the schema.
 *
 * CREATE EXTENSION makes the schema (see ctlpr.control).  Group roles are
 * shared by all databases of the cluster, so they are made when missing and
 * left alone when present; DROP EXTENSION does not drop them.
 *
 * The tables that follow have no foreign keys among each other.  A parallel
 * pg_restore loads an extension's tables in any order, so keys would fail it.
 * The functions that write them check instead, and what refers to nothing
 * opens nothing: an agency that is not registered sees no read and owns none.
 */
\echo Use "CREATE EXTENSION ctlpr CASCADE" to load this file. \quit

DO $$
DECLARE
	group_role name;
BEGIN
	FOREACH group_role IN ARRAY ARRAY['ctlpr_admin', 'ctlpr_registrar', 'ctlpr_auditor', 'ctlpr_matcher', 'ctlpr_image_deleter', 'ctlpr_public']::name[]
	LOOP
		IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) group_role) THEN
			EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', group_role);
		END IF;
	END LOOP;
END
$$;

COMMENT ON SCHEMA ctlpr IS 'License plate reads kept inside the law: governed tables, requests, audit log, purging';
