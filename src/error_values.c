/*
 * error_values.c - see error_values.h.
 */
#include "postgres.h"

#include "utils/elog.h"
#include "utils/palloc.h"

#include "error_values.h"

/* Errors of the server itself, which no expression over a row raises */
bool
error_says_nothing_of_rows(int code)
{
	switch (code)
	{
		case ERRCODE_INVALID_TABLE_DEFINITION:
		case ERRCODE_DUPLICATE_TABLE:
		case ERRCODE_DUPLICATE_COLUMN:
		case ERRCODE_DUPLICATE_OBJECT:
		case ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST:
			return true;
		default:
			break;
	}
	switch (ERRCODE_TO_CATEGORY(code))
	{
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_INVALID_TRANSACTION_STATE:
			return true;
		default:
			return unpack_sql_state(code)[0] == 'L';
	}
}

void
error_forget_values(ErrorData *error)
{
	char *outermost = error->context ? strrchr(error->context, '\n') : NULL;

	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION)
	{
		error->message = psprintf("the command on a governed table failed with SQLSTATE %s", unpack_sql_state(error->sqlerrcode));
		error->hint = NULL;
	}
	error->detail = "What the server says of it stays here, since it may quote a read.";
	error->detail_log = NULL;
	if (outermost)
		error->context = outermost + 1;
	error->internalquery = NULL;
	error->cursorpos = error->internalpos = 0;
}

void
error_rethrow_without_values(MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	error->context = NULL;
	error_forget_values(error);
	ReThrowError(error);
}
