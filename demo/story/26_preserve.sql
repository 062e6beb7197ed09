-- title: Evidence outlives its reads
-- role: nhpd_captain
-- law: A supervisory officer, who is not the one that asks, may hold reads as evidence (13(b)(2)(A)(iii)). They are copied;
-- law: the table itself is purged without exception.
-- expect: rows
SELECT ctlpr.preserve('plate_reads', basis => 'criminal_evidence', purpose => 'Trial for vehicle theft',
                      case_number => '26-40117', requested_by => 'Ofc. Rivera', plates => '{BK40817}') AS hold;
