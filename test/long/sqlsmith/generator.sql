-- Makes a database of schema.sql one for sqlsmith to look at and nothing else: functions and operators that would only
-- make errors, or conditions that have nothing to do with the rows, are struck from its catalog.  They are those of
-- pseudo-types that sqlsmith takes for types, of types that no column has, those that the role may not call, and those
-- whose answer is another one in another database, at another time or in another order of the rows.
\set ON_ERROR_STOP on
\set QUIET on
SET allow_system_table_mods = on;
-- what columns have, and what sqlsmith itself and the information schema need
CREATE TEMP TABLE kept AS
SELECT t::regtype::oid AS type
FROM unnest(ARRAY['bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'text', 'varchar', 'bpchar', 'name', '"char"', 'date', 'time',
	'timestamp', 'timestamptz', 'interval', 'json', 'jsonb', 'bytea', 'xml', 'geometry', 'text[]', 'int4[]', 'int2[]', 'name[]', '"char"[]',
	'oid', 'oid[]', 'regtype', 'regproc', 'regclass', 'regrole', 'regnamespace', 'regoper', 'regprocedure', 'int2vector', 'oidvector',
	'aclitem', 'aclitem[]', 'pg_node_tree', 'pg_lsn', 'xid', 'internal', 'cstring', 'void', 'trigger', 'record', 'anyelement', 'anyarray',
	'anynonarray', 'anycompatible', 'anycompatiblearray', '"any"']) t;
CREATE TEMP TABLE struck_name AS
SELECT * FROM unnest(ARRAY['random', 'uuid', 'clock', '^(transaction|statement)_timestamp$', 'timeofday', '^current_(schemas|query|setting)$', 'now$',
	'snapshot', 'xid', 'xact', '_version', 'localtime', '^age$', 'inet_', '_stat_', '^ts', '^to_ts', '^row_security', '^to_reg', 'description',
	'nameconcatoid', 'to_xml', '^(string|array)_agg', '^json.*_agg', '^xmlagg', '^range_', '^any_value', '^pgis_', '_st_', 'postgis_', '^st_as',
	'^binary_upgrade', '^currtid', '^lo', 'gserialized', '^geometry_g',
	'^pg_(?!has_role|(relation|column)_is_updatable|.*temp_schema|.*is_visible|get_expr|get_constraintdef|sequence_parameters)']) n (pattern);
CREATE TEMP TABLE struck AS
SELECT oid FROM pg_proc p
WHERE NOT (prorettype = ANY (SELECT type FROM kept)) OR EXISTS (SELECT FROM unnest(proargtypes) a WHERE NOT (a = ANY (SELECT type FROM kept)))
   OR NOT has_function_privilege('officer', oid, 'EXECUTE')
   OR (provolatile = 'v' AND proname !~ '(in|out|recv|send)$')
   OR EXISTS (SELECT FROM struck_name WHERE proname ~ pattern);
DELETE FROM pg_operator
WHERE oprcode::oid = ANY (SELECT oid FROM struck)
   OR (oprleft <> 0 AND NOT (oprleft = ANY (SELECT type FROM kept)))
   OR NOT (oprright = ANY (SELECT type FROM kept)) OR NOT (oprresult = ANY (SELECT type FROM kept));
DELETE FROM pg_aggregate WHERE aggfnoid::oid = ANY (SELECT oid FROM struck);
DELETE FROM pg_proc WHERE oid = ANY (SELECT oid FROM struck);
