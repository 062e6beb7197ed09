-- 13(d)(6) to (8), 13(g), 13(l), 14: what narrows sharing: suspensions, networks, agencies that share less, missing case numbers, bulk, vendors, training
\getenv source PG_ABS_SRCDIR
\set world :source /sql/include/world.inc
\i :world
-- suspension, of an agency of another state and of one of this state
SELECT ctlpr.file_declaration('MA-BPD', 'Commissioner', current_date - 1) AS declaration \gset
SET ROLE detective;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle', 'B-1');
RESET ROLE;
SELECT ctlpr.suspend_sharing('MA-BPD', 'POST', 'misuse');
SELECT ctlpr.suspend_sharing('MA-BPD', 'POST', 'misuse');
SELECT ctlpr.suspend_sharing('CT-HPD', 'POST', 'misuse');
SET ROLE detective;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle', 'B-1');
SET ROLE officer;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle', '26-1', on_behalf_of => 'MA-BPD');
SET ROLE officer_hpd;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
RESET ROLE;
SELECT ctlpr.resume_sharing('MA-BPD', 'POST', 'cleared');
SELECT ctlpr.resume_sharing('MA-BPD', 'POST', 'cleared');
SELECT ctlpr.resume_sharing('CT-HPD', 'POST', 'cleared');
SET ROLE detective;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle', 'B-1');
RESET ROLE;

-- a declaration that leaves a point out is none
SELECT ctlpr.file_declaration('MA-BPD', 'Commissioner', current_date - 1, affirms_no_care => false);
SELECT ctlpr.file_declaration('MA-BPD', 'Commissioner', current_date - 1, affirms_no_immigration => NULL);
UPDATE ctlpr.declaration SET affirms_no_disclosure = false WHERE declaration_id = :declaration;
SET ROLE detective;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle', 'B-1');
RESET ROLE;
UPDATE ctlpr.declaration SET affirms_no_disclosure = true WHERE declaration_id = :declaration;

-- a network shares while every participant has declared
SELECT ctlpr.register_network('NET', 'A network');
SELECT ctlpr.join_network('NET', 'TX-HPD');
SELECT ctlpr.join_network('NET', 'MA-BPD'), ctlpr.join_network('NET', 'CT-HPD');
SELECT ctlpr.join_network('NET', 'MA-BPD');
SET ROLE detective;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle', 'B-1');
RESET ROLE;
SELECT ctlpr.register_agency('RI-PPD', 'Providence Police', 'police', 'RI') WHERE NOT EXISTS (SELECT FROM ctlpr.agency WHERE agency_id = 'RI-PPD');
SELECT ctlpr.file_declaration('RI-PPD', 'Chief', current_date - 1) AS ri \gset
SELECT ctlpr.join_network('NET', 'RI-PPD');
SELECT ctlpr.withdraw_declaration(:ri, 'lapsed');
SET ROLE detective;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle', 'B-1');
SET ROLE officer_hpd;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle', '26-1');
RESET ROLE;
SELECT ctlpr.leave_network('NET', 'RI-PPD');
SELECT ctlpr.leave_network('NET', 'RI-PPD');
SET ROLE detective;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle', 'B-1');
RESET ROLE;

