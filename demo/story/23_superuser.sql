-- title: The superuser, whom row security does not reach, looks into the table
-- role: postgres
-- law: Refused: what skips the policy is not let through (13(d)(6)). In an emergency break_glass() opens it, and is on record.
-- expect: LP010
SELECT count(*) FROM plate_reads;
