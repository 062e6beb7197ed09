-- title: And who else may read the log?
-- role: nhpd_officer
-- law: Nobody who is searched in it: the log is for auditors, and reading it is recorded too (14(a)(6)).
-- expect: 42501
SELECT * FROM ctlpr.audit_log;
