-- title: The auditor: what was shared between agencies
-- role: ag_auditor
-- law: Each time another agency's reads were seen: by whom, on which basis and why, as the annual report asks (15(a)(1)(C)).
-- expect: 3 rows
SELECT seq, agency_id, owner_agency_id AS owner, owner_rows AS reads, basis,
       declaration_id AS declaration, purpose, case_number
FROM ctlpr.disclosures ORDER BY seq, owner;
