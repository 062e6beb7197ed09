-- title: A federal agent states an immigration purpose
-- role: ice_agent
-- law: Refused to everybody, whatever the papers (13(d)(3)). The transaction is rolled back; its record is not: the auditor
-- law: finds it below.
BEGIN;
-- expect: LP004
SELECT ctlpr.begin_request(purpose => 'immigration_enforcement', case_number => 'A-5520',
                           officer => 'Agent 41') AS request;
ROLLBACK;