-- agencies that share less than they may
SELECT ctlpr.limit_sharing('CT-HPD', 'policy', recipient_state => 'MA') AS no_mass \gset
SELECT ctlpr.limit_sharing('CT-HPD', 'policy', recipient_agency => 'CT-NHPD', purpose => 'stolen_vehicle') AS no_cars \gset
SELECT ctlpr.limit_sharing('CT-HPD', 'policy', recipient_kind => 'sheriff');
SELECT ctlpr.limit_sharing('CT-HPD', 'policy', purpose => 'fun');
SET ROLE detective;
BEGIN;
SELECT ctlpr.begin_request('missing_person', 'B-1') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
SELECT ctlpr.begin_request('missing_person', '26-1') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
-- what Hartford withholds from Massachusetts, it withholds from itself on behalf of Massachusetts
SET ROLE officer_hpd;
SELECT ctlpr.begin_request('missing_person', '26-1', on_behalf_of => 'MA-BPD') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
SET ROLE officer;
SELECT ctlpr.begin_request('missing_person', '26-1', on_behalf_of => 'MA-BPD') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
RESET ROLE;
-- but not against a judge
SELECT ctlpr.authorize('probable_cause_warrant', 'MA-BPD', plates => '{HA1}', captured => tstzrange(now() - interval '20 days', now()), issued_by => 'Judge A') AS warrant \gset
SET ROLE detective;
BEGIN;
SELECT ctlpr.begin_request('missing_person', 'B-1', authorization_id => :warrant) > 0 AS begun;
SELECT agency_id, plate FROM plate_reads;
COMMIT;
RESET ROLE;
SELECT ctlpr.lift_limit(:no_mass, 'changed'), ctlpr.lift_limit(:no_cars, 'changed');
SELECT ctlpr.lift_limit(:no_cars, 'changed');
SELECT ctlpr.forbid_purpose('CT-HPD', 'weigh_station', 'policy') AS no_weighing \gset
SET ROLE officer_hpd;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('weigh_station');
SET ROLE officer;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('weigh_station');
BEGIN;
SELECT ctlpr.begin_request('weigh_station', '26-1') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
RESET ROLE;
SELECT ctlpr.lift_limit(:no_weighing, 'changed');
-- a shorter retention hides at once, and does not come in
SELECT ctlpr.set_agency_option('CT-NHPD', retention => '505 hours');
SELECT ctlpr.set_agency_option('CT-NHPD', retention => '1 month');
SELECT ctlpr.set_agency_option('CT-NHPD', retention => '100 hours');
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
SET ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() - interval '101 hours', 'LATE', 'CT-NHPD');
INSERT INTO plate_reads (captured_at, plate, agency_id) VALUES (now() - interval '99 hours', 'ONTIME', 'CT-NHPD');
RESET ROLE;
-- what is expired stays so when the agency keeps its reads for longer again, and the option is left as it is by what does not name it
SELECT ctlpr.set_agency_option('CT-NHPD', oversight => 'Deputy Chief');
SELECT ctlpr.set_agency_option('CT-NHPD', retention => '504 hours');
SELECT retention, oversight, demands_training, hidden_before BETWEEN now() - interval '101 hours' AND now() - interval '100 hours' AS hidden FROM ctlpr.agency_option;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
RESET ROLE;
SELECT sum(reads) FILTER (WHERE agency_id = 'CT-NHPD') AS to_purge FROM ctlpr.expired_reads('plate_reads');
DELETE FROM ctlpr.agency_option;
-- ... as under a contract that has ended
SELECT ctlpr.register_agency('V-2', 'A vendor', 'vendor', 'US') WHERE NOT EXISTS (SELECT FROM ctlpr.agency WHERE agency_id = 'V-2');
SELECT ctlpr.register_contract('V-2', 'CT-NHPD', current_date - 5, retention => '200 hours') AS contract \gset
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
RESET ROLE;
SELECT ctlpr.end_contract(:contract, 'the next vendor');
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
RESET ROLE;
DELETE FROM ctlpr.contract;
-- ... and when the statute allows more from a day on
INSERT INTO ctlpr.statute_retention SELECT statute, rule, clause, '1000 hours', description, now() FROM ctlpr.statute_retention WHERE statute = 'us-ct-2026' AND rule = 'standard';
UPDATE ctlpr.statute_retention SET valid_until = now() WHERE statute = 'us-ct-2026' AND rule = 'standard' AND period = '504 hours';
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
RESET ROLE;
DELETE FROM ctlpr.statute_retention WHERE statute = 'us-ct-2026' AND rule = 'standard' AND period = '1000 hours';
UPDATE ctlpr.statute_retention SET valid_until = 'infinity' WHERE statute = 'us-ct-2026' AND rule = 'standard';

