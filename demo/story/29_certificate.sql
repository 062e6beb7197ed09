-- title: The auditor: the certificate of deletion
-- role: ag_auditor
-- law: A certificate for each run and table: what was deleted, of which days and owners, and when (13(b)(2)(A), 13(c)).
-- expect: 1 rows
SELECT seq, relation_name, rows_deleted, partitions_dropped AS dropped,
       oldest_read_on AS oldest, newest_read_on AS newest, owners
FROM ctlpr.purges WHERE rows_deleted > 0;
