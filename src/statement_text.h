/*
 * statement_text.h - a statement as the log may keep it.
 */
#ifndef CTLPR_STATEMENT_TEXT_H
#define CTLPR_STATEMENT_TEXT_H

/*
 * The text of one statement without its literals and comments: each literal
 * becomes "?", lists of them one "?".  location and length as in PlannedStmt
 * (-1 and 0 when unknown).  Result palloc'd; "" when the text cannot be read
 * with certainty, for then it might show a literal.
 */
extern char *statement_text(const char *source, int location, int length);

#endif /* CTLPR_STATEMENT_TEXT_H */