-- a case number that follows, for somebody in danger
SET ROLE officer;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('missing_person', ' Pending ', on_behalf_of => 'MA-BPD');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle', 'pending', on_behalf_of => 'MA-BPD');
BEGIN;
SELECT ctlpr.begin_request('missing_person', 'PENDING') AS pending \gset
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
SELECT ctlpr.begin_request('stolen_vehicle', 'pending') AS not_pending \gset
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
SELECT ctlpr.complete_request(:pending, E' pending\t');
SELECT ctlpr.complete_request(:pending, '');
SELECT ctlpr.complete_request(NULL, '26-9');
SET ROLE officer_hpd;
SELECT ctlpr.complete_request(:pending, '26-9');
SET ROLE stranger;
SELECT ctlpr.complete_request(:pending, '26-9');
SET ROLE officer;
SELECT ctlpr.complete_request(:pending, '26-9');
SELECT ctlpr.complete_request(:pending, '26-9');
SELECT ctlpr.complete_request(:not_pending + 1000, '26-9');

-- passed on outside of the database
SELECT ctlpr.record_disclosure(:pending, 'CT-HPD', 'shown') > 0 AS recorded;
SELECT ctlpr.record_disclosure(:pending, 'MA-BPD', 'shown') > 0 AS recorded;
SELECT ctlpr.record_disclosure(:pending, 'US-ICE', 'shown') > 0 AS recorded;
SELECT ctlpr.record_disclosure(:pending, 'NOBODY', 'shown') > 0 AS recorded;
-- what was found without a case is not passed on, nor what its owner withholds
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle') AS caseless \gset
SELECT count(*) FROM plate_reads WHERE plate = 'NH1';
COMMIT;
SELECT ctlpr.record_disclosure(:caseless, 'CT-HPD', 'shown') > 0 AS recorded;
RESET ROLE;
SELECT ctlpr.limit_sharing('CT-NHPD', 'policy', recipient_state => 'MA') AS limited \gset
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') AS with_case \gset
SELECT count(*) FROM plate_reads WHERE plate = 'NH1';
COMMIT;
SELECT ctlpr.record_disclosure(:with_case, 'CT-HPD', 'shown') > 0 AS recorded;
SELECT ctlpr.record_disclosure(:with_case, 'MA-BPD', 'shown') > 0 AS recorded;
RESET ROLE;
SELECT ctlpr.lift_limit(:limited, 'the test is over');
SET ROLE officer;
RESET ROLE;

-- bulk: other agencies' reads, counted as they are touched
SET ctlpr.bulk_row_limit = 7;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
SELECT count(*) FROM plate_reads WHERE plate = 'HA1';
SAVEPOINT a;
SELECT count(*) FROM plate_reads;
ROLLBACK TO a;
SELECT count(*) FROM plate_reads WHERE agency_id = 'CT-NHPD';
SELECT ctlpr.begin_request('stolen_vehicle') > 0 AS begun;
SELECT count(*) FROM plate_reads;
COMMIT;
SET ctlpr.bulk_row_limit = 0;
RESET ROLE;
SET ctlpr.bulk_row_limit = 8;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
SELECT count(*) FROM plate_reads;
DECLARE c CURSOR FOR SELECT 1 FROM plate_reads r, generate_series(1, 3) g;
FETCH 5 FROM c \g /dev/null
FETCH ALL FROM c \g /dev/null
ROLLBACK;
RESET ROLE;
-- ... in however many statements of a function, and caught or not
CREATE FUNCTION some_reads(n int) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT plate FROM plate_reads WHERE agency_id = 'CT-HPD' ORDER BY captured_at LIMIT 3; END $$;
SET ROLE officer;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
SELECT count(*) FROM some_reads(1);
SELECT count(p) FROM generate_series(1, 5) n, some_reads(n) p;
ROLLBACK;
BEGIN;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
DO $$
BEGIN
	FOR i IN 1 .. 5 LOOP
		BEGIN
			PERFORM some_reads(i);
			RAISE WARNING 'round %', i;
		EXCEPTION WHEN OTHERS THEN
			RAISE WARNING 'round %: %', i, SQLSTATE;
		END;
	END LOOP;
