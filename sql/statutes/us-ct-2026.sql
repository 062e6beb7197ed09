/*
 * us-ct-2026.sql - Connecticut Public Act 26-14, sections 13 to 15, as rows.
 *
 * 13(b) and 13(d) bind from 2026-10-01 in Connecticut's time.  An amendment
 * ends the row that it replaces (valid_until) and adds another; nothing here
 * is code.
 */
INSERT INTO ctlpr.statute (statute, title, state, time_zone, citation, shipped) VALUES
	('us-ct-2026', 'Connecticut Public Act 26-14, sections 13 to 15: automated license plate reader data', 'CT', 'America/New_York',
	 'Public Act 26-14 (Substitute Senate Bill 397), sections 13 to 15, approved 2026-05-04; section 13(g)(5) as amended by Public Act 26-76, section 46, approved 2026-05-27',
	 true);

-- Any public agency, or its vendor: none of these names a suspect, so all may stand.
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, agency_kinds, demands, standing, description, valid_from) VALUES
	('us-ct-2026', 'weigh_station', '13(b)(1)(A)(i)', true, '{police,public_agency,prosecutor,vendor}', '{}', true,
	 'Weigh station duties', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'own_vehicles', '13(b)(1)(A)(ii)', true, '{police,public_agency,prosecutor,vendor}', '{}', true,
	 'The agency''s own vehicles or equipment', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'secured_area_access', '13(b)(1)(A)(iii)', true, '{police,public_agency,prosecutor,vendor}', '{}', true,
	 'Access control of a secured area', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'traffic_analytics', '13(b)(1)(A)(iv)', true, '{police,public_agency,prosecutor,vendor}', '{}', true,
	 'Traffic analytics; what is kept of it is de-identified, aggregated or summarized', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'parking_enforcement', '13(b)(1)(A)(v)', true, '{police,public_agency,prosecutor,vendor}', '{}', true,
	 'Parking enforcement', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'state_facility_security', '13(b)(1)(A)(vi)', true, '{police,public_agency,prosecutor,vendor}', '{}', true,
	 'Monitoring and securing state facilities', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'motor_vehicle_tax', '13(b)(1)(A)(vii)', true, '{police,public_agency,prosecutor,vendor}', '{}', true,
	 'Motor vehicle tax compliance', '2026-10-01 00:00 America/New_York');

-- Law enforcement, or its vendor: comparison with the lists that the act names.
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, agency_kinds, demands, standing, description, valid_from) VALUES
	('us-ct-2026', 'hotlist_comparison', '13(b)(1)(B)(i)', true, '{police,prosecutor,task_force,federal,vendor}', '{}', true,
	 'Comparison with a hotlist or addendum, COLLECT, FBI Kidnapping and Missing Persons, the Criminal Justice Information System, the Terrorist Screening Database, NCIC or NCMEC',
	 '2026-10-01 00:00 America/New_York');

-- Law enforcement: entering a plate.  Each is a case of its own, so none may stand.
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, agency_kinds, demands, standing, description, valid_from) VALUES
	('us-ct-2026', 'criminal_investigation', '13(b)(1)(B)(ii)(I)', true, '{police,prosecutor,task_force,federal}', '{reason}', false,
	 'A plate relevant and material to a specific active criminal investigation with reasonable suspicion', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'outstanding_warrant', '13(b)(1)(B)(ii)(II)', true, '{police,prosecutor,task_force,federal}', '{}', false,
	 'To apprehend a person with an outstanding warrant', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'missing_person', '13(b)(1)(B)(ii)(III)', true, '{police,prosecutor,task_force,federal}', '{}', false,
	 'To locate a missing or endangered person', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'stolen_vehicle', '13(b)(1)(B)(ii)(IV)', true, '{police,prosecutor,task_force,federal}', '{}', false,
	 'To recover a stolen motor vehicle', '2026-10-01 00:00 America/New_York');
-- A search for somebody in danger need not wait for its number, 13(d)(8).
UPDATE ctlpr.statute_purpose SET pending_case = true WHERE statute = 'us-ct-2026' AND purpose = 'missing_person';

-- Access by the person whom the data is about; the reason says whose request it is and that co-registrants consent.
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, agency_kinds, demands, standing, description) VALUES
	('us-ct-2026', 'registrant_request', '13(e)(3)', true, '{police,public_agency,prosecutor,vendor}', '{reason,authorization}', false,
	 'A person registered when the data was created obtains it');

