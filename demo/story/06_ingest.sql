-- title: Reads go on coming in
-- role: nhpd_ingest
-- law: Ingest needs no request, but an agency brings in its own reads only, and none that is past retention already
-- law: (13(b)(2)(A)).
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id, position)
SELECT now(), 'BK40817', agency_id, camera_id, position FROM cameras WHERE camera_id = 9;
-- expect: LP013
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id, position)
SELECT now() - interval '25 days', 'BK40817', agency_id, camera_id, position
FROM cameras WHERE camera_id = 9;
-- expect: LP013
INSERT INTO plate_reads (captured_at, plate, agency_id, camera_id, position)
SELECT now(), 'BK40817', agency_id, camera_id, position FROM cameras WHERE camera_id = 20;
