-- title: Who passed within 300 metres of a robbery, between two and three hours ago?
-- role: nhpd_officer
-- law: Refused without a reason, allowed with one (13(b)(1)(B)(ii)(I)). The log will say that this was a search by area and
-- law: time.
BEGIN;
-- expect: LP005
SELECT ctlpr.begin_request(purpose => 'criminal_investigation', case_number => '26-40122') AS request;
ROLLBACK;
BEGIN;
-- expect: rows
SELECT ctlpr.begin_request(purpose => 'criminal_investigation', case_number => '26-40122',
                           reason => 'Armed robbery, suspects left in a vehicle') AS request;
-- expect: rows
SELECT count(*) AS reads, count(DISTINCT plate) AS plates
FROM plate_reads
WHERE position && ST_Expand(ST_SetSRID(ST_MakePoint(-72.9292, 41.3005), 4326), 0.003)
  AND captured_at BETWEEN now() - interval '3 hours' AND now() - interval '2 hours';
COMMIT;
