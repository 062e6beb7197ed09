/*
 * external_audit_functions.sql - importing a vendor's audit, and what auditors
 * see of it.
 *
 * What the exports look like was learned from those that agencies released:
 * docs/external-audits.md lists it.  The rule for all of them: what cannot be
 * told is not guessed.  A header that is not recognized, columns that do not
 * hold what their labels say, times without a zone that nobody stated are
 * errors, and nothing is stored; single lines that cannot be read are counted
 * and kept by number.  No message carries anything that stands in the file.
 */

CREATE FUNCTION ctlpr.read_server_file(path text) RETURNS bytea
	AS 'MODULE_PATHNAME', 'ctlpr_read_server_file' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.read_server_file(text) IS 'Internal: a file of the server, for callers with the privileges of pg_read_server_files, as COPY demands';

CREATE FUNCTION ctlpr.split_records(content text, delimiter text, from_byte bigint, from_line bigint, count int)
	RETURNS TABLE (line_no bigint, cells text[], flaw text, next_byte bigint, next_line bigint)
	AS 'MODULE_PATHNAME', 'ctlpr_split_records' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE NOT LEAKPROOF ROWS 20000;
COMMENT ON FUNCTION ctlpr.split_records(text, text, bigint, bigint, int) IS
	'Internal: so many records of delimited text (RFC 4180) from a byte and its line on: first line, cells or what is wrong with the quotes, and where the next one begins';

CREATE FUNCTION ctlpr.external_time(written text, time_zone text) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'ctlpr_external_time' LANGUAGE C STABLE PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.external_time(text, text) IS 'Internal: a time as vendors'' audits write it, in this zone if it names none (src/audit_time.h); NULL: not read';

CREATE FUNCTION ctlpr.external_time_frame(written text, time_zone text) RETURNS tstzrange
	AS 'MODULE_PATHNAME', 'ctlpr_external_time_frame' LANGUAGE C STABLE PARALLEL SAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.external_time_frame(text, text) IS
	'Internal: from when to when reads were searched, two lines or one with "to" or a dash between; NULL: not read, or its end is before its start';

CREATE FUNCTION ctlpr.external_reading() RETURNS boolean
	AS 'MODULE_PATHNAME', 'ctlpr_external_reading' LANGUAGE C STABLE PARALLEL UNSAFE NOT LEAKPROOF;
COMMENT ON FUNCTION ctlpr.external_reading() IS 'True, once it is on record, once a transaction, that the acting role reads what was imported of vendors'' audits';

/*
 * external_column(label) - what a column under this label holds.
 *
 * Result: the name of a column of ctlpr.external_search, search_date for a
 * date that stands apart from its time, or NULL: unknown.
 */
CREATE FUNCTION ctlpr.external_column(label text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
	RETURN '{
		"searchtime": "searched_at", "searchdatetime": "searched_at", "searchedat": "searched_at", "searchtimestamp": "searched_at", "timeofsearch": "searched_at", "timestamp": "searched_at", "datetime": "searched_at", "time": "searched_at",
		"searchdate": "search_date", "dateofsearch": "search_date", "date": "search_date",
		"orgname": "searching_agency", "org": "searching_agency", "organization": "searching_agency", "organizationname": "searching_agency", "agency": "searching_agency", "agencyname": "searching_agency", "searchingagency": "searching_agency", "searchingorg": "searching_agency", "searchingorgname": "searching_agency", "searchingorgslug": "searching_agency", "searchingorganization": "searching_agency",
		"name": "officer", "username": "officer", "user": "officer", "userid": "officer", "officer": "officer", "officername": "officer", "searchedby": "officer", "searcher": "officer",
		"totalnetworkssearched": "networks", "networkssearched": "networks", "networks": "networks", "networkcount": "networks", "totalnetworks": "networks",
		"totaldevicessearched": "devices", "devicessearched": "devices", "devices": "devices", "devicecount": "devices", "totaldevices": "devices", "camerassearched": "devices",
		"licenseplate": "plates", "licenseplates": "plates", "plate": "plates", "plates": "plates", "platenumber": "plates", "lp": "plates",
		"reason": "reason", "searchreason": "reason", "reasonforsearch": "reason",
		"case": "case_number", "caseno": "case_number", "casenum": "case_number", "casenumber": "case_number", "caseid": "case_number",
		"offense": "offense", "offensetype": "offense", "offence": "offense", "offencetype": "offense",
		"timeframe": "time_frame", "searchtimeframe": "time_frame", "daterange": "time_frame", "searchwindow": "time_frame",
		"filters": "filters", "filter": "filters", "searchfilters": "filters",
		"searchtype": "search_type", "type": "search_type", "typeofsearch": "search_type",
		"textprompt": "text_prompt", "prompt": "text_prompt", "freeformprompt": "text_prompt",
		"moderation": "moderation", "moderationresult": "moderation",
		"id": "vendor_id", "searchid": "vendor_id", "uuid": "vendor_id", "auditid": "vendor_id"
	}'::pg_catalog.jsonb ->> pg_catalog.regexp_replace(pg_catalog.lower(label), '[^a-z]', '', 'g');
COMMENT ON FUNCTION ctlpr.external_column(text) IS 'Internal: which column of a vendor''s audit bears this label; NULL: unknown';

/*
 * is_redaction(written) - a cell holds a mask in place of a value: stars,
 * number signs, boxes, the word, or the exemption that is cited for it.
 *
 * A star within a longer value is no mask: it is what the searcher left open.
 */
