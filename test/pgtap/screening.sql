-- screening.sql - what a stated reason reveals is looked for by rows that an administrator writes, 13(d)(1) to (4).
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT no_plan();

CREATE ROLE screening_admin IN ROLE ctlpr_admin;
CREATE ROLE screening_auditor IN ROLE ctlpr_auditor;
SELECT ctlpr.adopt_statute('us-ct-2026');
SELECT ctlpr.register_agency('CT-SCPD', 'Screening Police', 'police', 'CT');

CREATE FUNCTION pg_temp.found(reason text) RETURNS text LANGUAGE sql AS
	'SELECT coalesce((SELECT concat_ws('' '', s.action, s.category, s.term) FROM ctlpr.screen_reason(reason) s), ''nothing'')';
-- A category of its own, so that only the term under test decides
CREATE FUNCTION pg_temp.matches(pattern text, reason text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	result boolean;
BEGIN
	PERFORM ctlpr.set_screen_term(pattern, 'trial', 'refuse', '13(d)');
	result := EXISTS (SELECT FROM ctlpr.screen_reason(reason) s WHERE s.category = 'trial');
	PERFORM ctlpr.drop_screen_term(pattern);
	RETURN result;
END
$$;

-- How a pattern is read
SELECT is(pg_temp.matches('zebra', 'a Zebra ran'), true, 'a word in any case');
SELECT is(pg_temp.matches('zebra', 'zebras ran'), false, 'a word, not a part of one');
SELECT is(pg_temp.matches('zebra*', 'zebras ran'), true, 'word* is the beginning of one');
SELECT is(pg_temp.matches('zebra*', 'a grazebra'), false, 'and not its end');
SELECT is(pg_temp.matches('giraffes~', w), true, format('word~ takes "%s"', w)) FROM unnest('{giraffes,girafes,giraffess,giraffas,gifraffes,igraffes,giarffes}'::text[]) w;
SELECT is(pg_temp.matches('giraffes~', w), false, format('word~ does not take "%s"', w)) FROM unnest('{girafs,giraffesss,gairfefs,griaffse}'::text[]) w;
SELECT is(pg_temp.matches('zebra lion', 'zebra lion'), true, 'words that follow each other');
SELECT is(pg_temp.matches('zebra lion', 'zebra and lion'), false, 'and nothing between them');
SELECT is(pg_temp.matches('zebra .. lion', 'zebra ' || repeat('and ', n) || 'lion'), n <= 4, format('.. is up to four words: %s', n)) FROM generate_series(0, 5) n;
SELECT is(pg_temp.matches('zebra (lion|tiger*)', w), true, 'one of several: ' || w) FROM unnest('{zebra lion,zebra tigers}'::text[]) w;
SELECT is(pg_temp.matches('zebra and? lion', w), true, 'an element that may be missing: ' || w) FROM unnest('{zebra lion,zebra and lion}'::text[]) w;
SELECT is(pg_temp.matches('zebra and? lion', 'zebra and and lion'), false, 'once at most');
SELECT is(pg_temp.matches('^^ (zebra|lion)+ $$', w), true, 'an element once or more: ' || w) FROM unnest('{zebra,lion,zebra lion zebra}'::text[]) w;
SELECT is(pg_temp.matches('^^ (zebra|lion)+ $$', w), false, 'and nothing else: ' || w) FROM unnest('{zebra ox lion,ox zebra,zebra ox}'::text[]) w;
SELECT is(pg_temp.matches('zebra _ lion', w), w = 'zebra ox lion', '_ is one word: ' || w) FROM unnest('{zebra lion,zebra ox lion,zebra ox ox lion}'::text[]) w;
SELECT is(pg_temp.matches('^ zebra $', w), true, 'a part of the text: ' || w) FROM unnest(ARRAY['zebra', 'Theft - zebra', 'zebra - theft', 'Theft; zebra', E'theft\nzebra', 'Theft- zebra']) w;
SELECT is(pg_temp.matches('^ zebra $', w), false, 'no part of its own: ' || w) FROM unnest('{a zebra,theft-zebra,zebra/theft}'::text[]) w;
SELECT is(pg_temp.matches('^^ zebra $$', 'Theft - zebra'), false, '^^ and $$ are the ends of the whole text');
SELECT is(pg_temp.matches('zebra #', w), true, 'a case number: ' || w) FROM unnest('{zebra 26-10423,zebra 2604c0266,zebra 2026-00012345,zebra 26.03.11.0356,zebra PA2026-183499,zebra 260011373,zebra CR#26-00123}'::text[]) w;
SELECT is(pg_temp.matches('zebra #', w), false, 'no case number: ' || w) FROM unnest('{zebra 10851,zebra 187 PC,zebra 664/187,zebra 11370.1,zebra 661-187}'::text[]) w;

-- What a word is dressed in
SELECT is(pg_temp.matches('zebra', w), true, 'however it is written: ' || w) FROM unnest(ARRAY['ZEBRA', 'z.e.b.r.a', 'Z E B R A', 'z-e-b-r-a', 'z_e_b_r_a', 'ze-bra', 'z3br4', 'z€br@',
	U&'\1DBB\1D49\1D47\02B3\1D43'] || ARRAY[U&'z\200Be\200Bb\200Br\200Ba', U&'ze\00ADbra', U&'z\00E9bra', U&'ze\0301bra', U&'\FF3A\FF25\FF22\FF32\FF21', U&'z\0435br\0430', U&'\200Fzebra', U&'\+01D433\+01D41E\+01D41B\+01D42B\+01D41A', U&'\1D22\1D07\0299\0280\1D00',
	U&'\+01F1FF\+01F1EA\+01F1E7\+01F1F7\+01F1E6']) w;
SELECT is(pg_temp.matches('zebras', 'the zebra''s friend'), true, 'an apostrophe divides no word');
SELECT is(pg_temp.matches('million', w), true, 'i, l, 1, ! and | are one: ' || w) FROM unnest('{mi11ion,milllon,M!LL!ON,m|ll|on,rnillion}'::text[]) w;
SELECT is(pg_temp.matches('zebra', w), false, 'and not what only contains it: ' || w) FROM unnest('{zebrafish,a z ebrah,alze bra}'::text[]) w;
SELECT is(pg_temp.matches('alien', 'a lien holder'), false, 'words are not put together across spaces, but for very short ones');

-- Lawful terms cover the words that they name
SELECT lives_ok($$SELECT ctlpr.set_screen_term('zebra', 'trial', 'refuse', '13(d)'), ctlpr.set_screen_term('lost .. zebra', 'trial', 'lawful'),
	ctlpr.set_screen_term('for zebra', 'trial', 'refuse', '13(d)')$$, 'terms are written');
SELECT is(pg_temp.found('lost a striped zebra'), 'nothing', 'a lawful term covers what another finds');
SELECT is(pg_temp.found('a striped zebra'), 'refuse trial zebra', 'and nothing elsewhere');
SELECT is(pg_temp.found('lost zebra, and far away there was one more zebra'), 'refuse trial zebra', 'one that is left counts');
SELECT is(pg_temp.found('lost keys for zebra'), 'refuse trial for zebra', 'words in a gap are not covered');
SELECT is(pg_temp.found(w), 'refuse trial zebra', 'what is lawful is so within a clause: ' || w) FROM unnest(ARRAY['lost keys, zebra', 'lost; zebra', E'lost\nzebra', 'lost: zebra', 'lost,zebra']) w;
SELECT is(pg_temp.found(w), 'nothing', 'and the clause may go on: ' || w) FROM unnest(ARRAY['lost zebra, found', 'found, lost zebra', 'lost - zebra', 'lost keys and zebra: found']) w;
SELECT is(pg_temp.found('lost ze,bra'), 'refuse trial zebra', 'nor is a word that is put together over its end');
SELECT lives_ok($$SELECT ctlpr.set_screen_term('seen zebra found', 'trial', 'lawful')$$, 'a lawful term that goes on');
SELECT is(pg_temp.found('seen zebra, found; seen zebra found'), 'refuse trial zebra', 'covers nothing where it does not come to its end');
SELECT is(pg_temp.found('seen zebra found; seen zebra found'), 'nothing', 'and each where it does');
SELECT is(pg_temp.found('lost keys asked zebra'), 'refuse trial zebra', 'a gap passes over no word of @purpose');
SELECT lives_ok($$SELECT ctlpr.set_screen_term('lost .. zebra', 'other', 'lawful')$$, 'a lawful term of another category');
SELECT is(pg_temp.found('lost a striped zebra'), 'refuse trial zebra', 'covers nothing of this one');
SELECT lives_ok($$SELECT ctlpr.set_screen_term('lost .. zebra', 'any', 'lawful')$$, 'one of any');
SELECT is(pg_temp.found('lost a striped zebra'), 'nothing', 'covers all');

-- What decides
SELECT lives_ok($$SELECT ctlpr.set_screen_term('ox', 'trial', 'flag', '13(d)')$$, 'a term that flags');
SELECT is(pg_temp.found('ox, zebra'), 'refuse trial zebra', 'the gravest decides');
SELECT is(pg_temp.found('ox'), 'flag trial ox', 'another where there is none');
SELECT is(pg_temp.found('   '), 'nothing', 'a blank reason is none');
SELECT is(pg_temp.found(NULL), 'nothing', 'nor is NULL');
SELECT is(pg_temp.found('?!'), 'flag vague (no words)', 'a reason without words is vague');
SELECT is(pg_temp.found(U&'\0301\0301'), 'flag vague (no words)', 'one of marks alone, too');

-- Shipped terms stay, and can be put out of force
SELECT is(pg_temp.found('ICE'), 'refuse immigration ^ ice+ $', 'a shipped term decides');
SELECT lives_ok($$SELECT ctlpr.set_screen_term('^ ice+ $', 'immigration', 'off', note => 'trial')$$, 'it is put out of force');
SELECT isnt(pg_temp.found('ICE'), 'refuse immigration ^ ice+ $', 'and decides no more');
SELECT lives_ok($$SELECT ctlpr.drop_screen_term('^ ice+ $')$$, 'what was written here is taken back');
SELECT is(pg_temp.found('ICE'), 'refuse immigration ^ ice+ $', 'and the shipped one is in force again');
SELECT throws_ok($$SELECT ctlpr.drop_screen_term('^ ice+ $')$$, '42704', NULL, 'a shipped one is not dropped');
SELECT lives_ok($$SELECT ctlpr.set_screen_list('assist', '{merge}')$$, 'a list in place of a shipped one');
SELECT is(pg_temp.found('merge ICE'), 'refuse immigration @assist ice', 'has its words');
SELECT isnt(pg_temp.found('assist ICE'), 'refuse immigration @assist ice', 'and no others');
SELECT lives_ok($$SELECT ctlpr.set_screen_list('assist', NULL)$$, 'and is taken back');
SELECT isnt(pg_temp.found('merge ICE'), 'refuse immigration @assist ice', 'with its words');
SELECT throws_ok($$SELECT ctlpr.set_screen_list('assist', NULL)$$, '42704', NULL, 'a shipped list is not taken back');
SELECT lives_ok($$SELECT ctlpr.set_screen_list('herd', '{ox,cow}'), ctlpr.set_screen_term('@herd herd', 'trial', 'refuse', '13(d)')$$, 'a list of one''s own');
SELECT is(pg_temp.found('cow herd'), 'refuse trial @herd herd', 'serves patterns');
SELECT throws_ok($$SELECT ctlpr.set_screen_list('herd', NULL)$$, '55006', NULL, 'and stays while one names it');

-- What cannot be read is refused
SELECT throws_ok(format('SELECT ctlpr.set_screen_term(%L, ''trial'', ''refuse'', ''13(d)'')', p), '22023', NULL, 'no pattern: ' || p)
	FROM unnest('{..,_,zebra?,zebra ^ lion,zebra $ lion,@nolist,ze bra-,(a|b,zebra**,@,^ $,éclair}'::text[]) p;
SELECT throws_ok($$SELECT ctlpr.set_screen_term('zebra', 'trial', 'refuse')$$, '22023', NULL, 'what refuses names a clause');
SELECT throws_ok($$SELECT ctlpr.set_screen_term('zebra', 'trial', 'maybe', '13(d)')$$, '22023', NULL, 'an unknown action');
SELECT throws_ok($$SELECT ctlpr.set_screen_term('zebra', 'No Category', 'flag', '13(d)')$$, '22023', NULL, 'no category');
SELECT throws_ok($$SELECT ctlpr.set_screen_term('zebra', 'trial', 'flag', statute => 'us-xx')$$, '42704', NULL, 'an unknown statute');
SELECT throws_ok($$SELECT ctlpr.set_screen_list('Herd', '{ox}')$$, '22023', NULL, 'no name of a list');
SELECT throws_ok($$SELECT ctlpr.set_screen_list('herd', '{o x}')$$, '22023', NULL, 'no word of a list');
SELECT is_empty($$SELECT * FROM ctlpr.statute_flaws('us-ct-2026')$$, 'all shipped terms can be read');
INSERT INTO ctlpr.screen_term (statute, pattern, category, action, clause) VALUES ('us-ct-2026', '..', 'trial', 'refuse', '13(d)');
SELECT throws_ok($$SELECT * FROM ctlpr.screen_reason('theft')$$, '22023', NULL, 'a term that cannot be read lets nothing pass');
SELECT results_eq($$SELECT relation, rule FROM ctlpr.statute_flaws('us-ct-2026')$$, $$VALUES ('screen_term', '..')$$, 'and is a flaw of the statute');
DELETE FROM ctlpr.screen_term WHERE pattern = '..';

-- A copy of a statute is screened as the statute is
SELECT lives_ok($$SELECT ctlpr.copy_statute('us-ct-2026', 'copy'), ctlpr.adopt_statute('copy')$$, 'a copy is adopted');
SELECT is(pg_temp.found('ICE'), 'refuse immigration ^ ice+ $', 'and has the terms');
SELECT is((SELECT count(*) FROM ctlpr.screen_term WHERE statute = 'copy' AND shipped), 0::bigint, 'as its own, so that dumps take them along');
SELECT lives_ok($$SELECT ctlpr.adopt_statute('us-ct-2026')$$, 'back again');

-- Agreements to assist immigration enforcement
SELECT throws_ok($$SELECT ctlpr.register_immigration_agreement('nobody', '8 U.S.C. 1357(g)')$$, '42704', NULL, 'of an agency that is registered');
SELECT is(ctlpr.register_immigration_agreement('CT-SCPD', '8 U.S.C. 1357(g)') > 0, true, 'an agreement is registered');
SELECT lives_ok(format('SELECT ctlpr.end_immigration_agreement(%s)', (SELECT max(agreement_id) FROM ctlpr.immigration_agreement)), 'and ended');
SELECT throws_ok(format('SELECT ctlpr.end_immigration_agreement(%s)', (SELECT max(agreement_id) FROM ctlpr.immigration_agreement)), '55000', NULL, 'once');
SELECT throws_ok($$SELECT ctlpr.end_immigration_agreement(-1)$$, '42704', NULL, 'one that exists');

-- Who may
SET LOCAL ROLE screening_admin;
SELECT lives_ok($$SELECT ctlpr.set_screen_term('gnu', 'trial', 'flag', '13(d)'), ctlpr.drop_screen_term('gnu')$$, 'an administrator writes terms');
SELECT throws_ok($$INSERT INTO ctlpr.screen_term (statute, pattern, category, action) VALUES ('us-ct-2026', 'gnu', 'trial', 'flag')$$, '42501', NULL, 'by the functions alone');
SET LOCAL ROLE screening_auditor;
SELECT throws_ok($$SELECT ctlpr.set_screen_term('gnu', 'trial', 'flag', '13(d)')$$, '42501', NULL, 'an auditor writes none');
SELECT is(pg_temp.found('ICE'), 'refuse immigration ^ ice+ $', 'but sees what a reason reveals');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
