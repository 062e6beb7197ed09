/*
 * us-nh.sql - New Hampshire RSA 261:75-b as rows: AN EXAMPLE THAT NO COUNSEL
 * HAS CHECKED.
 *
 * It shows that a law of three minutes needs no code of its own.  Written from
 * the section as published in 2023 and from what is commonly said of it; who
 * wants to rely on it has it checked first, see docs/statutes.md.  What it
 * does not express stands there too.
 *
 * The section and its dates are older than any reader that this extension
 * meets, so its rules have no beginning.
 */
INSERT INTO ctlpr.statute (statute, title, state, time_zone, citation, shipped) VALUES
	('us-nh', 'New Hampshire RSA 261:75-b: number plate scanning devices (an example that no counsel has checked)', 'NH', 'America/New_York',
	 'New Hampshire Revised Statutes Annotated 261:75-b and 259:68-a; an example that no counsel has checked', true);

-- Law enforcement alone, for a closed list.  X: records identify the officer involved and the purpose.
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, agency_kinds, demands, description)
SELECT 'us-nh', p.purpose, 'RSA 261:75-b, ' || p.paragraph, true, '{police}', p.demands, p.description
FROM (VALUES
	('stolen_vehicle', 'V(a)', '{officer}'::text[], 'To identify a stolen vehicle'),
	('missing_person', 'V(b)', '{officer}', 'To identify a vehicle associated with a missing or endangered person'),
	('wanted_person', 'V(b)', '{officer}', 'To identify a vehicle associated with a wanted person'),
	('outstanding_warrant', 'V(c)', '{officer}', 'To identify a vehicle registered to a person against whom there is an outstanding warrant'),
	('suspended_privilege', 'V(d)', '{officer}', 'To identify a vehicle registered to a person whose license, privilege or registration is suspended or revoked'),
	('suspected_offense', 'V(e)', '{officer,reason}', 'To identify a vehicle registered to a person suspected of a crime, of carrying stolen items or contraband, or of a motor vehicle violation'),
	('commercial_trucking', 'V(f)', '{officer}', 'To identify a vehicle in violation of commercial trucking requirements'),
	('criminal_investigation', 'V(g)', '{officer,case_number}', 'To identify a vehicle involved in case-specific criminal investigative surveillance'),
	('major_crime', 'V(h)', '{officer,case_number}', 'To identify a vehicle involved in a homicide, a shooting or another major crime or incident'),
	('recent_crime', 'V(i)', '{officer,case_number}', 'To identify a vehicle in the vicinity of a recent crime that may be connected to it')
) AS p (purpose, paragraph, demands, description);

-- The device compares by itself; whoever holds the data keeps it safe.
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, agency_kinds, standing, standing_only, description) VALUES
	('us-nh', 'hotlist_comparison', 'RSA 261:75-b, IV', true, '{police}', true, false,
	 'Comparison with the lists that the agency keeps current in the device'),
	('us-nh', 'backup', 'RSA 261:75-b, VIII', true, '{police}', true, true,
	 'Backup by a program; what is older than three minutes is in no backup');

-- Known elsewhere and on no list here.
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, description)
SELECT 'us-nh', p.purpose, 'RSA 261:75-b, V', false, p.description
FROM (VALUES
	('parking_enforcement', 'Parking enforcement: not on the list'),
	('traffic_analytics', 'Traffic analytics: not on the list'),
	('motor_vehicle_tax', 'Motor vehicle tax compliance: not on the list'),
	('weigh_station', 'Weigh station duties: not on the list'),
	('own_vehicles', 'The agency''s own vehicles: not on the list'),
	('secured_area_access', 'Access control of a secured area: not on the list'),
	('state_facility_security', 'Securing state facilities: not on the list'),
	('immigration_enforcement', 'Immigration enforcement: not on the list'),
	('protected_activity', 'Identifying people in First Amendment activity: not on the list'),
	('public_records', 'Disclosure as a public record: not on the list'),
	('sale', 'Sale of the data: not on the list')
) AS p (purpose, description);

INSERT INTO ctlpr.statute_retention (statute, rule, clause, period, description) VALUES
	('us-nh', 'standard', 'RSA 261:75-b, VIII', '3 minutes',
	 'Records of number plates read are purged within three minutes of their capture');

-- Not transmitted anywhere: nobody but the agency that read sees a read, in this state or another.
INSERT INTO ctlpr.statute_recipient (statute, rank, clause, states, agency_kinds, basis, description) VALUES
	('us-nh', 1000, 'RSA 261:75-b, VIII', NULL, '{police,public_agency,task_force,prosecutor,federal,vendor,other}', 'authorization',
	 'Records of number plates read are transmitted to nobody; a court''s order opens what is held');

INSERT INTO ctlpr.statute_authorization (statute, kind, clause, agency_kinds, states, compels, demands, refused_issuers, description) VALUES
	('us-nh', 'court_order', 'RSA 261:75-b, VIII', '{prosecutor,other}', '{NH}', true, '{hold,issuer}', 'subp[o]?ena|grand[[:space:]]+jury',
	 'A court''s order that gives a prosecutor or the defence the reads that are held for their case');

-- Mounted on a vehicle, attended and operated by an officer.
INSERT INTO ctlpr.statute_camera (statute, fixed, clause, permitted, attended, description) VALUES
	('us-nh', true, 'RSA 259:68-a', false, false, 'A reader is mounted on a vehicle, so a fixed one is none that the law permits'),
	('us-nh', false, 'RSA 259:68-a', true, true, 'A reader is attended and operated by a law enforcement officer');

-- What may be kept until final court disposition.
INSERT INTO ctlpr.statute_hold (statute, basis, clause, outcome, description) VALUES
	('us-nh', 'arrest_or_citation', 'RSA 261:75-b, VIII', 'final_disposition', 'The case of the arrest, citation or protective custody came to its final disposition in court'),
	('us-nh', 'arrest_or_citation', 'RSA 261:75-b, VIII', 'no_case', 'No case came of it'),
	('us-nh', 'wanted_or_stolen', 'RSA 261:75-b, VIII', 'final_disposition', 'The case of the vehicle that was broadcast as stolen, or for a missing or wanted person, came to its final disposition in court'),
	('us-nh', 'wanted_or_stolen', 'RSA 261:75-b, VIII', 'no_case', 'No case came of it');

INSERT INTO ctlpr.statute_hotlist_source (statute, source, clause, approval, description) VALUES
	('us-nh', 'local', 'RSA 261:75-b, IV', 'entry', 'A list of the agency''s own, changed by hand as bulletins come and go'),
	('us-nh', 'state', 'RSA 261:75-b, IV', 'list', 'List of the state: suspended, revoked or wanted'),
	('us-nh', 'ncic', 'RSA 261:75-b, IV', 'list', 'National Crime Information Center');

-- Due before the first use; a day long past has it found missing at once.
INSERT INTO ctlpr.statute_policy (statute, kind, clause, agency_kinds, due_on, description) VALUES
	('us-nh', 'device_policy', 'RSA 261:75-b, III', '{police}', '2000-01-01',
	 'A policy on the use of the devices, and a documented training process, in effect before a device is registered and used');
