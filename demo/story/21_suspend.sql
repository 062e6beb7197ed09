-- title: The state cuts an agency off
-- role: city_clerk
-- quiet
-- law: Where misuse is determined, every agency of the state stops sharing with it, in open sessions too, until whoever
-- law: directed it says otherwise (13(l)).
SELECT ctlpr.suspend_sharing('MA-BPD', directed_by => 'Police Officer Standards and Training Council',
                             reason => 'Determination of 12 November on suspected misuse');
