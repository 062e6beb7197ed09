-- title: What would change if the table were governed?
-- role: city_dba
-- law: Each finding comes with the statement that settles it, in a column "remedy" (not shown here).
-- expect: rows
SELECT severity, item, detail FROM ctlpr.preflight('plate_reads');