-- Keeping the data safe is a duty of whoever holds it; a program does it, so it stands and is never begun.
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, agency_kinds, demands, standing, standing_only, description) VALUES
	('us-ct-2026', 'backup', '13(g)(5)', true, '{police,public_agency,task_force,prosecutor,federal,vendor,other}', '{}', true, true,
	 'Backup by a program, under the duty of industry-recognized security');

-- Forbidden to everybody.
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, description, valid_from) VALUES
	('us-ct-2026', 'protected_class', '13(d)(1)', false,
	 'Monitoring on race, ethnicity, sexual orientation, gender identity or expression, sex, pregnancy, disability, citizenship, nationality, income or perceived criminal history',
	 '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'protected_activity', '13(d)(2)', false,
	 'Identifying people in First Amendment activity', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'immigration_enforcement', '13(d)(3)', false,
	 'A suspected immigration violation, or assisting civil or criminal immigration enforcement', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'reproductive_health_care', '13(d)(4)', false,
	 'Use against those who sought, received or provided lawful reproductive health care', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'gender_affirming_care', '13(d)(4)', false,
	 'Use against those who sought, received or provided lawful gender-affirming care', '2026-10-01 00:00 America/New_York');
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, description) VALUES
	('us-ct-2026', 'public_records', '13(e)(1)', false, 'Disclosure as a public record: the data is confidential'),
	('us-ct-2026', 'sale', '13(g)(1)', false, 'Sale of the data');

-- A day is 24 hours, independent of anybody's time zone: 21 days are 504 hours.
INSERT INTO ctlpr.statute_retention (statute, rule, clause, period, description, valid_from) VALUES
	('us-ct-2026', 'standard', '13(b)(2)(A)', '504 hours',
	 'Reads are kept no longer than 21 days after capture', '2026-10-01 00:00 America/New_York');
-- Shared with the assessor or the registrant only.  On a finding of compliance the agency deletes them itself, under a request for motor_vehicle_tax.
INSERT INTO ctlpr.statute_retention (statute, rule, clause, period, description, valid_from, shared_purposes, shared_kinds) VALUES
	('us-ct-2026', 'motor_vehicle_tax', '13(b)(2)(C)', '2160 hours',
	 'Reads taken for motor vehicle tax compliance are kept no longer than 90 days after capture', '2026-10-01 00:00 America/New_York',
	 '{motor_vehicle_tax,registrant_request}', '{public_agency}');

-- First match by rank; a vendor, a private party or another state's civil agency matches none.
INSERT INTO ctlpr.statute_recipient (statute, rank, clause, states, agency_kinds, basis, demands, description, valid_from) VALUES
	('us-ct-2026', 10, '13(d)(6)(A)', '{CT}', '{police,public_agency,prosecutor}', 'none', '{case_number}',
	 'A public agency of Connecticut, on a documented, case-specific request (13(d)(8))', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 20, '13(d)(6)(B)', '{NY,RI,MA}', '{police}', 'declaration', '{case_number}',
	 'A law enforcement agency of New York, Rhode Island or Massachusetts with a written declaration, on a documented, case-specific request (13(d)(8))',
	 '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 30, '13(d)(6)(B)', '{CT,NY,RI,MA}', '{task_force}', 'authorization', '{case_number}',
	 'A multijurisdictional task force that declared, for the specific data that its head or designee approved', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 40, '13(d)(6)(C)', NULL, '{police,federal,prosecutor}', 'authorization', '{case_number}',
	 'Any other law enforcement agency, for the specific data of a probable cause warrant or a Terrorist Screening Database match', '2026-10-01 00:00 America/New_York');

-- Instruments for specific data.  A subpoena or a grand jury's demand is no warrant (13(g)(3)).
INSERT INTO ctlpr.statute_authorization (statute, kind, clause, agency_kinds, states, purposes, compels, declared, demands, refused_issuers, description, valid_from) VALUES
	('us-ct-2026', 'probable_cause_warrant', '13(d)(6)(C)', '{police,federal,prosecutor,task_force}', NULL, NULL, true, false, '{plates,captured,issuer}', 'subp[o]?ena|grand[[:space:]]+jury|administrative[[:space:]]+warrant',
	 'A judge''s warrant on probable cause for specific plates and a specific time', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'terrorist_screening_match', '13(d)(6)(C)', '{police,federal,prosecutor,task_force}', NULL, NULL, false, false, '{plates}', NULL,
	 'Specific data on a possible match in the Terrorist Screening Database', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'task_force', '13(d)(6)(B)', '{task_force}', '{CT,NY,RI,MA}', NULL, false, true, '{specific,approver,participant,case_number}', NULL,
	 'Specific data for a specific investigation, approved by the head of a declared task force or the designee, to which an agency of Connecticut belongs', '2026-10-01 00:00 America/New_York'),
	('us-ct-2026', 'court_order', '13(b)(2)(A)(i)', '{prosecutor,other}', NULL, NULL, true, false, '{hold,issuer}', 'subp[o]?ena|grand[[:space:]]+jury',
	 'A court''s order that gives a prosecutor or the defence the evidence of a hold', '2026-10-01 00:00 America/New_York');