CREATE FUNCTION ctlpr.is_redaction(written text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
	RETURN pg_catalog.btrim(written) ~* '^(\*{2,}|\*( +\*)+|#{2,}|x{4,}|[^[:ascii:][:alpha:] ]{2,}|[[({<]?(redacted|withheld|masked|confidential)[])}>]?|((exempt|withheld|redacted)[^a-z]*(under|per|pursuant to)?[^a-z]*)?(c\.?g\.?s\.?|conn\.? gen\.? stat\.?|foi?a?|gov(\.|ernment)? code|gc)[^a-z0-9]*(sec(tion|s?\.)?)?[^a-z0-9]*[0-9][0-9.-]*( *\([0-9a-z]{1,3}\))*|[0-9][0-9.]*[0-9] gc)$';
COMMENT ON FUNCTION ctlpr.is_redaction(text) IS 'Internal: a cell of a vendor''s audit holds a redaction mask in place of a value';

/*
 * case_number_in(reason) - a case number that stands in a reason.
 *
 * One that is called so ("case # 1234", "CFS 26-123"), or one that begins with
 * a year: 26-10423, 2026-00012345, SO26-1286, 2601050160, as the whole reason
 * where nothing parts the year from the rest.  Sections of a code, telephone
 * numbers and dates are none.  Result: as written; NULL: there is none.
 */
CREATE FUNCTION ctlpr.case_number_in(reason text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
	RETURN coalesce(
		(pg_catalog.regexp_match(reason, '(?:^|[^A-Za-z])(?:case|cfs|incident|report|rpt|cad|call for service)\s*(?:no\.?|num\.?|number|nbr\.?)?\s*[#:]?\s*#?\s*([A-Z]{0,4}-?[0-9]{2,4}-[0-9]{2,8}(?:-[0-9]{1,4})?|[A-Z]{0,4}[0-9]{4,12})(?![A-Za-z0-9/-])', 'i'))[1],
		(pg_catalog.regexp_match(reason, '(?<![A-Za-z0-9/.-])([A-Za-z]{0,4}-?(?:20)?(?:1[5-9]|2[0-9]|3[0-9])-[0-9]{3,8}(?:-[0-9]{1,4})?)(?![A-Za-z0-9/-])'))[1],
		(pg_catalog.regexp_match(reason, '^\s*#?\s*([A-Za-z]{0,4}(?:20)?(?:1[5-9]|2[0-9]|3[0-9])[0-9]{5,8})\s*$'))[1]);
COMMENT ON FUNCTION ctlpr.case_number_in(text) IS 'Internal: a case number that stands in a stated reason, as written; NULL: none';

/*
 * offense_in(reason) - the category with which a reason from a drop-down list
 * begins, "Category - text", of those that the vendor's list has.
 */
CREATE FUNCTION ctlpr.offense_in(reason text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
	RETURN pg_catalog.btrim((pg_catalog.regexp_match(reason, '^\s*((?:Alcohol|Animal|Assault/Battery|Assault|Bribery|Burglary|Child Abuse|City Planning|Counterfeiting|Criminal Motor Vehicle|Curfew|Destruction|Disorderly|Disturbing|Driving Under|Drugs|Extortion|Financial Crime|Fraud|Gambling|Hit and Run|Homicide|Human Trafficking|Illegal Dumping|Immigration|Indecent Exposure|Juvenile|Kidnapping|Larceny|Missing|Motor Vehicle Theft|Obstructing|Pornography|Prostitution|Protective|Robbery|Sex Offenses|Stalking|Stolen Property|Terrorism|Threats|Traffic Infraction|Trespass|Vandalism|Wanted Person|Weapons Offense|Welfare Check|Arson)[^-]{0,60}?)\s+-(?:\s|$)'))[1]);
COMMENT ON FUNCTION ctlpr.offense_in(text) IS 'Internal: the category with which a reason from a drop-down list begins; NULL: none';

/*
 * external_agency_state(written) - the state that an agency's name tells:
 * Putnam CT PD, new-haven-ct-pd, Connecticut State Police.
 *
 * Of several abbreviations the last counts: La Mesa CA PD, lake-in-the-hills-il-pd.
 * Result: two letters, US where the name is that of a federal agency; NULL: unknown.
 */
CREATE FUNCTION ctlpr.external_agency_state(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN written ~* '[[(]federal[])]|^\W*(us|u\.s\.|united states|usms|fbi|dea|atf|ice|hsi|cbp|usss|uspis|ncis|dhs|naval|national park|homeland security investigations|department of homeland|customs and border|immigration and customs|drug enforcement admin|federal (bureau|protective)|border patrol|secret service)\M' THEN 'US'
		ELSE coalesce(
			(SELECT upper(m[1]) FROM regexp_matches(CASE WHEN written = lower(written) THEN upper(written) ELSE written END,
				'\m(AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY)\M', 'g') WITH ORDINALITY AS f (m, n)
			 ORDER BY n DESC LIMIT 1),
			(SELECT v.state FROM (VALUES ('connecticut', 'CT'), ('massachusetts', 'MA'), ('new york', 'NY'), ('rhode island', 'RI'), ('new hampshire', 'NH'), ('vermont', 'VT'), ('maine', 'ME'),
										 ('new jersey', 'NJ'), ('pennsylvania', 'PA'), ('california', 'CA'), ('florida', 'FL'), ('texas', 'TX'), ('virginia', 'VA'), ('georgia', 'GA'), ('illinois', 'IL'), ('ohio', 'OH')) AS v (name, state)
			 WHERE translate(lower(written), '-_', '  ') ~ ('^' || v.name || ' (state|highway|department|dept|attorney|bureau|division|office)\M')))
	END
$$;
COMMENT ON FUNCTION ctlpr.external_agency_state(text) IS 'Internal: the state that an agency''s name as written tells, US for federal; NULL: unknown';

/*
 * external_agency_key(written) - what is left of an agency's name without
 * state, kind and forms: "Town of Groton CT PD", "groton-ct-pd" and "Groton
 * Police Department" are one.
 */
CREATE FUNCTION ctlpr.external_agency_key(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(CASE WHEN w IN ('sheriff', 'sheriffs', 'so') THEN 'so' ELSE w END, ' ' ORDER BY n)
	FROM regexp_split_to_table(regexp_replace(regexp_replace(lower(written), '\[[^]]*\]|\([^)]*\)|''', '', 'g'), '[^[:alnum:]]+', ' ', 'g'), ' ') WITH ORDINALITY AS f (w, n)
	WHERE w <> '' AND w NOT IN ('pd', 'police', 'department', 'dept', 'of', 'the', 'town', 'city', 'office', lower(coalesce(ctlpr.external_agency_state(written), '')))
$$;
COMMENT ON FUNCTION ctlpr.external_agency_key(text) IS 'Internal: what is left of an agency''s name without state, kind and forms';

/*
 * external_agency(source, written) - the registered agency that a name in a
 * vendor's audits stands for.
 *
 * What was settled by hand decides.  Otherwise its identifier or its name as it
 * is registered, or a name that differs in its form only, if no other agency
 * has it too and the states agree.  Result: NULL where that is not certain.
 */
CREATE FUNCTION ctlpr.external_agency(source text, written text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	settled ctlpr.external_agency_name;
	told    text := ctlpr.external_agency_state(written);
	result  text[];
BEGIN
	SELECT * INTO settled FROM ctlpr.external_agency_name n
		WHERE n.source = ctlpr.plain_name(external_agency.source) AND n.written = ctlpr.plain_name(external_agency.written);
	IF FOUND THEN
		RETURN settled.agency_id;
	END IF;
	SELECT array_agg(a.agency_id) INTO result FROM ctlpr.agency a WHERE lower(a.agency_id) = ctlpr.plain_name(external_agency.written) OR ctlpr.plain_name(a.name) = ctlpr.plain_name(external_agency.written);
	IF result IS NULL THEN
		SELECT array_agg(a.agency_id) INTO result FROM ctlpr.agency a
			WHERE a.kind <> 'vendor' AND ctlpr.external_agency_key(a.name) = ctlpr.external_agency_key(external_agency.written)
				AND (a.state = told OR told IS NULL);
	END IF;
	RETURN CASE WHEN cardinality(result) = 1 THEN result[1] END;
END
$$;
COMMENT ON FUNCTION ctlpr.external_agency(text, text) IS 'Internal: the registered agency that a name in a vendor''s audits stands for; NULL: not certain';

/*
 * check_external_access(agency_id, what) - the acting role may import, screen
 * or drop audits of the agency: a registrar, or an auditor of it; of no agency
 * in particular, one of all.
 *
 * what: the function that asks, for the record.  Errors: 42501, recorded.
 */
CREATE FUNCTION ctlpr.check_external_access(agency_id text, what text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF pg_has_role(ctlpr.outer_role(), 'ctlpr_registrar', 'USAGE') OR ctlpr.auditor_sees(check_external_access.agency_id, NULL) THEN
		RETURN;
	END IF;
	PERFORM ctlpr.record_event('external_audit', agency_id => check_external_access.agency_id, clause => '14(a)(6)', sqlstate => '42501', detail => jsonb_build_object('function', what));
	RAISE EXCEPTION USING ERRCODE = '42501',
		MESSAGE = 'the role audits other agencies',
		HINT = 'An auditor works with audits of the agencies that ctlpr.bind_auditor() names, a registrar with all; an audit of no agency in particular is for auditors of all.';
END
$$;
COMMENT ON FUNCTION ctlpr.check_external_access(text, text) IS 'Internal: errors, recorded, unless the acting role may work with vendors'' audits of the agency';

/*
 * external_content(content) - the bytes of an export as text.
 *
 * encoding: what they were read in: UTF-8, or where they are none, Windows-1252
 * or Latin-1.  The text has no byte order mark.
 * Errors: 22P04, 22021 a spreadsheet, a PDF, UTF-16, anything with zero bytes.
 */
CREATE FUNCTION ctlpr.external_content(content bytea, OUT result text, OUT encoding text)
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF substr(content, 1, 2) IN ('\x504b', '\xd0cf') OR substr(content, 1, 4) = '\x25504446' THEN
		RAISE EXCEPTION USING ERRCODE = '22P04',
			MESSAGE = 'the audit is a spreadsheet or a PDF, not text',
			HINT = 'Export it from the vendor''s system as CSV, or save the sheet as CSV (UTF-8).';
	END IF;
	IF substr(content, 1, 2) IN ('\xfffe', '\xfeff') OR position('\x00'::bytea IN substr(content, 1, 10000)) > 0 THEN
		RAISE EXCEPTION USING ERRCODE = '22021',
			MESSAGE = 'the audit is in UTF-16, or is no text',
			HINT = 'Save it as CSV (UTF-8).';
	END IF;
	IF substr(content, 1, 3) = '\xefbbbf' THEN
		content := substr(content, 4);
	END IF;
	FOREACH encoding IN ARRAY '{UTF8,WIN1252,LATIN1}'::text[] LOOP
		BEGIN
			result := convert_from(content, encoding);
			RETURN;
		EXCEPTION
			WHEN character_not_in_repertoire THEN
				NULL;		-- is not in this encoding: the next one
			WHEN untranslatable_character THEN
				EXIT WHEN encoding = 'UTF8';	-- is, and cannot be held here
		END;
	END LOOP;
	RAISE EXCEPTION USING ERRCODE = '22021',
		MESSAGE = 'the audit has characters that this database cannot hold, or is no text',
		HINT = 'Save it as CSV (UTF-8), and import it into a database of that encoding.';
END
$$;
COMMENT ON FUNCTION ctlpr.external_content(bytea) IS 'Internal: the bytes of a vendor''s audit as text, and the encoding that they were read in';

/*
 * external_header(content, stated) - where the header of an export is, and
 * what its columns hold.
 *
 * stated: labels that the import states in place of the header's, NULL or
 * empty for a column to be left out; a header that stands in the file is then
 * passed over.  The header is the first of the first 30 records with a column of search
 * times and one other that is known; the delimiter is the one under which it has
 * most known columns.
 * Result: delimiter; columns: what each holds, '' unknown; header_line, NULL: no
 * header; from_byte, from_line: where the searches begin.
 * Errors: 22P04 not recognized; 22023 labels stated that are not known.
 */
CREATE FUNCTION ctlpr.external_header(content text, stated text[], OUT delimiter text, OUT columns text[], OUT header_line bigint, OUT from_byte bigint, OUT from_line bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	candidate text;
	head      record;
	named     text[];
	known     int;
	most      int := 1;
	twice     text;
BEGIN
	FOREACH candidate IN ARRAY ARRAY[',', E'\t', ';', '|'] LOOP
		FOR head IN SELECT r.line_no, r.cells, r.next_byte, r.next_line FROM ctlpr.split_records(content, candidate, 0, 1, 30) r WHERE r.flaw IS NULL LOOP
			SELECT array_agg(coalesce(ctlpr.external_column(c.label), '') ORDER BY c.n), count(ctlpr.external_column(c.label)) INTO named, known
				FROM unnest(head.cells) WITH ORDINALITY AS c (label, n);
			IF known > most AND named && '{searched_at,search_date}' THEN
				delimiter := candidate;
				columns := named;
				header_line := head.line_no;
				from_byte := head.next_byte;
				from_line := head.next_line;
				most := known;
			END IF;
		END LOOP;
	END LOOP;
	IF stated IS NOT NULL THEN
		-- the delimiter that gives most records so many cells
		SELECT array_agg(coalesce(ctlpr.external_column(c.label), '') ORDER BY c.n) INTO columns FROM unnest(stated) WITH ORDINALITY AS c (label, n);
		IF delimiter IS NULL THEN
			SELECT d.d INTO delimiter FROM unnest(ARRAY[',', E'\t', ';', '|']) WITH ORDINALITY AS d (d, n) CROSS JOIN LATERAL ctlpr.split_records(content, d.d, 0, 1, 30) r
				WHERE cardinality(r.cells) >= cardinality(columns) GROUP BY d.d, d.n ORDER BY count(*) DESC, d.n LIMIT 1;
			delimiter := coalesce(delimiter, ',');
			from_byte := 0;
			from_line := 1;
		END IF;
		IF EXISTS (SELECT FROM unnest(stated) AS label WHERE btrim(label) <> '' AND ctlpr.external_column(label) IS NULL) OR NOT columns && '{searched_at,search_date}' THEN
			RAISE EXCEPTION USING ERRCODE = '22023',
				MESSAGE = 'the stated columns are not all known, or none is the time of the search',
				HINT = 'Known labels are ID, Name, Org Name, Total Networks Searched, Total Devices Searched, Time Frame, License Plate, Reason, Case #, Filters, Search Date, Search Time, Search Type, Text Prompt, Moderation, Offense Type; state an empty one for a column to be left out.';
		END IF;
	ELSIF columns IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22P04',
			MESSAGE = 'the audit has no header that is known',
			DETAIL = 'Expected within the first 30 records, counted from line 1: a line with "Search Time" and others of ID, Name, Org Name, Total Networks Searched, Total Devices Searched, Time Frame, License Plate, Reason, Case #, Filters, Search Type, Text Prompt, Moderation, Offense Type, parted by commas, semicolons or tabs.',
			HINT = 'State the labels of its columns in the argument "columns".';
	END IF;
	SELECT c.c INTO twice FROM unnest(columns) AS c (c) WHERE c.c <> '' GROUP BY c.c HAVING count(*) > 1 LIMIT 1;
	IF twice IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22P04',
			MESSAGE = format('two columns are both "%s"', twice),
			DETAIL = format('The header is on line %s.', coalesce(header_line, 1)),
			HINT = 'State the labels in the argument "columns", an empty one for what is to be left out.';
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.external_header(text, text[]) IS 'Internal: where the header of a vendor''s audit is, and what its columns hold';

/*
 * check_external_columns(...) - the columns hold what their labels say.
 *
 * Whoever deletes a column in a spreadsheet may leave its label behind, and all
 * that follows stands one to the left: a phantom header.  A case number read as a
 * reason would be a false finding, so the first 500 records are looked at, and what
 * does not fit is an error.
 * Errors: 22P04; 22023 times without a zone.
 */
CREATE FUNCTION ctlpr.check_external_columns(content text, delimiter text, columns text[], header_line bigint, from_byte bigint, from_line bigint, time_zone text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	misfit  record;
	looked  bigint;
	fewest  bigint;
	unzoned bigint;
	at_time int := array_position(columns, 'searched_at');
	at_date int := array_position(columns, 'search_date');
	hint    text := 'A label may have been left behind where its column was deleted. Correct the header, or state the labels of the columns that are there in the argument "columns".';
BEGIN
	SELECT count(*), count(*) FILTER (WHERE cardinality(r.cells) < cardinality(columns)) INTO looked, fewest
		FROM ctlpr.split_records(content, delimiter, from_byte, from_line, 500) r WHERE cardinality(r.cells) > 1;
	IF looked > 0 AND fewest = looked THEN
		RAISE EXCEPTION USING ERRCODE = '22P04',
			MESSAGE = 'the header has more columns than the lines below it',
			DETAIL = format('It has %s, on line %s.', cardinality(columns), coalesce(header_line, 1)),
			HINT = hint;
	END IF;
	FOR misfit IN
		SELECT c.name, count(*) FILTER (WHERE x.misfit) AS bad, count(*) AS filled, min(r.line_no) FILTER (WHERE x.misfit) AS first_line
		FROM ctlpr.split_records(content, delimiter, from_byte, from_line, 500) r
		CROSS JOIN unnest(columns) WITH ORDINALITY AS c (name, n)
		CROSS JOIN LATERAL (SELECT btrim(r.cells[c.n], E' \t\n')) AS v (cell)
		CROSS JOIN LATERAL (SELECT CASE
			WHEN c.name IN ('searched_at', 'search_date') AND at_time IS NOT NULL AND at_date IS NOT NULL
				THEN ctlpr.external_time(concat_ws(' ', r.cells[at_date], r.cells[at_time]), coalesce(time_zone, 'UTC')) IS NULL
			WHEN c.name = 'searched_at' THEN ctlpr.external_time(v.cell, coalesce(time_zone, 'UTC')) IS NULL
			WHEN c.name IN ('networks', 'devices') THEN v.cell !~ '^[0-9]{1,3}(,?[0-9]{3})*$'
			WHEN c.name IN ('searching_agency', 'officer', 'reason', 'case_number', 'plates', 'search_type', 'offense', 'filters', 'text_prompt', 'moderation')
				THEN v.cell ~ '^([0-9]{1,2}/[0-9]{1,2}/[0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2}T)' END) AS x (misfit)
		WHERE cardinality(r.cells) > 1 AND v.cell <> '' AND NOT ctlpr.is_redaction(v.cell)
		GROUP BY c.n, c.name HAVING count(*) FILTER (WHERE x.misfit) * 2 > count(*) ORDER BY c.n LIMIT 1
	LOOP
		RAISE EXCEPTION USING ERRCODE = '22P04',
			MESSAGE = format('the column "%s" does not hold what its label says', misfit.name),
			DETAIL = format('%s of the first %s that are filled do not, first on line %s.', misfit.bad, misfit.filled, misfit.first_line),
			HINT = hint;
	END LOOP;
	IF time_zone IS NULL THEN
		SELECT min(r.line_no) INTO unzoned FROM ctlpr.split_records(content, delimiter, from_byte, from_line, 500) r
			CROSS JOIN LATERAL (SELECT concat_ws(' ', r.cells[at_date], r.cells[at_time])) AS v (cell)
			WHERE ctlpr.external_time(v.cell, NULL) IS NULL AND ctlpr.external_time(v.cell, 'UTC') IS NOT NULL;
		IF unzoned IS NOT NULL THEN
			RAISE EXCEPTION USING ERRCODE = '22023',
				MESSAGE = 'the audit has times without a time zone',
				DETAIL = format('The first is on line %s.', unzoned),
				HINT = 'State "time_zone" as the vendor''s documentation has it: UTC for most exports, or a name such as America/New_York.';
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION ctlpr.check_external_columns(text, text, text[], bigint, bigint, bigint, text) IS 'Internal: errors unless the columns of a vendor''s audit hold what their labels say';

/*
 * screen_external_searches(import_id) - has the texts of an import screened,
 * each distinct one once, and stores the decisive finding of each search.
 *
 * A refusal in any text comes before a flag, and the reason before the others.
 * Right after an import the planner knows nothing of its size, so loops over
 * half a million rows within each other are ruled out.  That an offense or a case number is vague, or is a number only, is no flaw.
 */
CREATE FUNCTION ctlpr.screen_external_searches(import_id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
AS $$
BEGIN
	WITH texts AS (
		SELECT DISTINCT f.field, f.written FROM ctlpr.external_search s
		CROSS JOIN LATERAL (VALUES ('reason', s.reason), ('offense', s.offense), ('case_number', CASE WHEN NOT s.case_from_reason THEN s.case_number END), ('text_prompt', s.text_prompt)) AS f (field, written)
		WHERE s.import_id = screen_external_searches.import_id AND f.written IS NOT NULL
	), screened AS MATERIALIZED (
		SELECT t.field, t.written, r.action, r.category, r.clause, r.term FROM texts t CROSS JOIN LATERAL ctlpr.screen_reason(t.written) r
		WHERE t.field = 'reason' OR r.category NOT IN ('vague', 'case_number_only')
	), decided AS MATERIALIZED (
		SELECT DISTINCT ON (s.line_no) s.line_no, q.field, q.action, q.category, q.clause, q.term
		FROM ctlpr.external_search s
		CROSS JOIN LATERAL (VALUES (1, 'reason', s.reason), (2, 'offense', s.offense), (3, 'case_number', CASE WHEN NOT s.case_from_reason THEN s.case_number END), (4, 'text_prompt', s.text_prompt)) AS f (rank, field, written)
		JOIN screened q ON q.field = f.field AND q.written = f.written
		WHERE s.import_id = screen_external_searches.import_id
		ORDER BY s.line_no, q.action <> 'refuse', f.rank
	)
	UPDATE ctlpr.external_search u
		SET screen_field = d.field, screen_action = d.action, screen_category = d.category, screen_clause = d.clause, screen_term = d.term
		FROM (SELECT s.line_no, d.field, d.action, d.category, d.clause, d.term FROM ctlpr.external_search s LEFT JOIN decided d USING (line_no)
			  WHERE s.import_id = screen_external_searches.import_id
				AND (s.screen_field, s.screen_action, s.screen_category, s.screen_clause, s.screen_term) IS DISTINCT FROM (d.field, d.action, d.category, d.clause, d.term)) d
		WHERE u.import_id = screen_external_searches.import_id AND u.line_no = d.line_no;
	UPDATE ctlpr.external_audit a SET screened_at = now() WHERE a.import_id = screen_external_searches.import_id;
END
$$;
COMMENT ON FUNCTION ctlpr.screen_external_searches(bigint) IS 'Internal: has the texts of an import screened and stores what is found';

/*
 * import_external_audit_bytes(source, content, agency_id, time_zone, columns,
 * file_name) - import an audit that a vendor exported.
 *
 * source: whose system it is of; content: the file's bytes; agency_id: whose
 * audit it is; time_zone: of times that name none; columns: labels in place of
 * the header's; file_name: for the register.
 * Result: number of the import.  A NOTICE tells of the progress at every 100,000
 * lines.  Nothing is stored unless all is.
 * Errors: 22004, 22023, 22001 an argument; 22P04 not recognized, or more lines are
 * rejected than read; 22021 its encoding; 42501 not the acting role's to import,
 * recorded; 42704 agency unknown; 42710 imported already.
 * The server log does not quote the statement, which may hold the audit.
 * Clause: 14(a)(6).
 */
CREATE FUNCTION ctlpr.import_external_audit_bytes(source text, content bytea, agency_id text DEFAULT NULL, time_zone text DEFAULT NULL, columns text[] DEFAULT NULL, file_name text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET log_min_error_statement = panic
AS $$
DECLARE
	body        text;
	read_as     text;
	head        record;
	digest      bytea := sha256(content);
	body_digest bytea;
	zone        text := import_external_audit_bytes.time_zone;
	earlier     bigint;
	result      bigint;
	labels      text[];
	told        bigint := 100000;
	batch       record;
	read_rows   bigint := 0;
	lost        bigint := 0;
	headers     bigint := 0;
	own_header  text[];		-- as written
	words       text[];		-- one of which stands in a header
	cells_fewer bigint := 0;
	frames_lost bigint := 0;
	first_at    timestamptz;
	last_at     timestamptz;
	remarks     text[] := '{}';
	at_byte     bigint;
	at_line     bigint;
	p_time      int;
	p_date      int;
	p_agency    int;
	p_officer   int;
	p_networks  int;
	p_devices   int;
	p_plates    int;
	p_reason    int;
	p_case      int;
	p_offense   int;
	p_frame     int;
	p_filters   int;
	p_type      int;
	p_prompt    int;
	p_moderated int;
	p_vendor_id int;
BEGIN
	PERFORM ctlpr.check_text('source', import_external_audit_bytes.source);
	IF import_external_audit_bytes.agency_id IS NOT NULL THEN
		PERFORM ctlpr.check_agency(import_external_audit_bytes.agency_id);
	END IF;
	PERFORM ctlpr.check_external_access(import_external_audit_bytes.agency_id, 'import_external_audit');
	IF content IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument "content" must not be null', HINT = 'State the content of the exported file.';
	END IF;
	IF import_external_audit_bytes.file_name IS NOT NULL THEN
		PERFORM ctlpr.check_text('file_name', import_external_audit_bytes.file_name);
	END IF;
	IF zone IS NOT NULL AND NOT EXISTS (SELECT FROM pg_timezone_names z WHERE lower(z.name) = lower(zone)) THEN
		RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'argument "time_zone" is no time zone', HINT = 'State a name of pg_timezone_names, such as UTC or America/New_York.';
	END IF;
	SELECT c.result, c.encoding INTO body, read_as FROM ctlpr.external_content(content) c;
	body_digest := sha256(convert_to(rtrim(replace(replace(body, E'\r\n', E'\n'), E'\r', E'\n'), E' \n\t'), 'UTF8'));
	SELECT * INTO head FROM ctlpr.external_header(body, import_external_audit_bytes.columns);
	labels := head.columns;
	PERFORM ctlpr.check_external_columns(body, head.delimiter, labels, head.header_line, head.from_byte, head.from_line, zone);
	SELECT r.cells INTO own_header FROM ctlpr.split_records(body, head.delimiter, 0, 1, 30) r WHERE r.line_no = head.header_line;
	words := ARRAY['Search Time', 'Search Date', 'Search Date/Time', 'search_time', 'Org Name', 'License Plate', 'Reason'] || array_remove(own_header, '');
	p_time := array_position(labels, 'searched_at');
	p_date := array_position(labels, 'search_date');
	p_agency := array_position(labels, 'searching_agency');
	p_officer := array_position(labels, 'officer');
	p_networks := array_position(labels, 'networks');
	p_devices := array_position(labels, 'devices');
	p_plates := array_position(labels, 'plates');
	p_reason := array_position(labels, 'reason');
	p_case := array_position(labels, 'case_number');
	p_offense := array_position(labels, 'offense');
	p_frame := array_position(labels, 'time_frame');
	p_filters := array_position(labels, 'filters');
	p_type := array_position(labels, 'search_type');
	p_prompt := array_position(labels, 'text_prompt');
	p_moderated := array_position(labels, 'moderation');
	p_vendor_id := array_position(labels, 'vendor_id');
	IF '' = ANY (labels) THEN
		remarks := remarks || format('columns that are not known were left out: %s', (SELECT string_agg(c.n::text, ', ' ORDER BY c.n) FROM unnest(labels) WITH ORDINALITY AS c (c, n) WHERE c.c = ''));
	END IF;
	IF head.header_line > 1 THEN
		remarks := remarks || format('lines 1 to %s, above the header, were left out', head.header_line - 1);
	END IF;
	IF p_agency IS NULL THEN
		remarks := remarks || 'no column names who searched: all searches are taken for the import''s agency''s own'::text;
	END IF;
	IF p_reason IS NULL THEN
		remarks := remarks || 'it has no column of reasons'::text;
	END IF;

	-- One that brings the same audit at the same time waits here for the other's end.
	INSERT INTO ctlpr.external_audit AS a (source, agency_id, file_name, sha256, content_sha256, bytes, encoding, delimiter, form, columns, header_line, time_zone)
		VALUES (import_external_audit_bytes.source, import_external_audit_bytes.agency_id, import_external_audit_bytes.file_name, digest, body_digest, octet_length(content), read_as, head.delimiter,
				format('%s audit, %s columns', CASE WHEN p_agency IS NULL THEN 'organization' ELSE 'network' END, cardinality(labels)), labels, head.header_line, zone)
		ON CONFLICT DO NOTHING
		RETURNING a.import_id INTO result;
	IF result IS NULL THEN
		SELECT a.import_id INTO earlier FROM ctlpr.external_audit a WHERE a.dropped_at IS NULL AND (a.sha256 = digest OR a.content_sha256 = body_digest) LIMIT 1;
		RAISE EXCEPTION USING ERRCODE = '42710',
			MESSAGE = format('this audit was imported before, as import %s', coalesce(earlier::text, 'of another session')),
			HINT = 'To read it anew, take that one out first with ctlpr.drop_external_audit().';
	END IF;

	at_byte := head.from_byte;
	at_line := head.from_line;
	LOOP
		WITH raw AS MATERIALIZED (
			SELECT r.line_no, r.cells, r.flaw, r.next_byte, r.next_line FROM ctlpr.split_records(body, head.delimiter, at_byte, at_line, 20000) r
		), told_apart AS MATERIALIZED (
			SELECT r.line_no, r.cells, r.flaw,
				-- a header again: the same, or one of other columns, behind which nothing would be read right
				CASE WHEN r.cells && words AND (SELECT count(ctlpr.external_column(l.label)) FROM unnest(r.cells) AS l (label)) > 2
					 THEN CASE WHEN r.cells = own_header OR (SELECT bool_and(coalesce(ctlpr.external_column(l.label), '') = coalesce(labels[l.n], '')) FROM unnest(r.cells) WITH ORDINALITY AS l (label, n)) THEN 'same' ELSE 'other' END
					 ELSE 'none' END AS header,
				ctlpr.external_time(concat_ws(' ', r.cells[p_date], r.cells[p_time]), zone) AS searched_at
			FROM raw r
			WHERE r.flaw IS NOT NULL OR btrim(array_to_string(r.cells, ''), E' \t\n') <> ''
		), judged AS MATERIALIZED (
			SELECT t.*, CASE
				WHEN t.flaw IS NOT NULL THEN t.flaw
				WHEN btrim(array_to_string(t.cells[cardinality(labels) + 1:], ''), E' \t\n') <> '' THEN 'too_many_cells'
				WHEN btrim(concat(t.cells[p_date], t.cells[p_time]), E' \t\n') = '' THEN 'no_search_time'
				WHEN t.searched_at IS NULL THEN 'search_time_not_read'
				WHEN t.searched_at < '2005-01-01 00:00+00' OR t.searched_at > now() + interval '1 day' THEN 'search_time_out_of_range' END AS cause
			FROM told_apart t WHERE t.header = 'none'
		), bare AS MATERIALIZED (
			-- cells without blanks around them; a mask is no value
			SELECT j.line_no, j.searched_at, cardinality(j.cells) < cardinality(labels) AS fewer, array_remove(array_agg(CASE WHEN v.masked THEN nullif(labels[v.n], '') END), NULL) AS masked,
				array_agg(CASE WHEN NOT v.masked THEN nullif(v.cell, '') END ORDER BY v.n) AS cells
			FROM judged j CROSS JOIN LATERAL (SELECT c.n, btrim(c.cell, E' \t\n'), c.cell <> '' AND ctlpr.is_redaction(c.cell) FROM unnest(j.cells) WITH ORDINALITY AS c (cell, n)) AS v (n, cell, masked)
			WHERE j.cause IS NULL
			GROUP BY j.line_no, j.searched_at, cardinality(j.cells)
		), named AS MATERIALIZED (
			SELECT n.written, ctlpr.external_agency(import_external_audit_bytes.source, n.written) AS found_id, ctlpr.external_agency_state(n.written) AS state
			FROM (SELECT DISTINCT b.cells[p_agency] FROM bare b WHERE b.cells[p_agency] IS NOT NULL) AS n (written)
		), ready AS MATERIALIZED (
			SELECT b.*, n.found_id, n.state, ctlpr.external_time_frame(b.cells[p_frame], zone) AS frame,
				CASE WHEN b.cells[p_case] IS NULL AND NOT 'case_number' = ANY (b.masked) THEN ctlpr.case_number_in(b.cells[p_reason]) END AS found_case,
				CASE WHEN b.cells[p_offense] IS NULL AND NOT 'offense' = ANY (b.masked) THEN ctlpr.offense_in(b.cells[p_reason]) END AS found_offense
			FROM bare b LEFT JOIN named n ON n.written = b.cells[p_agency]
		), stored AS (
			INSERT INTO ctlpr.external_search (import_id, line_no, searched_at, searching_agency, agency_id, searching_state, officer, networks, devices, plates, reason, case_number, offense, time_frame,
											   filters, search_type, text_prompt, moderation, vendor_id, case_from_reason, masked, note)
			SELECT result, r.line_no, r.searched_at, r.cells[p_agency], CASE WHEN p_agency IS NULL THEN import_external_audit_bytes.agency_id ELSE r.found_id END,
				coalesce((SELECT a.state FROM ctlpr.agency a WHERE a.agency_id = CASE WHEN p_agency IS NULL THEN import_external_audit_bytes.agency_id ELSE r.found_id END), r.state),
				r.cells[p_officer],
				CASE WHEN r.cells[p_networks] ~ '^[0-9]{1,3}(,?[0-9]{3}){0,2}$' THEN replace(r.cells[p_networks], ',', '')::int END,
				CASE WHEN r.cells[p_devices] ~ '^[0-9]{1,3}(,?[0-9]{3}){0,2}$' THEN replace(r.cells[p_devices], ',', '')::int END,
				(SELECT array_agg(DISTINCT upper(regexp_replace(p.p, '[[:space:]-]+', '', 'g'))) FROM regexp_split_to_table(r.cells[p_plates], '[,;|/\n]+') AS p (p) WHERE p.p ~ '[[:alnum:]*?]'),
				r.cells[p_reason], coalesce(r.cells[p_case], r.found_case), coalesce(r.cells[p_offense], r.found_offense), r.frame,
				r.cells[p_filters], r.cells[p_type], r.cells[p_prompt], r.cells[p_moderated], r.cells[p_vendor_id], r.found_case IS NOT NULL, r.masked,
				nullif(concat_ws('; ', CASE WHEN r.found_case IS NOT NULL THEN 'case number taken from the reason' END,
									   CASE WHEN r.found_offense IS NOT NULL THEN 'offense taken from the reason' END,
									   CASE WHEN r.fewer THEN 'fewer cells than the header' END,
									   CASE WHEN r.cells[p_frame] IS NOT NULL AND r.frame IS NULL THEN 'time frame not read' END,
									   CASE WHEN r.cells[p_networks] !~ '^[0-9]{1,3}(,?[0-9]{3}){0,2}$' THEN 'number of networks not read' END,
									   CASE WHEN r.cells[p_devices] !~ '^[0-9]{1,3}(,?[0-9]{3}){0,2}$' THEN 'number of devices not read' END,
									   CASE WHEN r.cells[p_reason] ~* '\m(redacted|withheld)\M' THEN 'reason masked in part' END), '')
			FROM ready r
			RETURNING searched_at
		), rejected AS (
			INSERT INTO ctlpr.external_rejection (import_id, line_no, cause) SELECT result, j.line_no, j.cause FROM judged j WHERE j.cause IS NOT NULL
		)
		SELECT (SELECT count(*) FROM stored) AS rows, (SELECT min(s.searched_at) FROM stored s) AS first_at, (SELECT max(s.searched_at) FROM stored s) AS last_at,
			(SELECT count(*) FROM judged j WHERE j.cause IS NOT NULL) AS lost, (SELECT count(*) FROM told_apart t WHERE t.header = 'same') AS headers,
			(SELECT min(t.line_no) FROM told_apart t WHERE t.header = 'other') AS other_header,
			(SELECT count(*) FROM ready r WHERE r.fewer) AS fewer, (SELECT count(*) FROM ready r WHERE r.cells[p_frame] IS NOT NULL AND r.frame IS NULL) AS frames_lost,
			(SELECT max(r.next_byte) FROM raw r) AS next_byte, (SELECT max(r.next_line) FROM raw r) AS next_line
			INTO batch;
		EXIT WHEN batch.next_byte IS NULL;
		IF batch.other_header IS NOT NULL THEN
			RAISE EXCEPTION USING ERRCODE = '22P04',
				MESSAGE = 'two audits of different columns are joined in one',
				DETAIL = format('Line %s is a header that differs from the one above.', batch.other_header),
				HINT = 'Split the file in front of that line, and import each part.';
		END IF;
		at_byte := batch.next_byte;
		at_line := batch.next_line;
		read_rows := read_rows + batch.rows;
		lost := lost + batch.lost;
		headers := headers + batch.headers;
		cells_fewer := cells_fewer + batch.fewer;
		frames_lost := frames_lost + batch.frames_lost;
		first_at := least(first_at, batch.first_at);
		last_at := greatest(last_at, batch.last_at);
		IF read_rows + lost >= told THEN
			RAISE NOTICE 'import %: % lines read, % rejected', result, read_rows + lost, lost;
			told := told + 100000;
		END IF;
	END LOOP;
	IF read_rows = 0 OR lost > read_rows THEN
		RAISE EXCEPTION USING ERRCODE = '22P04',
			MESSAGE = format('of %s lines below the header %s could not be read', read_rows + lost, lost),
			DETAIL = coalesce((SELECT format('The first is line %s: %s.', r.line_no, r.cause) FROM ctlpr.external_rejection r WHERE r.import_id = result ORDER BY r.line_no LIMIT 1), 'There is none.'),
			HINT = 'Nothing was imported. See whether the file is whole and its header is that of its lines.';
	END IF;
	IF cells_fewer > 0 THEN
		remarks := remarks || format('%s lines have fewer cells than the header', cells_fewer);
	END IF;
	IF frames_lost > 0 THEN
		remarks := remarks || format('%s time frames could not be read', frames_lost);
	END IF;
	UPDATE ctlpr.external_audit a
		SET rows = read_rows, rejected_lines = lost, repeated_headers = headers, searched_from = first_at, searched_to = last_at, notes = remarks
		WHERE a.import_id = result;
	PERFORM ctlpr.screen_external_searches(result);
	PERFORM ctlpr.record_event('external_audit', agency_id => import_external_audit_bytes.agency_id, clause => '14(a)(6)',
		detail => jsonb_build_object('function', 'import_external_audit', 'import_id', result, 'rows', read_rows, 'rejected_lines', lost));
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.import_external_audit_bytes(text, bytea, text, text, text[], text) IS 'Imports an audit that a vendor exported, from its bytes, and screens it; returns the number of the import';

/*
 * import_external_audit_text(source, content, agency_id, time_zone, columns,
 * file_name) - the same, of text that a client read: for psql,
 * \set content `cat file`.
 *
 * The server has made the database's encoding of it, so a file in another one
 * than the client's is better sent as bytes.
 */
CREATE FUNCTION ctlpr.import_external_audit_text(source text, content text, agency_id text DEFAULT NULL, time_zone text DEFAULT NULL, columns text[] DEFAULT NULL, file_name text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET log_min_error_statement = panic
AS $$
BEGIN
	RETURN ctlpr.import_external_audit_bytes(import_external_audit_text.source, convert_to(import_external_audit_text.content, 'UTF8'), import_external_audit_text.agency_id,
		import_external_audit_text.time_zone, import_external_audit_text.columns, import_external_audit_text.file_name);
END
$$;
COMMENT ON FUNCTION ctlpr.import_external_audit_text(text, text, text, text, text[], text) IS 'Imports an audit that a vendor exported, from the text that a client read, and screens it; returns the number of the import';

/*
 * import_external_audit(source, file, agency_id, time_zone, columns) - the same,
 * of a file that the server reads.
 *
 * Runs with the rights of whoever calls, who needs the privileges of
 * pg_read_server_files, as for COPY: a SECURITY DEFINER function would read
 * every file of the server for every auditor.
 * Errors: 42501 no such privilege; those of the file system; and the others.
 */
CREATE FUNCTION ctlpr.import_external_audit(source text, file text, agency_id text DEFAULT NULL, time_zone text DEFAULT NULL, columns text[] DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ctlpr.check_text('file', import_external_audit.file);
	RETURN ctlpr.import_external_audit_bytes(import_external_audit.source, ctlpr.read_server_file(import_external_audit.file), import_external_audit.agency_id,
		import_external_audit.time_zone, import_external_audit.columns, nullif(regexp_replace(import_external_audit.file, '^.*/', ''), ''));
END
$$;
COMMENT ON FUNCTION ctlpr.import_external_audit(text, text, text, text, text[]) IS 'Imports an audit that a vendor exported, from a file of the server, and screens it; returns the number of the import';

/*
 * check_external_audit(import_id, what) - the import is there, and the acting
 * role may work with it.
 *
 * Result: its row.  Errors: 22004; 42704 unknown or dropped; 42501, recorded.
 */
CREATE FUNCTION ctlpr.check_external_audit(import_id bigint, what text) RETURNS ctlpr.external_audit
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	result ctlpr.external_audit;
BEGIN
	PERFORM ctlpr.check_number('import_id', check_external_audit.import_id);
	SELECT * INTO result FROM ctlpr.external_audit a WHERE a.import_id = check_external_audit.import_id AND a.dropped_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = '42704',
			MESSAGE = format('there is no import %s', check_external_audit.import_id),
			HINT = 'The view ctlpr.external_audits has those that there are.';
	END IF;
	PERFORM ctlpr.check_external_access(result.agency_id, what);
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.check_external_audit(bigint, text) IS 'Internal: the row of an import that the acting role may work with, or an error';

/*
 * drop_external_audit(import_id, reason) - take an import out again; that it
 * was there stays registered, and the same file may be imported anew.
 *
 * Errors: 22004, 22023, 22001 an argument; 42704; 42501, recorded.
 */
CREATE FUNCTION ctlpr.drop_external_audit(import_id bigint, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	dropped ctlpr.external_audit;
BEGIN
	PERFORM ctlpr.check_text('reason', drop_external_audit.reason);
	dropped := ctlpr.check_external_audit(drop_external_audit.import_id, 'drop_external_audit');
	PERFORM ctlpr.record_event('external_audit', agency_id => dropped.agency_id, reason => drop_external_audit.reason, clause => '14(a)(6)',
		detail => jsonb_build_object('function', 'drop_external_audit', 'import_id', dropped.import_id, 'rows', dropped.rows));
	DELETE FROM ctlpr.external_search s WHERE s.import_id = dropped.import_id;
	DELETE FROM ctlpr.external_rejection r WHERE r.import_id = dropped.import_id;
	UPDATE ctlpr.external_audit a SET dropped_at = now(), dropped_by = session_user, dropped_reason = drop_external_audit.reason WHERE a.import_id = dropped.import_id;
END
$$;
COMMENT ON FUNCTION ctlpr.drop_external_audit(bigint, text) IS 'Deletes the lines of an import of a vendor''s audit; recorded';

/*
 * redact_external_plates(import_id, reason) - take the plates of an import
 * out; the rest stays.
 *
 * Filters and prompts may hold plates too, and go with them; so does a reason
 * or a case number in which one of its search's plates stands.
 * Result: searches that had any.  Errors: as drop_external_audit().
 * Clause: 13(e)(1).
 */
CREATE FUNCTION ctlpr.redact_external_plates(import_id bigint, reason text) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	redacted ctlpr.external_audit;
	result   bigint;
BEGIN
	PERFORM ctlpr.check_text('reason', redact_external_plates.reason);
	redacted := ctlpr.check_external_audit(redact_external_plates.import_id, 'redact_external_plates');
	WITH holding AS (
		SELECT h.line_no, coalesce(bool_or(p.p <> '' AND position(p.p IN upper(regexp_replace(h.reason, '[[:space:]-]+', '', 'g'))) > 0), false) AS in_reason,
			coalesce(bool_or(p.p <> '' AND position(p.p IN upper(regexp_replace(h.case_number, '[[:space:]-]+', '', 'g'))) > 0), false) AS in_case
		FROM ctlpr.external_search h LEFT JOIN LATERAL unnest(h.plates) AS p (p) ON true
		WHERE h.import_id = redacted.import_id AND (h.plates IS NOT NULL OR h.filters IS NOT NULL OR h.text_prompt IS NOT NULL)
		GROUP BY h.line_no, h.reason, h.case_number
	), done AS (
		UPDATE ctlpr.external_search s
			SET plates = NULL, filters = NULL, text_prompt = NULL, reason = CASE WHEN NOT h.in_reason THEN s.reason END, case_number = CASE WHEN NOT h.in_case THEN s.case_number END,
				masked = s.masked || ARRAY(SELECT f.f FROM (VALUES ('plates', s.plates IS NOT NULL), ('filters', s.filters IS NOT NULL), ('text_prompt', s.text_prompt IS NOT NULL),
																   ('reason', h.in_reason), ('case_number', h.in_case)) AS f (f, taken) WHERE f.taken)
			FROM holding h
			WHERE s.import_id = redacted.import_id AND s.line_no = h.line_no
			RETURNING 1)
	SELECT count(*) INTO result FROM done;
	UPDATE ctlpr.external_audit a SET plates_redacted_at = now() WHERE a.import_id = redacted.import_id;
	PERFORM ctlpr.record_event('external_audit', agency_id => redacted.agency_id, reason => redact_external_plates.reason, clause => '13(e)(1)',
		detail => jsonb_build_object('function', 'redact_external_plates', 'import_id', redacted.import_id, 'rows', result));
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.redact_external_plates(bigint, text) IS 'Takes plates, filters and prompts out of an import of a vendor''s audit; recorded; how many searches had any';

/*
 * rescreen_external_audit(import_id) - screen again, after the terms changed;
 * NULL: all imports that the acting role may work with.
 *
 * Result: searches with a finding.  Errors: 42704; 42501, recorded.
 */
CREATE FUNCTION ctlpr.rescreen_external_audit(import_id bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	one    record;
	result bigint := 0;
	found  bigint;
BEGIN
	IF rescreen_external_audit.import_id IS NOT NULL THEN
		PERFORM ctlpr.check_external_audit(rescreen_external_audit.import_id, 'rescreen_external_audit');
	END IF;
	FOR one IN SELECT a.import_id, a.agency_id FROM ctlpr.external_audit a
			WHERE a.dropped_at IS NULL AND a.import_id = coalesce(rescreen_external_audit.import_id, a.import_id)
				AND (pg_has_role(ctlpr.outer_role(), 'ctlpr_registrar', 'USAGE') OR ctlpr.auditor_sees(a.agency_id, NULL)) ORDER BY a.import_id LOOP
		PERFORM ctlpr.screen_external_searches(one.import_id);
		SELECT count(*) INTO found FROM ctlpr.external_search s WHERE s.import_id = one.import_id AND s.screen_action IS NOT NULL;
		PERFORM ctlpr.record_event('external_audit', agency_id => one.agency_id, clause => '14(a)(6)', detail => jsonb_build_object('function', 'rescreen_external_audit', 'import_id', one.import_id, 'rows', found));
		result := result + found;
	END LOOP;
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.rescreen_external_audit(bigint) IS 'Screens imports of vendors'' audits again, one or all; returns the number of searches with a finding';

/*
 * settle_external_agency(source, written, agency_id) - a name in the audits of
 * a source stands for this agency, or (NULL) for none that is registered; in
 * imports that are there and in those to come.
 *
 * For registrars and auditors of all agencies: it bears on all imports.
 * Result: searches that it concerned.  Errors: 22004, 22023, 22001 an argument; 42501, recorded; 42704 agency unknown.
 */
CREATE FUNCTION ctlpr.settle_external_agency(source text, written text, agency_id text) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	settled ctlpr.agency;
	result  bigint;
BEGIN
	PERFORM ctlpr.check_text('source', settle_external_agency.source);
	PERFORM ctlpr.check_text('written', settle_external_agency.written);
	IF settle_external_agency.agency_id IS NOT NULL THEN
		settled := ctlpr.check_agency(settle_external_agency.agency_id);
	END IF;
	PERFORM ctlpr.check_external_access(NULL, 'settle_external_agency');
	INSERT INTO ctlpr.external_agency_name AS n (source, written, agency_id)
		VALUES (ctlpr.plain_name(settle_external_agency.source), ctlpr.plain_name(settle_external_agency.written), settled.agency_id)
		ON CONFLICT ON CONSTRAINT external_agency_name_pkey DO UPDATE SET agency_id = excluded.agency_id, settled_at = now(), settled_by = session_user;
	UPDATE ctlpr.external_search s SET agency_id = settled.agency_id, searching_state = coalesce(settled.state, ctlpr.external_agency_state(s.searching_agency))
		FROM ctlpr.external_audit a
		WHERE a.import_id = s.import_id AND ctlpr.plain_name(a.source) = ctlpr.plain_name(settle_external_agency.source)
			AND ctlpr.plain_name(s.searching_agency) = ctlpr.plain_name(settle_external_agency.written);
	GET DIAGNOSTICS result = ROW_COUNT;
	PERFORM ctlpr.record_event('external_audit', agency_id => settled.agency_id, clause => '14(a)(6)', detail => jsonb_build_object('function', 'settle_external_agency', 'rows', result));
	RETURN result;
END
$$;
COMMENT ON FUNCTION ctlpr.settle_external_agency(text, text, text) IS 'Settles which registered agency a name in vendors'' audits stands for; returns the number of searches that it concerned';

/*
 * What auditors see: each the audits of its agency; those of no agency in
 * particular are for auditors of all.  Reading searches is on record.
 */
CREATE VIEW ctlpr.external_audits WITH (security_barrier) AS
	SELECT a.import_id, a.source, a.agency_id, a.file_name, a.sha256, a.rows, a.rejected_lines, a.repeated_headers, a.imported_at, a.imported_by, a.form, a.columns, a.encoding, a.delimiter,
		a.header_line, a.time_zone, a.searched_from, a.searched_to, a.screened_at, a.notes, a.plates_redacted_at, a.dropped_at, a.dropped_by, a.dropped_reason
	FROM ctlpr.external_audit a
	WHERE ctlpr.auditor_sees(a.agency_id, NULL) OR pg_has_role(ctlpr.outer_role(), 'ctlpr_registrar', 'USAGE');
COMMENT ON VIEW ctlpr.external_audits IS 'Imports of vendors'' audits, dropped ones too: a vendor''s word, no evidence from this database';
COMMENT ON COLUMN ctlpr.external_audits.import_id IS 'Number of the import';
COMMENT ON COLUMN ctlpr.external_audits.source IS 'Whose system the audit is of, as the import stated';
COMMENT ON COLUMN ctlpr.external_audits.agency_id IS 'The agency whose audit it is: which exported it, and whose cameras or officers it is about; NULL: not stated';
COMMENT ON COLUMN ctlpr.external_audits.file_name IS 'Name of the file, without its directory; NULL: a client sent the content';
COMMENT ON COLUMN ctlpr.external_audits.sha256 IS 'SHA-256 of the bytes as they came';
COMMENT ON COLUMN ctlpr.external_audits.rows IS 'Searches that were imported';
COMMENT ON COLUMN ctlpr.external_audits.rejected_lines IS 'Lines that could not be read: ctlpr.external_rejections has their numbers and the cause';
COMMENT ON COLUMN ctlpr.external_audits.repeated_headers IS 'Times that the header stood again between its lines, where pages were joined';
COMMENT ON COLUMN ctlpr.external_audits.imported_at IS 'When it was imported';
COMMENT ON COLUMN ctlpr.external_audits.imported_by IS 'Login that imported it';
COMMENT ON COLUMN ctlpr.external_audits.form IS 'network audit (names the searching agencies) or organization audit (searches of one agency), and the number of its columns';
COMMENT ON COLUMN ctlpr.external_audits.columns IS 'What each of its columns was read as, in their order; empty: not known, and left out';
COMMENT ON COLUMN ctlpr.external_audits.encoding IS 'Encoding that it was read in: UTF8, WIN1252 or LATIN1';
COMMENT ON COLUMN ctlpr.external_audits.delimiter IS 'What stands between its cells';
COMMENT ON COLUMN ctlpr.external_audits.header_line IS 'Line of its header; NULL: the import stated the columns, and there was none';
COMMENT ON COLUMN ctlpr.external_audits.time_zone IS 'Time zone in which times without one were read; NULL: all had one';
COMMENT ON COLUMN ctlpr.external_audits.searched_from IS 'Its first search';
COMMENT ON COLUMN ctlpr.external_audits.searched_to IS 'Its last search';
COMMENT ON COLUMN ctlpr.external_audits.screened_at IS 'When its reasons were screened last';
COMMENT ON COLUMN ctlpr.external_audits.notes IS 'What its reading had to settle, with numbers of lines';
COMMENT ON COLUMN ctlpr.external_audits.plates_redacted_at IS 'When its plates were taken out; NULL: as imported';
COMMENT ON COLUMN ctlpr.external_audits.dropped_at IS 'When its lines were deleted; NULL while they are there';
COMMENT ON COLUMN ctlpr.external_audits.dropped_by IS 'Login that deleted them';
COMMENT ON COLUMN ctlpr.external_audits.dropped_reason IS 'Why they were deleted';

CREATE VIEW ctlpr.external_rejections WITH (security_barrier) AS
	SELECT r.import_id, r.line_no, r.cause
	FROM ctlpr.external_rejection r JOIN ctlpr.external_audit a USING (import_id)
	WHERE ctlpr.auditor_sees(a.agency_id, NULL) OR pg_has_role(ctlpr.outer_role(), 'ctlpr_registrar', 'USAGE');
COMMENT ON VIEW ctlpr.external_rejections IS 'Lines of vendors'' audits that could not be read';
COMMENT ON COLUMN ctlpr.external_rejections.import_id IS 'The import';
COMMENT ON COLUMN ctlpr.external_rejections.line_no IS 'Line of the file on which the record begins';
COMMENT ON COLUMN ctlpr.external_rejections.cause IS 'quote_not_closed | text_behind_quote | too_long | too_many_cells | no_search_time | search_time_not_read | search_time_out_of_range';

CREATE VIEW ctlpr.external_searches WITH (security_barrier) AS
	SELECT s.import_id, s.line_no, a.source, a.agency_id AS audited_agency_id, s.searched_at, s.searching_agency, s.agency_id, s.searching_state, s.officer, s.networks, s.devices, s.plates, s.reason,
		s.case_number, s.case_from_reason, s.offense, s.time_frame, s.filters, s.search_type, s.text_prompt, s.moderation, s.vendor_id, s.masked, s.screen_field, s.screen_action, s.screen_category,
		s.screen_clause, s.screen_term, s.note
	FROM ctlpr.external_search s JOIN ctlpr.external_audit a USING (import_id)
	/* what others may see is settled first, so that nothing of the rest is found, counted or explained */
	WHERE ctlpr.external_reading()
		AND s.import_id = ANY (ARRAY(SELECT x.import_id FROM ctlpr.external_audit x WHERE ctlpr.auditor_sees(x.agency_id, NULL)));
COMMENT ON VIEW ctlpr.external_searches IS 'Searches that vendors'' audits report: a vendor''s word, no evidence from this database; reading it is recorded';
COMMENT ON COLUMN ctlpr.external_searches.import_id IS 'The import';
COMMENT ON COLUMN ctlpr.external_searches.line_no IS 'Line of the file on which its record begins';
COMMENT ON COLUMN ctlpr.external_searches.source IS 'Whose system the audit is of, as the import stated';
COMMENT ON COLUMN ctlpr.external_searches.audited_agency_id IS 'The agency whose audit it is: which exported it, and whose cameras or officers it is about; NULL: not stated';
COMMENT ON COLUMN ctlpr.external_searches.searched_at IS 'When the search was made';
COMMENT ON COLUMN ctlpr.external_searches.searching_agency IS 'Who searched, as written; NULL in an organization audit: the import''s agency';
COMMENT ON COLUMN ctlpr.external_searches.agency_id IS 'The registered agency that this is; NULL: none, or not settled by settle_external_agency()';
COMMENT ON COLUMN ctlpr.external_searches.searching_state IS 'Two-letter state of who searched, US for federal: of the registered agency, or as its name says; NULL: unknown';
COMMENT ON COLUMN ctlpr.external_searches.officer IS 'Whose account searched, as written';
COMMENT ON COLUMN ctlpr.external_searches.networks IS 'Networks of cameras that were searched, the vendor''s count; 0 may mean that it did not count';
COMMENT ON COLUMN ctlpr.external_searches.devices IS 'Cameras that were searched, the vendor''s count';
COMMENT ON COLUMN ctlpr.external_searches.plates IS 'Plates searched for, in capitals and without blanks; * in one stands for what the searcher left open';
COMMENT ON COLUMN ctlpr.external_searches.reason IS 'Reason, as written';
COMMENT ON COLUMN ctlpr.external_searches.case_number IS 'Case number, as written; from the reason where case_from_reason';
COMMENT ON COLUMN ctlpr.external_searches.case_from_reason IS 'The case number was found in the reason';
COMMENT ON COLUMN ctlpr.external_searches.offense IS 'Type of offense, as written, or the category that the reason begins with';
COMMENT ON COLUMN ctlpr.external_searches.time_frame IS 'From when to when reads were searched, as the searcher asked; not what was found';
COMMENT ON COLUMN ctlpr.external_searches.filters IS 'Filters of the search, as written';
COMMENT ON COLUMN ctlpr.external_searches.search_type IS 'The vendor''s type of search, as written';
COMMENT ON COLUMN ctlpr.external_searches.text_prompt IS 'What was asked in free text, as written';
COMMENT ON COLUMN ctlpr.external_searches.moderation IS 'What the vendor''s own moderation said of that, as written';
COMMENT ON COLUMN ctlpr.external_searches.vendor_id IS 'The vendor''s identifier of the search, the same in every audit that shows it';
COMMENT ON COLUMN ctlpr.external_searches.masked IS 'Columns that held a redaction mask in place of a value';
COMMENT ON COLUMN ctlpr.external_searches.screen_field IS 'reason | offense | case_number | text_prompt: the text in which it was found';
COMMENT ON COLUMN ctlpr.external_searches.screen_action IS 'refuse | flag: what screening finds in the decisive text; NULL: nothing';
COMMENT ON COLUMN ctlpr.external_searches.screen_category IS 'Category of the finding, as in ctlpr.screen_reason()';
COMMENT ON COLUMN ctlpr.external_searches.screen_clause IS 'Clause that it concerns';
COMMENT ON COLUMN ctlpr.external_searches.screen_term IS 'Term that found it';
COMMENT ON COLUMN ctlpr.external_searches.note IS 'What the reading of this line had to settle';

/*
 * external_audit_findings() - what an auditor should look into in vendors'
 * audits, of the shape of ctlpr.findings.
 *
 * Only imports that the acting role may audit.  What happened before a clause
 * binds is told as info: it was no violation then.  Evidence is empty: numbers
 * of entries are of the log; the text names imports, numbers of searches, and
 * lines.  The kinds:
 * external_forbidden_purpose  a stated text reveals one: 13(d)(1) to (4); a
 *     contested one is a warning
 * external_sharing            agencies searched that the statute shares with
 *     on a declaration or an authorization only, and none was in force: 13(d)(6); of
 *     audits whose agency is stated
 * external_bulk               searches of more than 100 networks: 13(d)(8)
 * external_repeated_plate     one plate, five times or more, never with a case: 13(d)(8)
 * external_vague_reasons      most reasons are vague or missing: 13(b)(1)(B)(ii)(I)
 * external_kept               searches older than the statute keeps a log
 */
CREATE FUNCTION ctlpr.external_audit_findings()
RETURNS TABLE (finding_id bigint, severity text, finding text, clause text, agency_id text, officer text, evidence bigint[], remedy text, kind text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE NOT LEAKPROOF SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	law    ctlpr.statute;
	shared timestamptz;		-- from when on the rules of searching and sharing bind
BEGIN
	IF NOT EXISTS (SELECT FROM ctlpr.external_audit a WHERE a.dropped_at IS NULL AND ctlpr.auditor_sees(a.agency_id, NULL)) OR NOT EXISTS (SELECT FROM ctlpr.statute_adoption) THEN
		RETURN;
	END IF;
	law := ctlpr.adopted_statute();
	SELECT min(r.valid_from) INTO shared FROM ctlpr.statute_recipient r WHERE r.statute = law.statute;

	RETURN QUERY
	WITH grouped AS (
		SELECT a.agency_id AS audited, s.agency_id AS registered, coalesce(g.name, s.searching_agency, o.name) AS searcher, s.officer, s.screen_action, s.screen_category, s.screen_clause, count(*) AS searches,
			count(*) FILTER (WHERE s.searched_at >= coalesce(p.valid_from, '-infinity')) AS bound, array_agg(DISTINCT s.import_id) AS imports,
			(array_agg(s.line_no ORDER BY s.import_id, s.line_no))[1:5] AS lines, min(s.searched_at) AS first_at, max(s.searched_at) AS last_at
		FROM ctlpr.external_search s JOIN ctlpr.external_audit a ON a.import_id = s.import_id
		LEFT JOIN ctlpr.agency g ON g.agency_id = s.agency_id
		LEFT JOIN ctlpr.agency o ON o.agency_id = a.agency_id AND s.searching_agency IS NULL
		LEFT JOIN LATERAL (SELECT min(q.valid_from) AS valid_from FROM ctlpr.statute_purpose q WHERE q.statute = law.statute AND NOT q.permitted AND q.clause = s.screen_clause) AS p ON true
		WHERE ctlpr.auditor_sees(a.agency_id, NULL) AND s.screen_action IS NOT NULL AND s.screen_category NOT IN ('vague', 'case_number_only')
		GROUP BY a.agency_id, s.agency_id, coalesce(g.name, s.searching_agency, o.name), s.officer, s.screen_action, s.screen_category, s.screen_clause
	)
	SELECT ctlpr.finding_id('external_forbidden_purpose', f.audited, f.searcher, f.officer, f.screen_category, f.screen_action),
		CASE WHEN f.bound = 0 THEN 'info' WHEN f.screen_action = 'refuse' THEN 'violation' ELSE 'warning' END,
		format('%s searches of %s in the vendor''s audit %s state a purpose of category %s%s, %s of them since that clause binds: from %s to %s, first on lines %s',
			f.searches, coalesce(left(f.searcher, 100), 'an agency that is not named'), (SELECT string_agg(i::text, ', ' ORDER BY i) FROM unnest(f.imports) i), f.screen_category,
			CASE WHEN f.screen_action = 'flag' THEN ', perhaps' ELSE '' END, f.bound, (f.first_at AT TIME ZONE law.time_zone)::date, (f.last_at AT TIME ZONE law.time_zone)::date, array_to_string(f.lines, ', ')),
		f.screen_clause, coalesce(f.registered, f.audited), f.officer, '{}'::bigint[],
		'Have the vendor show the searches and the agency explain them; suspected misuse by an agency of another state or of the federation is reported under 13(l) with ctlpr.report_suspected_misuse().',
		'external_forbidden_purpose'
	FROM grouped f;

	RETURN QUERY
	WITH others AS (
		SELECT a.agency_id AS audited, s.import_id, s.agency_id AS registered, s.searching_agency, s.searching_state AS state, s.searched_at,
			coalesce(g.kind, CASE WHEN s.searching_state = 'US' THEN 'federal' ELSE 'police' END) AS agency_kind
		FROM ctlpr.external_search s JOIN ctlpr.external_audit a ON a.import_id = s.import_id JOIN ctlpr.agency o ON o.agency_id = a.agency_id AND o.state = law.state
		LEFT JOIN ctlpr.agency g ON g.agency_id = s.agency_id
		WHERE ctlpr.auditor_sees(a.agency_id, NULL) AND s.searching_agency IS NOT NULL AND s.searching_state IS NOT NULL AND s.agency_id IS DISTINCT FROM a.agency_id
			AND NOT EXISTS (SELECT FROM ctlpr.contract t WHERE t.vendor_id = s.agency_id AND t.agency_id = a.agency_id AND t.valid_from <= s.searched_at AND s.searched_at < t.valid_until AND (t.ended_at IS NULL OR s.searched_at < t.ended_at))
	), ruled AS (
		-- whom no rule names has no basis at all
		SELECT x.*, coalesce(r.clause, '13(d)(6)') AS clause, coalesce(r.basis, 'authorization') AS basis FROM others x
		JOIN (SELECT DISTINCT x.state, x.agency_kind FROM others x) AS k ON k.state = x.state AND k.agency_kind = x.agency_kind
		LEFT JOIN LATERAL (SELECT r.clause, r.basis FROM ctlpr.statute_recipient r WHERE r.statute = law.statute AND (r.states IS NULL OR k.state = ANY (r.states)) AND k.agency_kind = ANY (r.agency_kinds)
						   ORDER BY r.rank, r.valid_from DESC LIMIT 1) AS r ON true
	), baseless AS (
		SELECT r.* FROM ruled r
		WHERE r.basis <> 'none'
			AND NOT EXISTS (SELECT FROM ctlpr.declaration d WHERE r.basis = 'declaration' AND d.agency_id = r.registered AND d.affirms_compliance AND d.affirms_no_immigration AND d.affirms_no_care AND d.affirms_no_disclosure
							AND d.signed_on <= (r.searched_at AT TIME ZONE law.time_zone)::date AND (d.valid_until IS NULL OR d.valid_until >= (r.searched_at AT TIME ZONE law.time_zone)::date)
							AND (d.withdrawn_at IS NULL OR d.withdrawn_at > r.searched_at))
			AND NOT EXISTS (SELECT FROM ctlpr.legal_authorization l WHERE l.agency_id = r.registered AND l.valid_from <= r.searched_at AND r.searched_at < l.valid_until AND (l.revoked_at IS NULL OR l.revoked_at > r.searched_at))
	), counted AS (
		SELECT b.audited, b.registered, b.state, b.clause, count(*) AS searches, count(*) FILTER (WHERE b.searched_at >= shared) AS bound, count(DISTINCT ctlpr.plain_name(b.searching_agency)) AS agencies,
			array_agg(DISTINCT b.import_id) AS imports, min(b.searched_at) AS first_at, max(b.searched_at) AS last_at
		FROM baseless b GROUP BY b.audited, b.registered, b.state, b.clause
	)
	SELECT ctlpr.finding_id('external_sharing', c.audited, c.registered, c.state, c.clause), CASE WHEN c.bound = 0 THEN 'info' ELSE 'violation' END,
		format('%s searched what agency "%s" shares %s times in the vendor''s audit %s, %s of them since %s binds, without a declaration or authorization on file that was in force: from %s to %s',
			CASE WHEN c.registered IS NOT NULL THEN format('agency "%s"', c.registered) WHEN c.state = 'US' THEN format('%s federal agencies', c.agencies) ELSE format('%s agencies of %s', c.agencies, c.state) END,
			c.audited, c.searches, (SELECT string_agg(i::text, ', ' ORDER BY i) FROM unnest(c.imports) i), c.bound, c.clause, (c.first_at AT TIME ZONE law.time_zone)::date, (c.last_at AT TIME ZONE law.time_zone)::date),
		c.clause, coalesce(c.registered, c.audited), NULL::text, '{}'::bigint[],
		'End the sharing in the vendor''s system, or file the declaration or warrant under which it was lawful. The view ctlpr.external_searches has the agencies by name; ctlpr.settle_external_agency() tells which of them are registered.',
		'external_sharing'
	FROM counted c;

	RETURN QUERY
	WITH counted AS (
		SELECT a.agency_id AS audited, s.agency_id AS registered, coalesce(g.name, s.searching_agency, o.name) AS searcher, count(*) AS searches, count(*) FILTER (WHERE s.searched_at >= shared) AS bound,
			max(s.networks) AS most, array_agg(DISTINCT s.import_id) AS imports
		FROM ctlpr.external_search s JOIN ctlpr.external_audit a ON a.import_id = s.import_id LEFT JOIN ctlpr.agency g ON g.agency_id = s.agency_id
		LEFT JOIN ctlpr.agency o ON o.agency_id = a.agency_id AND s.searching_agency IS NULL
		WHERE ctlpr.auditor_sees(a.agency_id, NULL) AND s.networks > 100
		GROUP BY a.agency_id, s.agency_id, coalesce(g.name, s.searching_agency, o.name)
	)
	SELECT ctlpr.finding_id('external_bulk', b.audited, b.searcher), CASE WHEN b.bound = 0 THEN 'info' ELSE 'warning' END,
		format('%s searches of %s in the vendor''s audit %s went over more than 100 networks at once, %s at most; %s of them since 13(d)(8) binds', b.searches, coalesce(left(b.searcher, 100), 'an agency that is not named'),
			(SELECT string_agg(i::text, ', ' ORDER BY i) FROM unnest(b.imports) i), b.most, b.bound),
		'13(d)(8)', coalesce(b.registered, b.audited), NULL::text, '{}'::bigint[],
		'Ask what documented, case-specific request a search of so many agencies'' cameras answered, and narrow what the vendor lets the agency search.', 'external_bulk'
	FROM counted b;

	RETURN QUERY
	WITH counted AS (
		SELECT a.agency_id AS audited, s.agency_id AS registered, coalesce(g.name, s.searching_agency, o.name) AS searcher, s.officer, count(*) AS searches, count(*) FILTER (WHERE s.searched_at >= shared) AS bound,
			count(DISTINCT (s.searched_at AT TIME ZONE law.time_zone)::date) AS days, (array_agg(s.import_id ORDER BY s.import_id, s.line_no))[1] AS first_import,
			(array_agg(format('%s:%s', s.import_id, s.line_no) ORDER BY s.import_id, s.line_no))[1:5] AS lines, (array_agg(s.line_no ORDER BY s.import_id, s.line_no))[1] AS first_line
		FROM ctlpr.external_search s JOIN ctlpr.external_audit a ON a.import_id = s.import_id LEFT JOIN ctlpr.agency g ON g.agency_id = s.agency_id
		LEFT JOIN ctlpr.agency o ON o.agency_id = a.agency_id AND s.searching_agency IS NULL
		CROSS JOIN LATERAL unnest(s.plates) AS p (plate)
		WHERE ctlpr.auditor_sees(a.agency_id, NULL)
		GROUP BY a.agency_id, s.agency_id, coalesce(g.name, s.searching_agency, o.name), s.officer, p.plate
		HAVING count(*) >= 5 AND count(s.case_number) = 0 AND NOT bool_or('case_number' = ANY (s.masked))
	)
	SELECT ctlpr.finding_id('external_repeated_plate', c.audited, c.searcher, c.officer, c.first_import::text, c.first_line::text), CASE WHEN c.bound = 0 THEN 'info' ELSE 'warning' END,
		format('one plate was searched for %s times on %s days by %s, never with a case, %s times since 13(d)(8) binds: import and line %s', c.searches, c.days, coalesce(left(c.searcher, 100), 'an agency that is not named'),
			c.bound, array_to_string(c.lines, ', ')),
		'13(d)(8)', coalesce(c.registered, c.audited), c.officer, '{}'::bigint[], 'Ask the officer for the case; 13(k) is about misuse that is knowing and malicious.', 'external_repeated_plate'
	FROM counted c;

	RETURN QUERY
	WITH counted AS (
		SELECT a.agency_id AS audited, s.agency_id AS registered, coalesce(g.name, s.searching_agency, o.name) AS searcher, count(*) AS searches,
			count(*) FILTER (WHERE s.reason IS NULL AND s.offense IS NULL) AS missing, count(*) FILTER (WHERE s.screen_category = 'vague') AS vague,
			count(*) FILTER (WHERE s.searched_at >= shared) AS bound, array_agg(DISTINCT s.import_id) AS imports
		FROM ctlpr.external_search s JOIN ctlpr.external_audit a ON a.import_id = s.import_id LEFT JOIN ctlpr.agency g ON g.agency_id = s.agency_id
		LEFT JOIN ctlpr.agency o ON o.agency_id = a.agency_id AND s.searching_agency IS NULL
		WHERE ctlpr.auditor_sees(a.agency_id, NULL) AND a.columns && '{reason,offense}' AND NOT 'reason' = ANY (s.masked)
		GROUP BY a.agency_id, s.agency_id, coalesce(g.name, s.searching_agency, o.name)
		HAVING count(*) >= 20 AND (count(*) FILTER (WHERE s.reason IS NULL AND s.offense IS NULL) + count(*) FILTER (WHERE s.screen_category = 'vague')) * 2 > count(*)
	)
	SELECT ctlpr.finding_id('external_vague_reasons', v.audited, v.searcher), CASE WHEN v.bound = 0 THEN 'info' ELSE 'warning' END,
		format('of %s searches of %s in the vendor''s audit %s, %s state no reason and %s a vague one; %s of all are since the clause binds', v.searches, coalesce(left(v.searcher, 100), 'an agency that is not named'),
			(SELECT string_agg(i::text, ', ' ORDER BY i) FROM unnest(v.imports) i), v.missing, v.vague, v.bound),
		'13(b)(1)(B)(ii)(I)', coalesce(v.registered, v.audited), NULL::text, '{}'::bigint[], 'Have the agency demand a reason that a reader understands, and a case number, for every search.', 'external_vague_reasons'
	FROM counted v;

	RETURN QUERY
	SELECT ctlpr.finding_id('external_kept', a.import_id::text), 'warning',
		format('the vendor''s audit %s has searches of up to %s, which the statute keeps in a log no longer than %s', a.import_id, (a.searched_to AT TIME ZONE law.time_zone)::date, law.log_retention),
		law.log_clause, a.agency_id, NULL::text, '{}'::bigint[], 'Drop it with ctlpr.drop_external_audit().', 'external_kept'
	FROM ctlpr.external_audit a
	WHERE law.log_retention IS NOT NULL AND a.dropped_at IS NULL AND a.searched_to < now() - law.log_retention AND ctlpr.auditor_sees(a.agency_id, NULL);
END
$$;
COMMENT ON FUNCTION ctlpr.external_audit_findings() IS 'What an auditor should look into in the vendors'' audits that he may see; rows of the shape of ctlpr.findings';
