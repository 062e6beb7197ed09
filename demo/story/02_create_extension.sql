-- title: The superuser installs the extension and hands it over
-- role: postgres
-- law: Who governs tables (the DBA) and who files legal papers (the clerk) are two roles, and neither is the superuser.
CREATE EXTENSION ctlpr CASCADE;
GRANT ctlpr_admin TO city_dba;
GRANT ctlpr_registrar TO city_clerk;
GRANT ctlpr_matcher TO nhpd_hotlist;
