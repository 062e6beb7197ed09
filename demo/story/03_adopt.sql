-- title: The DBA adopts the act and says who is who
-- role: city_dba
-- quiet
-- law: The act is now in force as rows of data: purposes, retention, recipients, each with its clause.
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency('CT-NHPD', 'New Haven Police Department', kind => 'police', state => 'CT');
SELECT ctlpr.register_agency('CT-HPD', 'Hartford Police Department', kind => 'police', state => 'CT');
SELECT ctlpr.register_agency('MA-BPD', 'Boston Police Department', kind => 'police', state => 'MA');
SELECT ctlpr.register_agency('TX-HPD', 'Houston Police Department', kind => 'police', state => 'TX');
SELECT ctlpr.register_agency('US-ICE', 'Immigration and Customs Enforcement', kind => 'federal', state => 'US');
SELECT ctlpr.bind_role('nhpd_officer', 'CT-NHPD');
SELECT ctlpr.bind_role('nhpd_ingest', 'CT-NHPD', may_ingest => true);
SELECT ctlpr.bind_role('nhpd_hotlist', 'CT-NHPD', may_ingest => true);
SELECT ctlpr.bind_role('nhpd_captain', 'CT-NHPD', supervisor => true);
SELECT ctlpr.bind_role('bpd_detective', 'MA-BPD');
SELECT ctlpr.bind_role('tx_officer', 'TX-HPD');
SELECT ctlpr.bind_role('ice_agent', 'US-ICE');
SELECT ctlpr.bind_auditor('ag_auditor');