INSERT INTO ctlpr.statute_authorization (statute, kind, clause, agency_kinds, states, purposes, demands, description, valid_from) VALUES
	('us-ct-2026', 'registrant', '13(d)(6)(D)', '{police,public_agency,prosecutor}', '{CT}', '{registrant_request}', '{one_plate,captured,consent}',
	 'Reads of a vehicle for the natural persons registered when they were captured, all co-registrants joining', '2026-10-01 00:00 America/New_York');

INSERT INTO ctlpr.statute_policy (statute, kind, clause, agency_kinds, due_on, description) VALUES
	('us-ct-2026', 'usage_and_privacy', '13(f)', '{public_agency,prosecutor}', '2027-01-01',
	 'A usage and privacy policy, published before use and by 2027-01-01'),
	('us-ct-2026', 'model_policy', '14(b)', '{police}', '2027-01-01',
	 'The model policy, or a stricter one, adopted by 2027-01-01');

-- Holds, and what ends them.
INSERT INTO ctlpr.statute_hold (statute, basis, clause, outcome, delay, description) VALUES
	('us-ct-2026', 'court_order', '13(b)(2)(A)(i)', 'order_ended', '0', 'The warrant, the order or the rule of court no longer asks for it'),
	('us-ct-2026', 'highway_fee', '13(b)(2)(A)(ii)', 'fee_collected', '720 hours', 'The highway usage fee was collected: deleted within 30 days'),
	('us-ct-2026', 'highway_fee', '13(b)(2)(A)(ii)', 'no_fee_due', '0', 'No fee is due'),
	('us-ct-2026', 'criminal_evidence', '13(b)(2)(A)(iii)', 'no_charges', '0', 'The investigation was concluded without charges'),
	('us-ct-2026', 'criminal_evidence', '13(b)(2)(A)(iii)', 'final_disposition', '0', 'Final disposition without imprisonment, direct appeals included'),
	('us-ct-2026', 'criminal_evidence', '13(b)(2)(A)(iii)', 'last_defendant_released', '0', 'The last imprisoned defendant was released'),
	('us-ct-2026', 'subsequent_offense', '13(b)(2)(B)', 'no_longer_needed', '0', 'No later offence can be proved a subsequent one with it any more');
-- What reads may be compared with.  The NCIC immigration violator file, and what COLLECT and others pass on of it, is no such list.
INSERT INTO ctlpr.statute_hotlist_source (statute, source, clause, approval, refused_files, refused_clause, description, valid_from)
SELECT 'us-ct-2026', s.source, '13(b)(1)(B)(i)' || s.part, s.approval,
	'{immigration*,immigrant_visa*,deport*,removal_order*,alien_absconder*,visa_overstay*,national_security_entry_exit*,ivf,i_v_f,nseers,ice_detainer,ice_detainers,ice_hold,ice_holds,ice_warrant,ice_warrants,ice_administrative_warrant,ice_administrative_warrants}',
	'13(d)(3)', s.description, '2026-10-01 00:00 America/New_York'
FROM (VALUES
	('local', '(I)', 'entry', 'A hotlist of the agency''s own'),
	('addendum', '(I)', 'entry', 'Internal hotlist addendum: one state facility''s own threat list'),
	('collect', '(II)', 'list', 'Connecticut On-Line Law Enforcement Communications Teleprocessing system (COLLECT)'),
	('fbi_kidnapping', '(III)', 'list', 'FBI Kidnapping and Missing Persons list'),
	('cjis', '(IV)', 'list', 'Connecticut Criminal Justice Information System'),
	('terrorist_screening', '(V)', 'list', 'Terrorist Screening Database'),
	('ncic', '(VI)', 'list', 'National Crime Information Center'),
	('ncmec', '(VII)', 'list', 'National Center for Missing and Exploited Children')) AS s (source, part, approval, description);
