-- 13(d)(6): no plan carries anybody's sight to another: generic and custom plans, PL/pgSQL's, parallel workers, JIT, cursors, one session for all
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
SELECT ctlpr.file_declaration('MA-BPD', 'Commissioner', (now() - interval '1 day')::date) \g /dev/null
CREATE FUNCTION seen(sought text) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$ DECLARE r record; found text := ''; BEGIN FOR r IN SELECT plate FROM plate_reads WHERE plate LIKE sought ORDER BY plate LOOP found := found || ' ' || r.plate; END LOOP; RETURN found; END $$;
CREATE FUNCTION seen_sql(sought text) RETURNS SETOF text LANGUAGE sql STABLE AS $$ SELECT plate FROM plate_reads WHERE plate LIKE sought $$;
CREATE VIEW seen_view WITH (security_invoker) AS SELECT plate FROM plate_reads;
GRANT SELECT ON seen_view TO PUBLIC;
PREPARE sought(text) AS SELECT string_agg(plate, ' ' ORDER BY plate) FROM plate_reads WHERE plate LIKE $1;
PREPARE viewed(text) AS SELECT string_agg(plate, ' ' ORDER BY plate) FROM seen_view WHERE plate LIKE $1;
PREPARE joined(text) AS SELECT string_agg(a.plate || b.agency_id, ' ' ORDER BY a.plate, b.agency_id) FROM plate_reads a JOIN plate_reads b USING (plate) WHERE a.plate LIKE $1;
PREPARE functional(text) AS SELECT string_agg(s, ' ' ORDER BY s) FROM seen_sql($1) s;
-- what everybody sees under every setting, and how often one saw something else than at first
CREATE TEMP TABLE answers (who text, request text, way text, answer text);
GRANT ALL ON answers TO PUBLIC;
CREATE FUNCTION pg_temp.ask(who name, case_number text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE way text; answer text; request text := 'none';
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', who);
	IF case_number IS NOT NULL THEN
		request := case_number;
		BEGIN
			PERFORM ctlpr.begin_request('stolen_vehicle', case_number => nullif(case_number, ''), officer => 'A');
		EXCEPTION WHEN OTHERS THEN request := request || ' ' || sqlstate;
		END;
	END IF;
	FOREACH way IN ARRAY '{sought,viewed,joined,functional,seen}'::text[] LOOP
		BEGIN
			IF way = 'seen' THEN
				SELECT seen('%1') INTO answer;
			ELSE
				EXECUTE format('EXECUTE %I (%L)', way, '%1') INTO answer;
			END IF;
		EXCEPTION WHEN OTHERS THEN answer := sqlstate;
		END;
		INSERT INTO answers VALUES (who, request, way, answer);
	END LOOP;
	PERFORM ctlpr.end_request();
	RESET ROLE;
END $$;
CREATE FUNCTION pg_temp.ask_all() RETURNS void LANGUAGE plpgsql AS $$
DECLARE who name; number text;
BEGIN
	FOREACH who IN ARRAY '{officer,officer_hpd,detective,texan,stranger,officer,postgres}'::name[] LOOP
		FOREACH number IN ARRAY ARRAY[NULL, '', '26-1'] LOOP
			PERFORM pg_temp.ask(who, number);
		END LOOP;
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.under(settings text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. cardinality(settings) BY 2 LOOP
		PERFORM set_config(settings[i], settings[i + 1], true) WHERE EXISTS (SELECT FROM pg_settings WHERE name = settings[i]);
	END LOOP;
	FOR i IN 1 .. 3 LOOP
		PERFORM pg_temp.ask_all();
	END LOOP;
END $$;
SELECT pg_temp.under('{plan_cache_mode,force_custom_plan}');
SELECT pg_temp.under('{plan_cache_mode,force_generic_plan}');
SELECT pg_temp.under('{plan_cache_mode,auto}');
SELECT pg_temp.under('{plan_cache_mode,force_generic_plan,force_parallel_mode,on,debug_parallel_query,on,parallel_setup_cost,0,parallel_tuple_cost,0,min_parallel_table_scan_size,0,min_parallel_index_scan_size,0}');
SELECT pg_temp.under('{force_parallel_mode,regress,debug_parallel_query,regress,parallel_setup_cost,0,parallel_tuple_cost,0,min_parallel_table_scan_size,0,enable_indexscan,off,enable_bitmapscan,off}');
SELECT pg_temp.under('{jit,on,jit_above_cost,0,jit_inline_above_cost,0,jit_optimize_above_cost,0}');
SELECT pg_temp.under('{enable_seqscan,off,enable_hashjoin,off,enable_nestloop,off}');
SELECT pg_temp.under('{enable_partition_pruning,off,enable_partitionwise_join,on,enable_partitionwise_aggregate,on}');
SELECT who, request, way, count(*) AS asked, count(DISTINCT coalesce(answer, '')) AS answers, min(answer) AS answer FROM answers GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
DROP FUNCTION seen, seen_sql;
DROP VIEW seen_view;
SELECT ctlpr.withdraw_declaration(max(declaration_id), 'test') FROM ctlpr.declaration WHERE agency_id = 'MA-BPD' \g /dev/null
