-- title: Houston asks under the warrant, for everything it can get
-- role: tx_officer
-- law: Allowed, and all of the table that it sees is that one car in those three days (13(d)(6)(C)).
BEGIN;
-- expect: rows
SELECT ctlpr.begin_request(purpose => 'criminal_investigation', reason => 'Homicide investigation',
                           authorization_id => 1) AS request;
-- expect: 1 rows
SELECT plate, count(*) AS reads, date_trunc('hour', now() - min(captured_at)) AS oldest
FROM plate_reads GROUP BY plate;
COMMIT;
