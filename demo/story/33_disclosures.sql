-- title: The auditor: what was shared between agencies
-- role: ag_auditor
-- law: Each time another agency's reads were seen: by whom, on which basis and why, as the annual report asks (15(a)(1)(C)).
-- expect: 5 rows
SELECT seq, agency_id, owner_agency_id AS owner, owner_rows AS reads, basis,
       declaration_id AS declaration, authorization_id AS warrant, purpose
FROM ctlpr.disclosures WHERE outcome = 'ok' ORDER BY seq, owner;
