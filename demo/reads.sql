-- Generated reads of one day, :reads of them, captured within the 24 hours that end :day days ago.  Plates are made from
-- a number, some cars pass often and most seldom; none bears the plate that the story is about.
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id, position, image_ref)
SELECT now() - (:day + r.moment) * interval '24 hours', p.plate, c.agency_id, c.camera_id, c.position,
	   format('%s/%s.jpg', c.camera_id, r.n)
FROM (SELECT n, random() AS moment, 1 + floor(random() * 24)::int AS camera_id, floor(random() ^ 2 * 200000)::int AS car
	  FROM generate_series(1, :reads) n OFFSET 0) r
	JOIN cameras c USING (camera_id)
	CROSS JOIN LATERAL (SELECT chr(65 + car % 26) || chr(65 + car / 26 % 26) || (10000 + car * 7919::bigint % 90000)) p (plate)
WHERE p.plate <> 'BK40817';
