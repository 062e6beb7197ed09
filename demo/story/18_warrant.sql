-- title: The clerk files a judge's warrant
-- role: city_clerk
-- law: A subpoena is no warrant, whoever signs it (13(g)(3)). A probable cause warrant names the plates and the time that it is
-- law: about (13(d)(6)(C)).
-- expect: LP006
SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{BK40817}',
                       captured => tstzrange(now() - interval '3 days', now()), case_number => 'H-2026-0099',
                       issued_by => 'Grand jury subpoena 114') AS authorization;
-- expect: rows
SELECT ctlpr.authorize('probable_cause_warrant', 'TX-HPD', plates => '{BK40817}',
                       captured => tstzrange(now() - interval '3 days', now()), case_number => 'H-2026-0099',
                       issued_by => 'Judge Alvarado', court => '230th District Court, Harris County',
                       valid_until => now() + interval '10 days', document => 'City Clerk, file 2026-18') AS authorization;
