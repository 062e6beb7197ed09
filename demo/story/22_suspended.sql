-- title: Boston asks again, its declaration in hand
-- role: bpd_detective
-- law: Refused: a declaration does not outweigh a suspension (13(l)).
BEGIN;
-- expect: LP007
SELECT ctlpr.begin_request(purpose => 'stolen_vehicle', case_number => 'B-771204',
                           officer => 'Det. Walsh') AS request;
ROLLBACK;
