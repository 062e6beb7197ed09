-- 14(a)(6), 13(d)(3), 13(d)(6): a vendor's audit is read as it was exported, whole or not at all, apart from the log; what cannot be told is not guessed, and no message carries its content.
SET client_min_messages = warning;
CREATE ROLE external_auditor;
CREATE ROLE external_other;
CREATE ROLE external_all;
DO $$
BEGIN
	PERFORM ctlpr.register_agency('XA-NEWHAVEN', 'New Haven Police Department', 'police', 'CT');
	PERFORM ctlpr.register_agency('XA-GROTON', 'Groton Town Police', 'police', 'CT');
	PERFORM ctlpr.register_agency('XA-BOSTON', 'Boston Police Department', 'police', 'MA');
	PERFORM ctlpr.register_agency('XA-SPRINGFIELD-1', 'Springfield Police', 'police', 'MA');
	PERFORM ctlpr.register_agency('XA-SPRINGFIELD-2', 'Springfield Police Department', 'police', 'MA');
	PERFORM ctlpr.register_agency('XA-TRANSIT', 'Austin Transit', 'public_agency', 'TX');
	PERFORM ctlpr.register_agency('XA-VENDOR', 'The Vendor', 'vendor', 'GA');
	PERFORM ctlpr.register_agency('XA-HOUSTON', 'Houston Police', 'police', 'TX');
	PERFORM ctlpr.adopt_statute('us-ct-2026');
	PERFORM ctlpr.bind_auditor('external_auditor', 'XA-NEWHAVEN');
	PERFORM ctlpr.bind_auditor('external_other', 'XA-GROTON');
	PERFORM ctlpr.bind_auditor('external_all');
END
$$;

BEGIN;
SET LOCAL client_min_messages = error;
SELECT plan(258);
CREATE SCHEMA external;
CREATE ROLE external_registrar IN ROLE ctlpr_registrar;
CREATE ROLE external_admin IN ROLE ctlpr_admin;
CREATE TEMP TABLE beginning AS SELECT coalesce(max(seq), 0) AS seq FROM ctlpr.audit_entry;
GRANT SELECT ON beginning TO PUBLIC;

-- Screening is a part of its own (13(d)(3)); where it is not there, its signature is enough for what is tested here.
DO $do$
BEGIN
	IF to_regprocedure('ctlpr.screen_reason(text)') IS NULL THEN
		CREATE FUNCTION ctlpr.screen_reason(reason text) RETURNS TABLE (action text, category text, clause text, term text) LANGUAGE sql STABLE AS
			$$ SELECT 'refuse', 'immigration', '13(d)(3)', 'immigration' WHERE reason ~* '\mimmigration\M' $$;
	END IF;
END
$do$;

