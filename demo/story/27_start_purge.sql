-- title: The DBA looks at what has expired, and begins its deletion with an approval
-- role: city_dba
-- law: What will go is shown by month and owner before anything goes, and who approved it is on record (13(b)(2)(A)).
-- expect: 1 rows
SELECT relation, retention, oldest_read_on, expired_rows, purging FROM ctlpr.retention_status
WHERE expired_rows > 0;
-- quiet
SELECT ctlpr.start_purge('plate_reads', approved_by => 'Records Supervisor Okafor');
