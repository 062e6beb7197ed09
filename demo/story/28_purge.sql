-- title: The purge worker deletes it; whole days go as partitions
-- role: city_dba
-- law: The reads are deleted from the table, and the certificate of it is in the log (13(b)(2)(A)).
-- expect: 1 rows
SELECT * FROM ctlpr.purge('plate_reads');
-- expect: 1 rows
SELECT relation, oldest_read_on, expired_rows, purging FROM ctlpr.retention_status
WHERE relation = 'plate_reads'::regclass;
