-- title: Boston asks
-- role: bpd_detective
-- law: Refused: a Massachusetts agency must first declare in writing that it keeps to the prohibitions (13(d)(6)(B)).
BEGIN;
-- expect: LP006
SELECT ctlpr.begin_request(purpose => 'stolen_vehicle', case_number => 'B-771204',
                           officer => 'Det. Walsh') AS request;
ROLLBACK;
