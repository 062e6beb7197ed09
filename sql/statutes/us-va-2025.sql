/*
 * us-va-2025.sql - Virginia Code 2.2-5517 of 2025 as rows: AN EXAMPLE THAT NO
 * COUNSEL HAS CHECKED.
 *
 * It shows in-state sharing, a clock of its own for the audit trail, and a list
 * of purposes that differs from Connecticut's, without code.  Written from
 * summaries of House Bill 2724 (2025): clauses name the subject and no
 * subsection, since nobody has checked the letters.  Later amendments are not
 * in it.  Who wants to rely on it has it checked first, see docs/statutes.md.
 */
INSERT INTO ctlpr.statute (statute, title, state, time_zone, citation, shipped, log_retention, log_clause) VALUES
	('us-va-2025', 'Virginia Code 2.2-5517: automatic license plate recognition systems (an example that no counsel has checked)', 'VA', 'America/New_York',
	 'Code of Virginia 2.2-5517, as enacted by House Bill 2724 of 2025; an example that no counsel has checked', true, '2 years', '2.2-5517 (audit trail)');

-- Law enforcement of the state.  The audit trail has who and why, so each demands them.
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, agency_kinds, demands, description, valid_from)
SELECT 'us-va-2025', p.purpose, '2.2-5517 (purposes) ' || p.item, true, p.kinds, p.demands, p.description, '2025-07-01 00:00 America/New_York'
FROM (VALUES
	('criminal_investigation', '(i)', '{police,prosecutor}'::text[], '{reason,officer}'::text[],
	 'Part of an investigation of an alleged crime under the law of Virginia or of a locality, on reasonable suspicion'),
	('missing_person', '(ii)', '{police}', '{reason,officer}', 'Part of an active investigation related to a missing or endangered person, or whether to issue an alert'),
	('human_trafficking', '(ii)', '{police}', '{reason,officer}', 'Part of an active investigation related to a person associated with human trafficking'),
	('outstanding_warrant', '(iii)', '{police}', '{reason,officer}', 'Notification related to a person with an outstanding warrant'),
	('stolen_vehicle', '(iii)', '{police}', '{reason,officer}', 'Notification related to a stolen vehicle'),
	('stolen_plate', '(iii)', '{police}', '{reason,officer}', 'Notification related to a stolen license plate')
) AS p (purpose, item, kinds, demands, description);

-- What programs do: notifications from lists, and keeping the data safe.
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, agency_kinds, standing, standing_only, description, valid_from) VALUES
	('us-va-2025', 'hotlist_comparison', '2.2-5517 (purposes) (iii)', true, '{police}', true, false,
	 'Notifications related to missing or endangered persons, outstanding warrants, human trafficking, stolen vehicles and stolen plates', '2025-07-01 00:00 America/New_York'),
	('us-va-2025', 'backup', '2.2-5517 (security)', true, '{police,vendor}', true, true,
	 'Backup by a program, under the duty to keep the data safe', '2025-07-01 00:00 America/New_York');
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, agency_kinds, demands, description, valid_from) VALUES
	('us-va-2025', 'system_maintenance', '2.2-5517 (sharing)', true, '{police,vendor}', '{reason,officer}',
	 'Maintenance and quality assurance of the system by the agency or its vendor', '2025-07-01 00:00 America/New_York');

-- Known elsewhere and on no list here, or forbidden by name.
INSERT INTO ctlpr.statute_purpose (statute, purpose, clause, permitted, description, valid_from)
SELECT 'us-va-2025', p.purpose, p.clause, false, p.description, '2025-07-01 00:00 America/New_York'
FROM (VALUES
	('parking_enforcement', '2.2-5517 (purposes)', 'Parking enforcement: not on the list'),
	('traffic_analytics', '2.2-5517 (purposes)', 'Traffic analytics: not on the list'),
	('motor_vehicle_tax', '2.2-5517 (purposes)', 'Motor vehicle tax compliance: not on the list'),
	('immigration_enforcement', '2.2-5517 (purposes)', 'Immigration enforcement: not on the list'),
	('protected_activity', '2.2-5517 (prohibited use)', 'Interfering with lawful activities, or tracking people for the content of lawful speech'),
	('public_records', '2.2-5517 (confidentiality)', 'Disclosure as a public record'),
	('sale', '2.2-5517 (sharing)', 'Sale of the data')
) AS p (purpose, clause, description);

