-- title: The auditor: who searched
-- role: ag_auditor
-- law: A row for each search, on disk before its reads were released: who, why, how many, how old (14(a)(6), 15(a)(1)(B), (G)).
-- expect: 4 rows
SELECT seq, agency_id, officer, purpose, case_number,
       rows_touched AS touched, oldest_age_days AS days, clause
FROM ctlpr.audit_log
WHERE action = 'select' AND 'BK40817' = ANY (plates) AND allowed ORDER BY seq;
-- expect: 1 rows
SELECT seq, agency_id, purpose, case_number, search_kind, rows_touched AS touched, clause
FROM ctlpr.audit_log
WHERE search_kind = 'area_time' AND allowed AND outcome = 'ok';