END $$;
ROLLBACK;
RESET ROLE;
DROP FUNCTION some_reads;
-- ... by a leader and its workers together, who leave one refusal
SET ctlpr.bulk_row_limit = 5000;
SET parallel_setup_cost = 0;
SET parallel_leader_participation = off;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT coalesce(max(seq), 0) AS bulk_seq FROM ctlpr.audit_entry \gset
BEGIN;
SET LOCAL ROLE camera_feed;
INSERT INTO plate_reads (captured_at, plate, agency_id) SELECT now() - n * interval '1 second', 'BULK', 'CT-NHPD' FROM generate_series(1, 30000) n;
SET LOCAL ROLE officer_hpd;
SELECT ctlpr.begin_request('stolen_vehicle', '26-1') > 0 AS begun;
SELECT count(*) FROM plate_reads WHERE captured_at > now() - interval '10 hours' AND plate <> 'none';
ROLLBACK;
SELECT sqlstate, clause, count(*) FROM pg_temp.log_since(:bulk_seq) WHERE NOT allowed GROUP BY 1, 2;
RESET parallel_setup_cost;
RESET parallel_leader_participation;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET ctlpr.bulk_row_limit;

-- a vendor acts for its contracting agencies alone
SELECT ctlpr.register_agency('V-1', 'A vendor', 'vendor', 'US') WHERE NOT EXISTS (SELECT FROM ctlpr.agency WHERE agency_id = 'V-1');
CREATE ROLE vendor_pool;
GRANT SELECT ON plate_reads TO vendor_pool;
SELECT ctlpr.bind_role('vendor_pool', 'V-1');
SELECT ctlpr.register_contract('V-1', 'CT-HPD', current_date - 1) AS contract \gset
SET ROLE vendor_pool;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('hotlist_comparison');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('hotlist_comparison', on_behalf_of => 'CT-NHPD');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('hotlist_comparison', on_behalf_of => 'NOBODY');
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('criminal_investigation', '26-1', 'homicide', on_behalf_of => 'CT-HPD');
BEGIN;
SELECT ctlpr.begin_request('hotlist_comparison', '26-1', on_behalf_of => 'CT-HPD') > 0 AS begun;
SELECT agency_id, count(*) FROM plate_reads GROUP BY 1 ORDER BY 1;
COMMIT;
RESET ROLE;
SELECT ctlpr.end_contract(:contract, 'over');
SET ROLE vendor_pool;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('hotlist_comparison', on_behalf_of => 'CT-HPD');
RESET ROLE;
SELECT agency_id, agency_kind, on_behalf_of, basis FROM ctlpr.audit_entry WHERE seq > :start_seq AND role = 'vendor_pool' AND entry = 'verdict' ORDER BY seq;
SELECT ctlpr.unbind_role('vendor_pool', 'V-1');
DROP OWNED BY vendor_pool;
DROP ROLE vendor_pool;
DELETE FROM ctlpr.contract;

-- training, where the agency asks for it
SELECT ctlpr.set_agency_option('CT-NHPD', demands_training => true);
SELECT ctlpr.register_officer('CT-NHPD', 'Trained', current_date + 1), ctlpr.register_officer('CT-NHPD', 'Lapsed', current_date - 2);
SET ROLE officer;
SELECT o, allowed, sqlstate, clause FROM (VALUES (NULL), ('Trained'), ('Lapsed'), ('Nobody')) v (o), LATERAL ctlpr.check_request('stolen_vehicle', officer => o);
SET ROLE officer_hpd;
SELECT allowed, sqlstate, clause FROM ctlpr.check_request('stolen_vehicle');
RESET ROLE;
DELETE FROM ctlpr.agency_option;
DELETE FROM ctlpr.officer;

-- on record
SELECT role, action, allowed, sqlstate, clause, count(*) FROM ctlpr.audit_entry
WHERE seq > :start_seq AND entry = 'verdict' AND action IN ('complete_request', 'disclosure', 'select') AND NOT allowed OR seq > :start_seq AND action IN ('complete_request', 'disclosure') AND entry = 'verdict'
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;
SELECT count(ctlpr.withdraw_declaration(declaration_id, 'the test is over')) FROM ctlpr.declaration WHERE withdrawn_at IS NULL;
SELECT ctlpr.leave_network(network_id, agency_id) FROM ctlpr.network_member;
