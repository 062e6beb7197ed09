-- title: The auditor: what was refused
-- role: ag_auditor
-- law: Every refusal is here, the immigration purpose (LP004) too, although its transaction was rolled back (13(d)(3), 13(j)).
-- expect: 13 rows
SELECT seq, role, agency_id, action, purpose, sqlstate, clause FROM ctlpr.refusals ORDER BY seq;