-- A day is 24 hours: 21 days are 504 hours.
INSERT INTO ctlpr.statute_retention (statute, rule, clause, period, description, valid_from) VALUES
	('us-va-2025', 'standard', '2.2-5517 (retention)', '504 hours', 'System data is purged 21 days after capture', '2025-07-01 00:00 America/New_York');

-- In the state only; the last row names the clause that keeps everybody else out, for no instrument is for them.
INSERT INTO ctlpr.statute_recipient (statute, rank, clause, states, agency_kinds, basis, demands, description, valid_from) VALUES
	('us-va-2025', 10, '2.2-5517 (sharing)', '{VA}', '{police}', 'none', '{reason}',
	 'Another law enforcement agency of Virginia, for one of the purposes', '2025-07-01 00:00 America/New_York'),
	('us-va-2025', 20, '2.2-5517 (sharing)', '{VA}', '{prosecutor}', 'none', '{reason,case_number}',
	 'An attorney for the Commonwealth, for one of the purposes or in a proceeding', '2025-07-01 00:00 America/New_York'),
	('us-va-2025', 1000, '2.2-5517 (sharing)', NULL, '{police,public_agency,task_force,prosecutor,federal,vendor,other}', 'authorization', '{}',
	 'Nobody of another state, nor a federal, private or commercial entity', '2025-07-01 00:00 America/New_York');

INSERT INTO ctlpr.statute_authorization (statute, kind, clause, agency_kinds, states, compels, demands, refused_issuers, description, valid_from) VALUES
	('us-va-2025', 'court_order', '2.2-5517 (sharing)', '{prosecutor,other}', '{VA}', true, '{specific,issuer}', 'administrative[[:space:]]+subp[o]?ena',
	 'A court''s order, or a subpoena duces tecum that a court issued, for specific data, to a party of the proceeding', '2025-07-01 00:00 America/New_York');

INSERT INTO ctlpr.statute_policy (statute, kind, clause, agency_kinds, due_on, description) VALUES
	('us-va-2025', 'usage_policy', '2.2-5517 (policy)', '{police}', '2025-07-01', 'A policy on the use of the system');

-- What is part of an investigation or a proceeding, until it ends.
INSERT INTO ctlpr.statute_hold (statute, basis, clause, outcome, description) VALUES
	('us-va-2025', 'criminal_evidence', '2.2-5517 (retention)', 'no_charges', 'The investigation was concluded without charges'),
	('us-va-2025', 'criminal_evidence', '2.2-5517 (retention)', 'final_disposition', 'Final disposition of the proceeding, appeals included'),
	('us-va-2025', 'civil_action', '2.2-5517 (retention)', 'final_disposition', 'Final disposition of the action, appeals included');

-- Immigration files are none of the notifications that the section lists.
INSERT INTO ctlpr.statute_hotlist_source (statute, source, clause, approval, refused_files, refused_clause, description, valid_from)
SELECT 'us-va-2025', s.source, '2.2-5517 (purposes) (iii)', s.approval,
	'{immigration*,immigrant_visa*,deport*,removal_order*,alien_absconder*,visa_overstay*,national_security_entry_exit*,ivf,i_v_f,nseers,ice_detainer,ice_detainers,ice_hold,ice_holds,ice_warrant,ice_warrants,ice_administrative_warrant,ice_administrative_warrants}',
	'2.2-5517 (purposes)', s.description, '2025-07-01 00:00 America/New_York'
FROM (VALUES
	('local', 'entry', 'A list of the agency''s own'),
	('vcin', 'list', 'Virginia Criminal Information Network'),
	('ncic', 'list', 'National Crime Information Center'),
	('ncmec', 'list', 'National Center for Missing and Exploited Children')) AS s (source, approval, description);
