-- The car of the story: two reads in New Haven and one in Hartford of the last days, one of day 20, one of day 22.
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id, position, image_ref)
SELECT now() - age, 'BK40817', c.agency_id, c.camera_id, c.position, format('%s/story.jpg', c.camera_id)
FROM (VALUES (interval '5 hours', 3), (interval '29 hours', 7), (interval '53 hours', 16),
			 (interval '480 hours', 5), (interval '528 hours', 5)) v (age, camera_id)
	JOIN cameras c USING (camera_id);
CREATE INDEX ON plate_reads (captured_at);
CREATE INDEX ON plate_reads (plate, captured_at);
CREATE INDEX ON plate_reads USING gist (position);
ANALYZE cameras, plate_reads;
