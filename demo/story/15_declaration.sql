-- title: The clerk files Boston's declaration
-- role: city_clerk
-- law: Legal staff file it, not the DBA; it takes effect at once, in open sessions too (13(d)(6)(B)).
-- expect: rows
SELECT ctlpr.file_declaration('MA-BPD', signed_by => 'Police Commissioner',
                              signed_on => current_date - 3,
                              document => 'Town Clerk, volume 12, page 40') AS declaration;
