-- title: The tables come under governance
-- role: city_dba
-- quiet
-- law: From here on: no read without a request, no row before its record is on disk, nothing older than 21 days.
-- law: Expired reads vanish at once; deleting them waits for an approval (13(b)(2)(A)).
SELECT ctlpr.govern('plate_reads', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id',
                    camera => 'camera_id', image => 'image_ref');
SELECT ctlpr.govern('hotlist_hits', captured_at => 'captured_at', plate => 'plate', agency => 'agency_id',
                    camera => 'camera_id');
