-- title: A New Haven officer looks without saying why
-- role: nhpd_officer
-- law: Refused, and the refusal is on record: the list of permitted purposes is closed (13(b)(1)).
-- expect: LP001
SELECT * FROM plate_reads WHERE plate = 'BK40817';