-- A refusal has its SQLSTATE and a hint, tells what it has to, and nothing that stands in the file.
CREATE FUNCTION external.refused(statement text, state text, tells text, description text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	got_state  text;
	got_hint   text;
	got_text   text;
	got_detail text;
	as_wanted  boolean;
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS got_state = RETURNED_SQLSTATE, got_hint = PG_EXCEPTION_HINT, got_text = MESSAGE_TEXT, got_detail = PG_EXCEPTION_DETAIL;
	END;
	as_wanted := coalesce(got_state = state AND got_hint <> '' AND concat_ws(' | ', got_text, got_detail, got_hint) ~ tells AND concat(got_text, got_hint, got_detail) !~ 'SECRET|ZZ[0-9]', false);
	RETURN ok(as_wanted, description) || CASE WHEN as_wanted THEN '' ELSE E'\n' || diag(format('got %s: %s; detail: %s; hint: %s', coalesce(got_state, 'no error'), got_text, got_detail, got_hint)) END;
END
$$;

-- read(content, ...) imports it, keeps what came of it in pg_temp.got, drops it again; the number of searches
CREATE TEMP TABLE got AS SELECT * FROM ctlpr.external_search LIMIT 0;
CREATE TEMP TABLE got_audit AS SELECT * FROM ctlpr.external_audit LIMIT 0;
CREATE TEMP TABLE got_rejection AS SELECT * FROM ctlpr.external_rejection LIMIT 0;
CREATE FUNCTION external.read(content bytea, agency_id text DEFAULT 'XA-NEWHAVEN', time_zone text DEFAULT NULL, columns text[] DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	number bigint := ctlpr.import_external_audit_bytes('SECRET Vendor', content, agency_id, time_zone, columns);
BEGIN
	DELETE FROM pg_temp.got;
	DELETE FROM pg_temp.got_audit;
	DELETE FROM pg_temp.got_rejection;
	INSERT INTO pg_temp.got SELECT * FROM ctlpr.external_search s WHERE s.import_id = number ORDER BY s.line_no;
	INSERT INTO pg_temp.got_audit SELECT * FROM ctlpr.external_audit a WHERE a.import_id = number;
	INSERT INTO pg_temp.got_rejection SELECT * FROM ctlpr.external_rejection r WHERE r.import_id = number;
	PERFORM ctlpr.drop_external_audit(number, 'read for a test');
	RETURN (SELECT count(*) FROM pg_temp.got);
END
$$;
CREATE FUNCTION external.read(content text, agency_id text DEFAULT 'XA-NEWHAVEN', time_zone text DEFAULT NULL, columns text[] DEFAULT NULL) RETURNS bigint LANGUAGE sql AS
	$$ SELECT external.read(convert_to(content, 'UTF8'), agency_id, time_zone, columns) $$;
CREATE FUNCTION external.head() RETURNS text LANGUAGE sql AS
	$$ SELECT 'ID,Name,Org Name,Total Networks Searched,Time Frame,License Plate,Reason,Case #,Filters,Search Time,Search Type,Text Prompt,Moderation' || E'\n' $$;
-- A line of the 13 columns with what is not of interest filled in
CREATE FUNCTION external.line(reason text DEFAULT 'Stolen vehicle', case_number text DEFAULT '', plate text DEFAULT 'ZZ1234', org text DEFAULT 'New Haven CT PD', at text DEFAULT '10/05/2026, 01:02:03 PM UTC',
							  networks text DEFAULT '3', officer text DEFAULT 'SECRET Officer', frame text DEFAULT E'"10/01/2026, 12:00:00 AM UTC\n10/05/2026, 12:00:00 PM UTC"') RETURNS text LANGUAGE sql AS
	$$ SELECT concat_ws(',', 'id-1', officer, org, networks, frame, plate, reason, case_number, '', '"' || at || '"', 'search', '', '') || E'\n' $$;

-- The 13 columns
SELECT is(external.read(external.head() || external.line() || external.line('"Said ""help"", then fled"', '26-10423') || external.line(frame => '')), 3::bigint, 'the form of 13 columns is read');
SELECT is((SELECT (a.form, a.delimiter, a.encoding, a.header_line, a.rows, a.rejected_lines, a.searched_from = a.searched_to, a.columns)::text FROM got_audit a),
	'("network audit, 13 columns",",",UTF8,1,3,0,t,"{vendor_id,officer,searching_agency,networks,time_frame,plates,reason,case_number,filters,searched_at,search_type,text_prompt,moderation}")', 'and what it was read as is registered');
SELECT is((SELECT array_agg(line_no ORDER BY line_no) FROM got), '{2,4,6}'::bigint[], 'a search has the number of the line on which it begins, over cells of two lines');
SELECT is((SELECT (g.searched_at, g.searching_agency, g.agency_id, g.searching_state, g.officer, g.networks, g.plates, g.reason, g.case_number, g.search_type, g.vendor_id, g.filters, g.masked, g.note)::text FROM got g WHERE line_no = 2),
	'("2026-10-05 13:02:03+00","New Haven CT PD",XA-NEWHAVEN,CT,"SECRET Officer",3,{ZZ1234},"Stolen vehicle",,search,id-1,,{},)', 'each cell is where it belongs, an empty one is NULL');
SELECT is((SELECT time_frame FROM got WHERE line_no = 2), tstzrange('2026-10-01 00:00+00', '2026-10-05 12:00+00', '[]'), 'a time frame of two lines in one cell is a range');
SELECT is((SELECT (reason, case_number, case_from_reason)::text FROM got WHERE line_no = 4), '("Said ""help"", then fled",26-10423,f)', 'doubled quotes and commas within quotes are text');
SELECT is((SELECT time_frame::text FROM got WHERE line_no = 6), NULL, 'a search without a time frame is one');

-- Older and other forms
SELECT is(external.read(E'Name,Org Name,Total Networks Searched,Total Devices Searched,Time Frame,License Plate,Reason,Case #,Filters,Search Time,Search Type\nSECRET O,Boston MA PD,"1,204",15737,,ZZ1,fled,,,"1/2/2026, 3:04:05 AM UTC",lookup\n'), 1::bigint, 'the form of 11 columns is read');
SELECT is((SELECT (networks, devices, agency_id, searching_state, searched_at)::text FROM got), '(1204,15737,XA-BOSTON,MA,"2026-01-02 03:04:05+00")', '... with devices, numbers with commas and days of one digit');
SELECT is(external.read(E'Name,Total Networks Searched,Time Frame,License Plate,Case #,Filters,Reason,Offense Type,Search Date/Time\nSECRET O,2,"10/01/2026, 12:00:00 AM UTC to 10/02/2026, 12:00:00 AM UTC",ZZ1,1,,x,Robbery,2026-10-05T13:02:03Z\n'), 1::bigint, 'an organization audit is read');
SELECT is((SELECT (agency_id, searching_agency, searching_state, offense, time_frame)::text FROM got), '(XA-NEWHAVEN,,CT,Robbery,"[""2026-10-01 00:00:00+00"",""2026-10-02 00:00:00+00""]")', '... its searches are the agency''s own, a time frame of one line is a range');
SELECT is(external.read(E'search_time\tsearching_org_slug\tnetwork_count\treason\toffense_type\n2026-10-05T13:02:03.5Z\tgroton-town-ct-pd\t5\tsaid "stop"\tRobbery\n'), 1::bigint, 'a portal''s form with tabs is read');
SELECT is((SELECT (searched_at, agency_id, networks, reason, offense)::text FROM got), '("2026-10-05 13:02:03.5+00",XA-GROTON,5,"said ""stop""",Robbery)', '... a quote within a cell is a character');
SELECT is(external.read(E'Search Time;Org Name;Reason\n2026-10-05 13:02:03 UTC;Boston MA PD;a,b\n'), 1::bigint, 'semicolons part cells');
SELECT is((SELECT reason FROM got), 'a,b', '... and commas then do not');
SELECT is(external.read(E'Search Date,Search Time,Org Name,Reason\n2026-10-05,13:02:03,Boston MA PD,x\n', time_zone => 'UTC'), 1::bigint, 'a date apart from its time is read');
SELECT is((SELECT searched_at FROM got), '2026-10-05 13:02:03+00'::timestamptz, '... with it');

-- Line ends, byte order mark, encodings, empty columns and lines
SELECT is(external.read('\xefbbbf'::bytea || convert_to(replace(external.head() || external.line(), E'\n', E'\r\n'), 'UTF8')), 1::bigint, 'a byte order mark and CRLF are passed over');
SELECT is((SELECT (columns[1], form)::text FROM got_audit), '(vendor_id,"network audit, 13 columns")', '... and are no part of a label');
SELECT is((SELECT time_frame FROM got), tstzrange('2026-10-01 00:00+00', '2026-10-05 12:00+00', '[]'), '... nor of a cell');
SELECT is(external.read('\xefbbbf'::bytea || convert_to(E'2026-10-05T13:02:03Z,Boston MA PD,fled\n', 'UTF8'), columns => '{Search Time,Org Name,Reason}'), 1::bigint, '... nor of a time where there is no header');
SELECT is(external.read(replace(external.head() || external.line(), E'\n', E'\r')), 1::bigint, 'CR alone ends a line');
SELECT is(external.read(convert_to(E'Search Time,Org Name,Reason\n2026-10-05 13:02:03Z,Boston MA PD,Jos', 'UTF8') || '\xe9'::bytea || '\x93'::bytea || '\x0a'::bytea), 1::bigint, 'bytes that are no UTF-8 are read as Windows-1252');
SELECT is((SELECT encode(convert_to(reason, 'UTF8'), 'hex') FROM got) || (SELECT encoding FROM got_audit), '4a6f73c3a9e2809cWIN1252', '... and that is registered');
SELECT is(external.read(convert_to(E'Search Time,Org Name,Reason\n2026-10-05 13:02:03Z,Boston MA PD,Jos', 'UTF8') || '\xe981'::bytea), 1::bigint, 'or as Latin-1');
SELECT is((SELECT encoding FROM got_audit), 'LATIN1', '... where they are not that either');
SELECT is(external.read(E'Search Time,Org Name,Reason,,\n2026-10-05 13:02:03Z,Boston MA PD,x,,\n,,,,\n\n2026-10-05 13:02:04Z,Boston MA PD,,,,,\n'), 2::bigint, 'empty columns at the end and empty lines are nothing');
SELECT is((SELECT (rejected_lines, notes)::text FROM got_audit), '(0,"{""columns that are not known were left out: 4, 5""}")', '... unknown columns are told');

-- Titles, headers that return
SELECT is(external.read(E'Network Audit\nNew Haven,,\n' || external.head() || external.line() || external.head() || external.line()), 2::bigint, 'lines above the header and a header between pages are passed over');
SELECT is((SELECT (header_line, repeated_headers, rejected_lines, notes)::text FROM got_audit), '(3,1,0,"{""lines 1 to 2, above the header, were left out""}")', '... and told');
SELECT external.refused($$SELECT external.read(external.head() || external.line() || E'Search Time,Org Name,Reason\n2026-10-05 13:02:03Z,SECRET PD,x\n')$$, '22P04', 'Line 4 ', 'a header of other columns below is an error that names its line');

-- A phantom header: a label whose column is gone
SELECT external.refused($$SELECT external.read(E'Name,Org Name,Case #,Search Time,Reason\n' || repeat(E'SECRET O,SECRET PD,2026-10-05 13:02:03Z,SECRET reason\n', 3))$$, '22P04', 'more columns than the lines below .*on line 1', 'a header of more columns than all lines is an error');
SELECT external.refused($$SELECT external.read(E'Name,Org Name,Case #,Search Time,Reason\n' || repeat(E'SECRET O,SECRET PD,2026-10-05T13:02:03Z,SECRET reason,\n', 3))$$, '22P04', '"case_number" does not hold what its label says .*first on line 2', 'so is one whose columns hold something else');
SELECT external.refused($$SELECT external.read(E'Search Time,Org Name,Networks,Reason\n' || repeat(E'2026-10-05T13:02:03Z,SECRET PD,SECRET reason,\n', 3))$$, '22P04', '"networks" does not hold', 'or words for numbers');
SELECT external.refused($$SELECT external.read(E'Org Name,Search Time,Reason\n' || repeat(E'SECRET PD,SECRET,2026-10-05T13:02:03Z\n', 3))$$, '22P04', '"searched_at" does not hold', 'or none for times');
SELECT is(external.read(E'Name,Org Name,Case #,Search Time,Reason\n' || repeat(E'SECRET O,Boston MA PD,2026-10-05T13:02:03Z,fled,\n', 3), columns => '{Name,Org Name,Search Time,Reason}'), 3::bigint, 'columns that are stated settle that');
SELECT is((SELECT DISTINCT (agency_id, reason, case_number)::text FROM got), '(XA-BOSTON,fled,)', '... each cell is where it belongs');
SELECT is(external.read(E'2026-10-05T13:02:03Z,Boston MA PD,what,fled\n', columns => '{Search Time,Org Name,"",Reason}'), 1::bigint, 'and stand for a header that is missing');
SELECT is((SELECT (header_line, columns)::text FROM got_audit), '(,"{searched_at,searching_agency,"""",reason}")', '... which is registered');
SELECT external.refused($$SELECT external.read('x', columns => '{Org Name,Reason}')$$, '22023', 'time of the search', 'without a time they are none');
SELECT external.refused($$SELECT external.read('x', columns => '{Search Time,Wherefore}')$$, '22023', 'Known labels', 'a label that is not known is refused');

-- Times
SELECT is(ctlpr.external_time(w, z), t::timestamptz, format('a time is read: %s', w))
	FROM (VALUES ('02/25/2026, 10:00:49 AM UTC', NULL, '2026-02-25 10:00:49+00'), ('2/5/2026 9:07 pm', 'America/New_York', '2026-02-05 21:07-05'), ('2/25/26 0:07', 'UTC', '2026-02-25 00:07+00'),
				 ('12/31/2026, 12:00:00 AM UTC', NULL, '2026-12-31 00:00+00'), ('12/31/2026, 12:00:00 p.m. EST', NULL, '2026-12-31 12:00-05'), ('7/1/2026 1:00 PM', 'America/New_York', '2026-07-01 13:00-04'),
				 ('2026-02-25T10:00:49.236Z', NULL, '2026-02-25 10:00:49.236+00'), ('2026-02-25 10:00:49+05:30', NULL, '2026-02-25 10:00:49+05:30'), ('2026-02-25T10:00:49-0500', 'UTC', '2026-02-25 10:00:49-05'),
				 ('2026-02-25T10:00:49-5', NULL, '2026-02-25 10:00:49-05'), ('2/25/2026, 10:00:49' || chr(8239) || 'AM UTC', NULL, '2026-02-25 10:00:49+00'), ('2028-02-29 00:00 Z', NULL, '2028-02-29 00:00+00'),
				 ('2026-02-25 10:00:49', NULL, NULL), ('13/25/2026 10:00 UTC', NULL, NULL), ('2/29/2026 10:00 UTC', NULL, NULL), ('04/31/2026 10:00 UTC', NULL, NULL), ('2/25/2026 13:00 PM UTC', NULL, NULL), ('2/25/2026 24:00 UTC', NULL, NULL),
				 ('2/25/2026 10:60 UTC', NULL, NULL), ('2/25/2026 10:00:60 UTC', NULL, NULL), ('2/25/2026 10:00 XYZ', 'UTC', NULL), ('2026-02-25', 'UTC', NULL), ('2026-02-25T10:00:49+99', NULL, NULL), ('', 'UTC', NULL), (NULL, 'UTC', NULL)) AS v (w, z, t);
SELECT external.refused($$SELECT external.read(E'Search Time,Org Name,Reason\n2026-10-05 13:02:03,SECRET PD,x\n')$$, '22023', 'without a time zone .*line 2.*time_zone', 'times without a zone are not guessed');
SELECT is(external.read(E'Search Time,Org Name,Reason\n2026-10-05 13:02:03,Boston MA PD,x\n', time_zone => 'America/New_York'), 1::bigint, 'the zone that is stated is theirs');
SELECT is((SELECT (g.searched_at, a.time_zone)::text FROM got g, got_audit a), '("2026-10-05 17:02:03+00",America/New_York)', '... and registered');
SELECT external.refused($$SELECT external.read('x', time_zone => 'Nowhere/SECRET')$$, '22023', 'no time zone', 'a zone that is none is refused');
SELECT is(ctlpr.external_time_frame(w, 'UTC'), r::tstzrange, format('a time frame: %s', w))
	FROM (VALUES (E'10/01/2026, 1:00:00 AM UTC\n10/02/2026, 2:00:00 AM UTC', '[2026-10-01 01:00+00, 2026-10-02 02:00+00]'), ('2026-10-01 01:00 to 2026-10-02 02:00', '[2026-10-01 01:00+00, 2026-10-02 02:00+00]'),
				 ('10/01/2026 1:00 AM - 10/02/2026 2:00 AM', '[2026-10-01 01:00+00, 2026-10-02 02:00+00]'), (E'10/02/2026, 1:00:00 AM UTC\n10/01/2026, 2:00:00 AM UTC', NULL), ('last 7 days', NULL), ('', NULL)) AS v (w, r);

-- Lines that cannot be read
SELECT is(external.read(external.head() || external.line() || external.line('"not closed') || external.line('"closed" early') || external.line(at => '99/99/2026, 01:02:03 PM UTC') || external.line(at => '') || external.line(at => '10/05/2126, 01:02:03 PM UTC')
	|| external.line(reason => 'one, two') || replace(external.line(), E',,\n', E',,,,surplus\n') || repeat(external.line(), 12) || external.line(repeat('x', 70000))), 13::bigint, 'a line that cannot be read costs itself');
SELECT is((SELECT string_agg(line_no || ' ' || cause, ', ' ORDER BY line_no) FROM got_rejection),
	'4 text_behind_quote, 5 text_behind_quote, 6 text_behind_quote, 7 text_behind_quote, 8 search_time_not_read, 10 no_search_time, 12 search_time_out_of_range, 14 no_search_time, 16 too_many_cells, 42 too_long, 43 too_long', 'and is kept by its number and the cause');
SELECT is((SELECT rejected_lines FROM got_audit), (SELECT count(*) FROM got_rejection), '... and counted');
SELECT is(external.read(E'Search Time,Org Name,Reason\n2026-10-05 13:02:03Z,Boston MA PD,fine\n2026-10-05 13:02:03Z,Boston MA PD,"to the end\n2026-10-05 13:02:03Z,Boston MA PD,fine\n'), 2::bigint, 'a quote that is never closed costs its line, not the rest');
SELECT is((SELECT string_agg(line_no || ' ' || cause, ', ') FROM got_rejection), '3 quote_not_closed', '... by name');
SELECT is(external.read(E'Search Time,Org Name,Reason,Case #\n2026-10-05 13:02:03Z,Boston MA PD\n2026-10-05 13:02:03Z,Boston MA PD,x,26-10423\n'), 2::bigint, 'a line of fewer cells is read');
SELECT is((SELECT note FROM got WHERE line_no = 2), 'fewer cells than the header', '... with a note');
SELECT external.refused($$SELECT external.read(E'Search Time,Org Name,Reason\n' || repeat(E'2026-10-05 13:02:03Z,SECRET PD,x\n', 500) || repeat(E'SECRET,SECRET PD,x\n', 501))$$, '22P04', 'of 1001 lines .* 501 .*The first is line 502', 'a file of which most cannot be read is none');
SELECT is((SELECT count(*) FROM ctlpr.external_audit WHERE dropped_at IS NULL), 0::bigint, '... of which nothing is left');
SELECT is(external.read(E'Search Time,Org Name,Networks,Time Frame,Reason\n2026-10-05 13:02:03Z,Boston MA PD,5,,x\n2026-10-05 13:02:03Z,Boston MA PD,many,always,x\n2026-10-05 13:02:03Z,Boston MA PD,7,,x\n'), 3::bigint, 'a number or a time frame that cannot be read is left out');
SELECT is((SELECT (networks, time_frame, note)::text FROM got WHERE line_no = 3), '(,,"time frame not read; number of networks not read")', '... with a note');

SELECT is(external.read(E'Search Time,Org Name,Time Frame,Reason\n2026-10-05 13:02:03Z,Boston MA PD,2026-10-01 00:00 to 2026-10-02 00:00,x\n'), 1::bigint, 'a time frame without a zone is read, for the search has one');
SELECT is((SELECT (time_frame, note)::text FROM got), '(,"time frame not read")', '... but not guessed');

-- Masks
SELECT is(ctlpr.is_redaction(w), m, format('%s a mask: %s', CASE WHEN m THEN 'is' ELSE 'is not' END, w))
	FROM (VALUES ('***', true), (' REDACTED ', true), ('[Redacted]', true), ('(withheld)', true), ('###', true), ('* * *', true), ('XXXXXX', true), (repeat(chr(9608), 4), true), ('7923.600 GC', true), ('GC 7923.600', true), ('C.G.S. 1-210(b)(3)', true),
				 ('Conn. Gen. Stat. ' || chr(167) || ' 1-210(b)(3)(A)', true), ('exempt under CGS 1-210(b)', true), ('*ABC123', false), ('9***999', false), ('REDACTED, burglary', false), ('-', false), ('xx', false), ('#1', false), ('redacted plates found', false), ('', false),
				 ('26-10423', false), ('187', false)) AS v (w, m);
SELECT is(external.read(external.head() || external.line('***', '***', '***', officer => '***', org => 'REDACTED') || external.line('"REDACTED, burglary"', plate => '*ZZ123')), 2::bigint, 'masked searches are read');
SELECT is((SELECT (officer, searching_agency, agency_id, plates, reason, case_number, masked)::text FROM got WHERE line_no = 2), '(,,,,,,"{officer,searching_agency,plates,reason,case_number}")', '... a mask is no value, and is told');
SELECT is((SELECT (plates, reason, masked, note)::text FROM got WHERE line_no = 4), '({*ZZ123},"REDACTED, burglary",{},"reason masked in part")', '... a star in a plate is what was left open');
SELECT is(external.read(external.head() || external.line(plate => '"zz 12-34, ZZ777;ZZ1234"') || external.line(plate => '-')), 2::bigint, 'several plates are read');
SELECT is((SELECT plates FROM got WHERE line_no = 2), '{ZZ1234,ZZ777}'::text[], '... in capitals, without blanks, each once');
SELECT is((SELECT plates FROM got WHERE line_no = 4), NULL, 'a dash is none');

-- Case numbers in reasons
SELECT is(ctlpr.case_number_in(w), c, format('a case number in: %s', w))
	FROM (VALUES ('26-10423', '26-10423'), ('2026-00012345', '2026-00012345'), ('CFS 26-123', '26-123'), ('case #12345', '12345'), ('Case No. 4711-22', '4711-22'), ('CHOWCHILLA PD CASE# 26-0391', '26-0391'), ('SO26-1286', 'SO26-1286'), ('Pa2026-9525', 'Pa2026-9525'),
				 ('stolen, 26-10423.', '26-10423'), ('2601050160', '2601050160'), ('LBPD report 202601014', '202601014'), ('26-0030-07', '26-0030-07'), ('(S) Vehicle on 26-00512 (FI)', '26-00512'),
				 ('PC 187', NULL), ('10851', NULL), ('459', NULL), ('2026-02-25', NULL), ('02-25-2026', NULL), ('203-555-1234', NULL), ('call 26 tomorrow', NULL), ('20001(a)CVC', NULL), ('ZZ26-123A', NULL), ('in case of fire', NULL), ('incident', NULL), ('23103CVC', NULL),
				 ('12-2024', NULL), ('case', NULL), ('', NULL), (NULL, NULL)) AS v (w, c);
SELECT is(external.read(external.head() || external.line('fled CFS 26-123') || external.line('fled CFS 26-123', '77') || external.line('26-10423', '***')), 3::bigint, 'reasons with case numbers are read');
SELECT is((SELECT array_agg((reason, case_number, case_from_reason, note)::text ORDER BY line_no) FROM got),
	ARRAY['("fled CFS 26-123",26-123,t,"case number taken from the reason")', '("fled CFS 26-123",77,f,)', '(26-10423,,f,)'], 'one is taken from the reason, which stays, where there is no other and none is masked');

-- Reasons of a drop-down list
SELECT is(ctlpr.offense_in(w), o, format('the category of: %s', w))
	FROM (VALUES ('Motor Vehicle Theft/Stolen - 26-10423', 'Motor Vehicle Theft/Stolen'), ('Immigration (civil/administrative) -', 'Immigration (civil/administrative)'), ('Burglary/Breaking & Entering - fled', 'Burglary/Breaking & Entering'),
				 ('stolen-vehicle', NULL), ('suspect - north', NULL), ('Robbery', NULL), (NULL, NULL)) AS v (w, o);

-- Agencies
SELECT is(ctlpr.external_agency_state(w), s, format('the state of: %s', w))
	FROM (VALUES ('Putnam CT PD', 'CT'), ('new-haven-ct-pd', 'CT'), ('newport-beach-pd-ca', 'CA'), ('lake-in-the-hills-il-pd', 'IL'), ('La Mesa CA PD', 'CA'), ('Derby PD - CT', 'CT'), ('Mountain View CA PD (Santa Clara County)', 'CA'), ('Connecticut State Police', 'CT'),
				 ('New York State Police', 'NY'), ('Delaware County PA SO', 'PA'), ('[Federal] FBI [Inactive]', 'US'), ('Fort Eustis VA US Army [Federal]', 'US'), ('US Postal Inspection Service', 'US'), ('Homeland Security Investigations', 'US'), ('Iceland PD', NULL), ('Regional Center', NULL)) AS v (w, s);
SELECT is(ctlpr.external_agency('v', w), a, format('the agency of: %s', w))
	FROM (VALUES ('new-haven-ct-pd', 'XA-NEWHAVEN'), ('New Haven CT PD', 'XA-NEWHAVEN'), ('NEW HAVEN POLICE DEPARTMENT', 'XA-NEWHAVEN'), ('xa-newhaven', 'XA-NEWHAVEN'), ('City of Boston MA PD', 'XA-BOSTON'), ('Boston', 'XA-BOSTON'),
				 ('New Haven MO PD', NULL), ('springfield-ma-pd', NULL), ('Springfield Police', 'XA-SPRINGFIELD-1'), ('East Haven CT PD', NULL), ('Boston MA SO', NULL)) AS v (w, a);

-- What is no audit
SELECT external.refused(format('SELECT ctlpr.import_external_audit_bytes(''v'', %s)', c), s, t, d)
	FROM (VALUES ('''\x504b0304'''::text, '22P04', 'spreadsheet', 'a spreadsheet is refused'), ('''\x255044462d31''', '22P04', 'PDF', 'so is a PDF'), ('''\xfffe5300650061''', '22021', 'UTF-16', 'and UTF-16'), ('convert_to(''Search Time'', ''UTF8'') || ''\x0000''', '22021', 'no text', 'and zero bytes'),
				 ('''''', '22P04', 'no header', 'nothing'), ('convert_to(E''ZZ1,SECRET\n'', ''UTF8'')', '22P04', 'Expected .*Search Time', 'and whatever has no header'), ('convert_to(E''Search Time,Reason\n'', ''UTF8'')', '22P04', 'of 0 lines', 'a header alone'),
				 ('convert_to(E''Search Time,Reason,Search Reason\n'', ''UTF8'')', '22P04', 'both "reason"', 'two columns of the same'), ('NULL', '22004', 'content', 'and NULL')) AS v (c, s, t, d);
SELECT external.refused($$SELECT ctlpr.import_external_audit_text(NULL, 'x')$$, '22004', 'source', 'an audit has a source');
SELECT external.refused($$SELECT ctlpr.import_external_audit_text('v', 'x', 'XA-NONE')$$, '42704', 'register', 'of a registered agency');

-- The same again
CREATE TEMP TABLE imported AS SELECT ctlpr.import_external_audit_text('Vendor', external.head() || external.line() || external.line('Immigration', org => 'Boston MA PD'), 'XA-NEWHAVEN') AS import_id;
GRANT SELECT ON imported TO PUBLIC;
SELECT external.refused($$SELECT ctlpr.import_external_audit_text('Vendor', external.head() || external.line() || external.line('Immigration', org => 'Boston MA PD'), 'XA-NEWHAVEN')$$, '42710', 'as import ' || import_id || '.*drop_external_audit', 'the same audit is imported once') FROM imported;
SELECT external.refused($$SELECT ctlpr.import_external_audit_text('Else', replace(external.head() || external.line() || external.line('Immigration', org => 'Boston MA PD'), E'\n', E'\r\n') || E'\r\n')$$, '42710', 'as import', '... also with other line ends');

-- Who may
CREATE FUNCTION external.small(n int) RETURNS text LANGUAGE sql AS $$ SELECT format(E'Search Time,Org Name,Reason\n2026-10-05 13:02:03Z,Boston MA PD,x%s\n', n) $$;
GRANT USAGE ON SCHEMA external TO PUBLIC;
SET LOCAL ROLE external_auditor;
SELECT lives_ok($$SELECT ctlpr.import_external_audit_text('Vendor', external.small(1), 'XA-NEWHAVEN')$$, 'an auditor imports the audit of the agency');
SELECT external.refused($$SELECT ctlpr.import_external_audit_text('Vendor', external.small(2), 'XA-GROTON')$$, '42501', 'audits other agencies', '... of no other');
SELECT external.refused($$SELECT ctlpr.import_external_audit_text('Vendor', external.small(2))$$, '42501', 'audits other agencies', '... and none of no agency in particular');
SELECT external.refused($$SELECT ctlpr.import_external_audit('Vendor', '/etc/passwd', 'XA-NEWHAVEN')$$, '42501', 'pg_read_server_files', 'nor a file of the server');
SELECT external.refused($$SELECT ctlpr.read_server_file('/etc/passwd')$$, '42501', 'pg_read_server_files', '... nor reads one');
SELECT external.refused($$SELECT ctlpr.settle_external_agency('Vendor', 'Boston MA PD', 'XA-NEWHAVEN')$$, '42501', 'audits other agencies', '... nor settles names for all');
SELECT is((SELECT count(*) FROM ctlpr.external_searches), 3::bigint, 'sees its searches');
SELECT throws_ok('SELECT * FROM ctlpr.external_search', '42501', NULL, '... by the view alone');
RESET ROLE;
SET LOCAL ROLE external_other;
SELECT is((SELECT count(*) FROM ctlpr.external_searches) + (SELECT count(*) FROM ctlpr.external_audits) + (SELECT count(*) FROM ctlpr.external_rejections) + (SELECT count(*) FROM ctlpr.findings WHERE kind LIKE 'external\_%'), 0::bigint, 'an auditor of another agency sees nothing of it');
SELECT external.refused(format('SELECT %s', c), '42501', 'audits other agencies', 'and cannot: ' || c)
	FROM imported, LATERAL (VALUES (format('ctlpr.drop_external_audit(%s, ''x'')', import_id)), (format('ctlpr.redact_external_plates(%s, ''x'')', import_id)), (format('ctlpr.rescreen_external_audit(%s)', import_id))) AS v (c);
SELECT is(ctlpr.rescreen_external_audit(), 0::bigint, 'screening all screens those that one may');
RESET ROLE;
SET LOCAL ROLE external_all;
SELECT lives_ok($$SELECT ctlpr.import_external_audit_text('Vendor', external.small(3))$$, 'an auditor of all imports one of no agency in particular');
RESET ROLE;
SET LOCAL ROLE external_registrar;
SELECT lives_ok($$SELECT ctlpr.import_external_audit_text('Vendor', external.small(4), 'XA-GROTON')$$, 'a registrar imports for all');
SELECT is((SELECT count(*) FROM ctlpr.external_audits WHERE dropped_at IS NULL), 4::bigint, '... sees the imports');
SELECT throws_ok('SELECT * FROM ctlpr.external_searches', '42501', NULL, '... not the searches');
RESET ROLE;
SET LOCAL ROLE external_admin;
SELECT throws_ok($$SELECT ctlpr.import_external_audit_text('Vendor', external.small(5), 'XA-GROTON')$$, '42501', NULL, 'an administrator imports nothing');
SELECT throws_ok('SELECT * FROM ctlpr.external_audits', '42501', NULL, 'nor sees any');
RESET ROLE;

-- On record
SELECT is((SELECT string_agg(concat_ws(' ', e.role, e.agency_id, e.detail ->> 'function', e.sqlstate), ', ' ORDER BY e.seq) FROM ctlpr.audit_entry e
		   WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND e.entry = 'verdict' AND e.action = 'external_audit' AND e.role LIKE 'external%'),
	'external_auditor XA-NEWHAVEN import_external_audit, external_auditor XA-GROTON import_external_audit 42501, external_auditor import_external_audit 42501, external_auditor settle_external_agency 42501, external_other XA-NEWHAVEN drop_external_audit 42501, '
	'external_other XA-NEWHAVEN redact_external_plates 42501, external_other XA-NEWHAVEN rescreen_external_audit 42501, external_all import_external_audit, external_registrar XA-GROTON import_external_audit', 'imports and refusals are on record');
SELECT is((SELECT detail FROM ctlpr.audit_entry e WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND e.entry = 'verdict' AND e.role = 'external_registrar' AND e.action = 'external_audit') - 'import_id', '{"function": "import_external_audit", "rows": 1, "rejected_lines": 0}'::jsonb, 'with counts');
SELECT is((SELECT count(*) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND to_jsonb(e)::text ~ 'SECRET|ZZ[0-9]|fled'), 0::bigint, 'and nothing of what was imported');
SELECT is((SELECT count(*) FROM ctlpr.audit_entry e WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND e.entry = 'verdict' AND e.action = 'select' AND e.relation = 'ctlpr.external_search' AND e.clause = '14(a)(6)'), 1::bigint, 'that searches were read is on record, once a transaction');

-- Screening
SELECT is((SELECT (s.screen_field, s.screen_action, s.screen_category, s.screen_clause)::text FROM ctlpr.external_search s JOIN imported USING (import_id) WHERE s.line_no = 4), '(reason,refuse,immigration,"13(d)(3)")', 'a reason is screened on import: 13(d)(3)');
SELECT is((SELECT s.screen_action FROM ctlpr.external_search s JOIN imported USING (import_id) WHERE s.line_no = 2), NULL, 'one that reveals nothing is not flagged');
UPDATE ctlpr.external_search s SET screen_action = NULL, screen_category = NULL, screen_clause = NULL, screen_term = NULL, screen_field = NULL FROM imported i WHERE s.import_id = i.import_id AND s.line_no = 4;
UPDATE ctlpr.external_search s SET screen_action = 'refuse', screen_category = 'immigration', screen_clause = '13(d)(3)' FROM imported i WHERE s.import_id = i.import_id AND s.line_no = 2;
SELECT is(ctlpr.rescreen_external_audit(import_id), 1::bigint, 'an import is screened again when terms have changed') FROM imported;
SELECT is((SELECT string_agg(s.line_no || ' ' || coalesce(s.screen_clause, 'none'), ', ' ORDER BY s.line_no) FROM ctlpr.external_search s JOIN imported USING (import_id)), '2 none, 4 13(d)(3)', '... what is found anew is there, what is not found any more is gone');
SELECT external.read(E'Search Time,Org Name,Reason,Offense Type,Case #,Text Prompt\n2026-10-05 13:02:03Z,A,x,Immigration (civil/administrative),,\n2026-10-05 13:02:03Z,A,x,,immigration,\n2026-10-05 13:02:03Z,A,x,,,cars for immigration\n');
SELECT is((SELECT string_agg(screen_field, ', ' ORDER BY line_no) FROM got), 'offense, case_number, text_prompt', 'offense, case number and prompt are screened as well');

-- Findings
SELECT ctlpr.drop_external_audit(import_id, 'the next') FROM ctlpr.external_audit WHERE dropped_at IS NULL;
SELECT ctlpr.file_declaration('XA-BOSTON', 'The Commissioner', '2026-10-04');
SELECT ctlpr.register_contract('XA-VENDOR', 'XA-NEWHAVEN', '2026-09-01');
CREATE TEMP TABLE world AS SELECT ctlpr.import_external_audit_text('Vendor', external.head()
	|| external.line('Immigration', org => 'Houston TX PD') || external.line('immigration check', org => 'Houston TX PD') || external.line('Immigration', org => 'Houston TX PD', at => '09/05/2026, 01:02:03 PM UTC', officer => 'SECRET Other')
	|| external.line(org => 'Boston MA PD', at => '10/03/2026, 01:02:03 PM UTC') || external.line(org => 'Boston MA PD') || external.line(org => 'Dallas TX PD') || external.line(org => 'Plano TX PD') || external.line(org => '[Federal] FBI') || external.line(org => 'Austin Transit') || external.line(org => 'The Vendor') || external.line('seen ZZ999', plate => 'ZZ-999', org => 'Ansonia CT PD')
	|| external.line(org => 'Hamden CT PD', networks => '843') || external.line(org => 'Nowhere', networks => '100')
	|| repeat(external.line('fled', plate => 'ZZ777', org => 'Groton Town CT PD', officer => 'SECRET Three'), 5) || repeat(external.line('fled', plate => 'ZZ778', org => 'Groton Town CT PD'), 4) || repeat(external.line('fled', plate => 'ZZ779', org => 'Groton Town CT PD'), 4) || external.line('fled', '26-1', plate => 'ZZ779', org => 'Groton Town CT PD')
	|| repeat(external.line('', plate => '', org => 'Ansonia CT PD'), 12) || repeat(external.line('fled', plate => '', org => 'Ansonia CT PD'), 9) || repeat(external.line('***', plate => '', org => 'Derby CT PD'), 30), 'XA-NEWHAVEN') AS import_id;
CREATE TEMP TABLE found AS SELECT * FROM ctlpr.external_audit_findings();
SELECT is((SELECT string_agg(format('%s %s %s %s %s', severity, clause, agency_id, officer, substring(finding FROM '^\d+ searches of \S+')), ', ' ORDER BY officer) FROM found WHERE kind = 'external_forbidden_purpose'),
	'violation 13(d)(3) XA-HOUSTON SECRET Officer 2 searches of Houston, info 13(d)(3) XA-HOUSTON SECRET Other 1 searches of Houston', 'forbidden purposes by agency and officer; before the clause binds it is told, and no violation: 13(d)(3)');
SELECT is((SELECT string_agg(format('%s %s %s %s', severity, clause, agency_id, substring(finding FROM '^(.* times) in')), ', ' ORDER BY finding) FROM found WHERE kind = 'external_sharing'),
	'violation 13(d)(6)(C) XA-NEWHAVEN 1 federal agencies searched what agency "XA-NEWHAVEN" shares 1 times, violation 13(d)(6)(C) XA-NEWHAVEN 2 agencies of TX searched what agency "XA-NEWHAVEN" shares 2 times, '
	'violation 13(d)(6)(B) XA-BOSTON agency "XA-BOSTON" searched what agency "XA-NEWHAVEN" shares 1 times, violation 13(d)(6)(C) XA-HOUSTON agency "XA-HOUSTON" searched what agency "XA-NEWHAVEN" shares 3 times, '
	'violation 13(d)(6) XA-TRANSIT agency "XA-TRANSIT" searched what agency "XA-NEWHAVEN" shares 1 times', 'sharing without a basis in force at the time of the search: 13(d)(6)');
SELECT is((SELECT string_agg(finding, ', ') FROM found WHERE kind = 'external_bulk'), format('1 searches of Hamden CT PD in the vendor''s audit %s went over more than 100 networks at once, 843 at most; 1 of them since 13(d)(8) binds', import_id), 'searches of very many networks: 13(d)(8)') FROM world;
SELECT is((SELECT string_agg(format('%s %s %s', agency_id, officer, substring(finding FROM '^.* never with a case')), ', ') FROM found WHERE kind = 'external_repeated_plate'),
	'XA-GROTON SECRET Three one plate was searched for 5 times on 1 days by Groton Town Police, never with a case', 'one plate searched again and again without a case');
SELECT is((SELECT string_agg(substring(finding FROM '^.* a vague one'), ', ') FROM found WHERE kind = 'external_vague_reasons'), format('of 22 searches of Ansonia CT PD in the vendor''s audit %s, 12 state no reason and 0 a vague one', import_id), 'reasons that are mostly missing, not masked ones: 13(b)(1)(B)(ii)(I)') FROM world;
SELECT is((SELECT count(*) FROM found WHERE finding ~ 'ZZ[0-9]|SECRET' OR evidence <> '{}' OR remedy IS NULL OR finding IS NULL OR finding_id IS NULL), 0::bigint, 'no finding names a plate or an officer in its text');
SELECT is((SELECT count(DISTINCT finding_id) FROM found), (SELECT count(*) FROM found), 'each has a number');
SELECT is((SELECT array_agg(f.finding_id ORDER BY f.finding_id) FROM ctlpr.external_audit_findings() f), (SELECT array_agg(finding_id ORDER BY finding_id) FROM found), '... the same at every call');
SET LOCAL ROLE external_auditor;
SELECT is((SELECT count(*) FROM ctlpr.findings WHERE kind LIKE 'external\_%'), 10::bigint, 'the agency''s auditor is told all');
RESET ROLE;

-- Names that somebody settles
SELECT is(ctlpr.settle_external_agency('vendor', ' plano  TX pd', 'XA-HOUSTON'), 1::bigint, 'a name is settled');
SELECT is((SELECT string_agg(DISTINCT s.agency_id, ',') FROM ctlpr.external_search s JOIN world USING (import_id) WHERE s.searching_agency = 'Plano TX PD'), 'XA-HOUSTON', '... in imports that are there');
SELECT is(ctlpr.external_agency('Vendor', 'Plano TX PD'), 'XA-HOUSTON', '... in those to come');
SELECT is(ctlpr.external_agency('Other vendor', 'Plano TX PD'), NULL, '... of that source');
SELECT is(ctlpr.settle_external_agency('Vendor', 'Houston TX PD', NULL), 3::bigint, 'or for none');
SELECT is((SELECT string_agg(DISTINCT concat(s.agency_id, '/', s.searching_state), ',') FROM ctlpr.external_search s JOIN world USING (import_id) WHERE s.searching_agency = 'Houston TX PD'), '/TX', '... which then stands');
SELECT is(ctlpr.settle_external_agency('Vendor', 'Plano TX PD', NULL), 1::bigint, 'and can be settled otherwise');
SELECT is(ctlpr.external_agency('Vendor', 'Plano TX PD'), NULL, '... for those to come, too');
SELECT external.refused($$SELECT ctlpr.settle_external_agency('Vendor', ' ', 'XA-HOUSTON')$$, '22023', 'written', 'a blank name is refused');
SELECT external.refused($$SELECT ctlpr.settle_external_agency('Vendor', 'x', 'XA-NONE')$$, '42704', 'register', 'and an agency that nobody registered');

-- Plates that go, audits that go
SELECT is(ctlpr.redact_external_plates(import_id, 'no longer needed'), 27::bigint, 'plates are taken out: 13(e)(1)') FROM world;
SELECT is((SELECT count(*) FROM ctlpr.external_search s JOIN world USING (import_id) WHERE s.plates IS NOT NULL OR to_jsonb(s)::text ~ 'ZZ[0-9]'), 0::bigint, '... all');
SELECT is((SELECT (s.masked, s.reason)::text FROM ctlpr.external_search s JOIN world USING (import_id) ORDER BY s.line_no LIMIT 1), '({plates},Immigration)', '... and that they were there is told');
SELECT external.refused(format('SELECT ctlpr.drop_external_audit(%s, NULL)', import_id), '22004', 'reason', 'an audit is not dropped without a reason') FROM world;
SELECT external.refused('SELECT ctlpr.drop_external_audit(NULL, ''x'')', '22004', 'import_id', '... nor without its number');
SELECT external.refused('SELECT ctlpr.drop_external_audit(0, ''x'')', '42704', 'external_audits', '... nor one that is not there');
SELECT lives_ok(format('SELECT ctlpr.drop_external_audit(%s, ''read wrong'')', import_id), 'an audit is dropped') FROM world;
SELECT is((SELECT count(*) FROM ctlpr.external_search) + (SELECT count(*) FROM ctlpr.external_rejection), 0::bigint, '... with its lines');
SELECT is((SELECT (a.rows, a.dropped_reason, a.dropped_by IS NOT NULL)::text FROM ctlpr.external_audit a JOIN world USING (import_id)), '(78,"read wrong",t)', '... and stays registered');
SELECT external.refused(format('SELECT ctlpr.drop_external_audit(%s, ''x'')', import_id), '42704', 'external_audits', '... once') FROM world;
SELECT is((SELECT count(*) FROM ctlpr.external_audit_findings()), 0::bigint, '... and its findings are gone');
SELECT ctlpr.import_external_audit_text('Vendor', E'Search Time,Org Name,Reason\n2019-10-05 13:02:03Z,Boston MA PD,x\n', 'XA-NEWHAVEN');
SELECT is((SELECT count(*) FROM ctlpr.external_audit_findings() WHERE kind = 'external_kept'), 0::bigint, 'an old audit is kept where the statute sets no limit');
SELECT ctlpr.adopt_statute('us-va-2025');
SELECT is((SELECT count(*) FROM ctlpr.external_audit_findings() WHERE kind = 'external_kept'), 1::bigint, '... and one past the statute''s limit of a log is told');
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.drop_external_audit(import_id, 'read wrong') FROM ctlpr.external_audit WHERE dropped_at IS NULL;
SELECT is((SELECT e.reason FROM ctlpr.audit_entry e WHERE e.seq > (SELECT b.seq FROM pg_temp.beginning b) AND e.detail ->> 'function' = 'drop_external_audit' AND e.sqlstate IS NULL ORDER BY e.seq DESC LIMIT 1), 'read wrong', '... on record');
SELECT is((SELECT array_agg(c.relname || '.' || a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		   WHERE c.relname LIKE 'external\_%' AND c.relkind IN ('r', 'v') AND c.relnamespace = 'ctlpr'::regnamespace AND col_description(c.oid, a.attnum) IS NULL), NULL, 'every column is explained');
SELECT * FROM finish();
ROLLBACK;

DELETE FROM ctlpr.auditor_binding WHERE role_name LIKE 'external\_%';
DELETE FROM ctlpr.agency WHERE agency_id LIKE 'XA-%';
DELETE FROM ctlpr.statute_adoption;
DROP ROLE external_auditor, external_other, external_all;
