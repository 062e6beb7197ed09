-- title: The auditor: what to look into
-- role: ag_auditor
-- law: The attempt under 13(d)(3) is a finding; a read kept too long would be one too, and there is none any more.
-- expect: 1 rows
SELECT severity, agency_id, officer, clause, finding FROM ctlpr.findings WHERE clause = '13(d)(3)';
-- expect: no rows
SELECT finding FROM ctlpr.findings WHERE kind = 'over_retention';
-- expect: 1 rows
SELECT hold_id, basis, case_number, approved_by, reads, ended_at FROM ctlpr.holds;
