-- 15(a): what the report counts under has no word of anybody's; every recorded change of a policy has its place; nobody but auditors makes it.
BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(38);
CREATE ROLE annual_report_nobody;

-- Offenses: the vendors' dropdown, what officers type, and what is no offense
SELECT is(ctlpr.report_offense(o), c, format('"%s" is counted as %s', o, coalesce(c, 'none')))
	FROM (VALUES ('Motor Vehicle Theft/Stolen', 'stolen vehicle'), ('stolen plate', 'stolen vehicle'), ('Larceny/Theft Offenses', 'larceny or stolen property'), ('Burglary/Breaking & Entering', 'burglary'),
				 ('Drugs/Narcotics', 'drugs'), ('Wanted Person (Arrest Warrant/Fugitive)', 'warrant'), ('Hit and Run/Car Accident', 'traffic or vehicle offense'), ('Assault/Battery Offenses (Domestic)', 'assault or threat'),
				 ('ROBBERY', 'robbery'), ('Weapons Offense (Guns/Shots Fired)', 'weapons'), ('Missing/Endangered Person/Runaway', 'missing or endangered person'), ('Homicide/Death Investigation', 'homicide'),
				 ('Sex Offenses', 'sexual offense'), ('Terrorism/Terroristic Threats', 'assault or threat'), ('Bribery', 'fraud'), ('Child Abuse/Neglect', 'child abuse'), ('Illegal Dumping/Littering', 'damage or arson'),
				 ('City Planning/Traffic Analysis', 'traffic or vehicle offense'), ('AB12345', 'other'), ('53a-119', 'other'), ('police begun', 'other'), (E' \t', NULL), ('', NULL), (NULL, NULL)) AS v (o, c);
SELECT is((SELECT count(DISTINCT ctlpr.report_offense(w || ' 8' || n || ' AB' || n)) FROM generate_series(1, 500) n, unnest('{Robbery,burglary of,x}'::text[]) w), 3::bigint, 'whatever stands beside it, a category says no more');
SELECT is((SELECT count(*) FROM generate_series(1, 200) n WHERE ctlpr.report_offense('plate AB' || n || ', robbery') ~ '[0-9]'), 0::bigint, 'no digit comes through');

-- Changes of the rules: each function that records one is known to the report
SELECT is((SELECT array_agg(DISTINCT f.name ORDER BY f.name)
		   FROM pg_proc p
			   CROSS JOIN LATERAL regexp_matches(p.prosrc, '''function'', ''([a-z_]+)''', 'g') m (found)
			   CROSS JOIN LATERAL (SELECT m.found[1]) f (name)
		   WHERE p.pronamespace = 'ctlpr'::regnamespace AND p.prosrc ~ 'record_event\(''configuration''' AND ctlpr.changed_policy(f.name) = 'other rules changed'),
	NULL, 'every function that records a change of the configuration has its item, or is none of a policy: 15(a)(2)');
SELECT is(ctlpr.changed_policy('a_function_to_come'), 'other rules changed', 'what is new is counted all the same');
SELECT is((SELECT count(*) FROM ctlpr.report_items() i WHERE i.clause !~ '^15\(a\)(\(1\)\([A-G]\)|\(2\))$'), 0::bigint, 'every item is under a clause of 15(a)');
SELECT is((SELECT array_agg(DISTINCT left(i.clause, 11) ORDER BY left(i.clause, 11)) FROM ctlpr.report_items() i), '{15(a)(1)(A),15(a)(1)(B),15(a)(1)(C),15(a)(1)(D),15(a)(1)(E),15(a)(1)(F),15(a)(1)(G),15(a)(2)}'::text[], 'and every clause has one');
SELECT is((SELECT count(*) - count(DISTINCT item) FROM ctlpr.report_items()), 0::bigint, 'no name is used twice');

-- Years
SELECT lives_ok($$SELECT ctlpr.adopt_statute('us-ct-2026')$$, 'a statute is in force');
SELECT is(ctlpr.year_start(2027), '2027-01-01 05:00+00'::timestamptz, 'a year begins at midnight in Connecticut');

-- Who may
SELECT is((SELECT array_agg(p.proname::text ORDER BY p.proname) FROM pg_proc p
		   WHERE p.pronamespace = 'ctlpr'::regnamespace AND p.proname ~ '^(annual_|report_(offense|items|entries|findings)|quarterly_|quarter_(figures|log)|external_annual|check_report|log_state|record_annual|changed_policy|csv_cell|year_start|refuse_uncovered)'
			   AND has_function_privilege(r, p.oid, 'EXECUTE')), wanted, format('%s may call what is opened', r))
	FROM (VALUES ('annual_report_nobody', NULL::text[]), ('ctlpr_admin', NULL), ('ctlpr_public', NULL), ('ctlpr_registrar', '{record_annual_report}'),
				 ('ctlpr_auditor', '{annual_report,annual_report_csv,annual_report_json,quarterly_audit,quarterly_audit_json,record_annual_report}')) AS v (r, wanted);
SELECT * FROM finish();
ROLLBACK;
