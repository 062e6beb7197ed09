-- title: The clerk loads today's NCIC list
-- role: city_clerk
-- law: A list has a source of the act's, an approver and an expiry (14(a)(1)). What comes from an immigration file is dropped
-- law: and counted, and the rest is loaded (13(d)(3)).
-- expect: rows
SELECT ctlpr.load_hotlist('ncic', approver => 'Lt. Ferraro', expiry => now() + interval '1 day',
                          agency_id => 'CT-NHPD', name => 'daily', entries => '[
    {"plate": "BK40817", "category": "Stolen vehicle", "case_number": "26-40117"},
    {"plate": "QX10444", "category": "Immigration Violator File"}]') AS hotlist;
