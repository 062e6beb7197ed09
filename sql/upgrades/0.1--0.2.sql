/*
 * 0.1--0.2.sql - what has to be done by hand between these versions; the rest
 * of the script is derived (tools/upgrade_script.pl).
 *
 * What comes before the line "-- derived" makes room: columns, constraints,
 * rows and types that change, functions whose result changes.  What comes
 * after it takes away what is not used any more.
 */
-- derived
