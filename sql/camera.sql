CREATE TABLE ctlpr.camera (camera_id text PRIMARY KEY, agency_id text, fixed boolean, active boolean, barred_by bigint);
