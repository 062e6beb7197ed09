-- title: Houston asks
-- role: tx_officer
-- law: Refused: any other state's police needs a judge's probable cause warrant for the specific data (13(d)(6)(C)).
BEGIN;
-- expect: LP006
SELECT ctlpr.begin_request(purpose => 'criminal_investigation', case_number => 'H-2026-0099',
                           reason => 'Homicide investigation') AS request;
ROLLBACK;
