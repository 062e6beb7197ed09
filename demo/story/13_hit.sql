-- title: New Haven compares its reads with it: a hit
-- role: nhpd_hotlist
-- law: Comparing is a purpose of its own, and the source compared with is on record (13(b)(1)(B)(i)(VI)). A hit is a read: it
-- law: keeps the time of capture, and with that its 21 days (13(b)(2)).
BEGIN;
-- expect: rows
SELECT ctlpr.begin_request(purpose => 'hotlist_comparison') AS request;
-- expect: 1 rows
SELECT ctlpr.match_hotlist('plate_reads', 'hotlist_hits', since => now() - interval '1 hour') AS hits;
-- expect: 1 rows
SELECT plate, camera_id, now() - captured_at < interval '1 hour' AS of_this_hour FROM hotlist_hits;
COMMIT;
