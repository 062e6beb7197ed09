/*
 * audit_leaf.c - an entry of the log as a leaf of the Merkle tree.
 *
 * The form hangs on no setting of a session, calls no function of a type but
 * those of inet and jsonb, and is made again by whoever verifies the log.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/inet.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "audit_entry.h"
#include "audit_leaf.h"

#define LEAF_WORD "ctlpr-entry-1"

/* Stands where a row holds what the writer never writes; no leaf of the tree has it, so the row does not verify. */
#define DAMAGED "\\?"

typedef enum LeafForm
{
	FORM_TEXT,
	FORM_NAME,
	FORM_INT8,
	FORM_INT4,
	FORM_BOOL,
	FORM_TIME,
	FORM_INET,
	FORM_TEXTS,
	FORM_INT8S,
	FORM_JSONB
} LeafForm;

typedef struct LeafColumn
{
	int		 attribute;
	LeafForm form;
	int		 salted; /* place in audit_leaf_salted plus one; 0: it enters as it is */
} LeafColumn;

const SaltedColumn audit_leaf_salted[SALTED_COLUMNS] = {{"officer", Anum_officer, Anum_officer_salt},
														{"case_number", Anum_case_number, Anum_case_number_salt},
														{"reason", Anum_reason, Anum_reason_salt},
														{"plates", Anum_plates, Anum_plates_salt},
														{"detail", Anum_detail, Anum_detail_salt}};

static const LeafColumn columns[] = {
	{Anum_entry, FORM_TEXT},		   {Anum_of_seq, FORM_INT8},		 {Anum_at, FORM_TIME},
	{Anum_request_seq, FORM_INT8},	   {Anum_session_role, FORM_NAME},	 {Anum_role, FORM_NAME},
	{Anum_agency_id, FORM_TEXT},	   {Anum_agency_kind, FORM_TEXT},	 {Anum_agency_state, FORM_TEXT},
	{Anum_on_behalf_of, FORM_TEXT},	   {Anum_officer, FORM_TEXT, 1},	 {Anum_purpose, FORM_TEXT},
	{Anum_offense, FORM_TEXT},		   {Anum_case_number, FORM_TEXT, 2}, {Anum_reason, FORM_TEXT, 3},
	{Anum_basis, FORM_TEXT},		   {Anum_declaration_id, FORM_INT8}, {Anum_authorization_id, FORM_INT8},
	{Anum_relation, FORM_TEXT},		   {Anum_action, FORM_TEXT},		 {Anum_search_kind, FORM_TEXT},
	{Anum_plates, FORM_TEXTS, 4},	   {Anum_statement, FORM_TEXT},		 {Anum_allowed, FORM_BOOL},
	{Anum_enforced, FORM_BOOL},		   {Anum_sqlstate, FORM_TEXT},		 {Anum_clause, FORM_TEXT},
	{Anum_outcome, FORM_TEXT},		   {Anum_rows_returned, FORM_INT8},	 {Anum_rows_touched, FORM_INT8},
	{Anum_oldest_age_days, FORM_INT4}, {Anum_client_addr, FORM_INET},	 {Anum_application_name, FORM_TEXT},
	{Anum_terminal, FORM_TEXT},		   {Anum_backend_pid, FORM_INT4},	 {Anum_statute, FORM_TEXT},
	{Anum_owners, FORM_TEXTS},		   {Anum_owner_rows, FORM_INT8S},	 {Anum_detail, FORM_JSONB, 5}};

/* ---- forms ---- */

/* What stands for a character in the leaf; 0: itself.  Comma only between the braces of an array. */
static char
escape_of(char c, bool in_array)
{
	switch (c)
	{
		case '\\':
			return '\\';
		case '\t':
			return 't';
		case '\n':
			return 'n';
		case '\r':
			return 'r';
		case ',':
			return in_array ? ',' : 0;
		default:
			return 0;
	}
}

static void
append_escaped(StringInfo text, const char *value, int length, bool in_array)
{
	int plain = 0;

	for (int i = 0; i < length; i++)
	{
		char escape = escape_of(value[i], in_array);

		if (escape == 0)
			continue;
		appendBinaryStringInfo(text, value + plain, i - plain);
		appendStringInfoChar(text, '\\');
		appendStringInfoChar(text, escape);
		plain = i + 1;
	}
	appendBinaryStringInfo(text, value + plain, length - plain);
}

static void
append_int(StringInfo text, int64 value)
{
	enlargeStringInfo(text, MAXINT8LEN + 1);
	text->len += pg_lltoa(value, text->data + text->len);
}

static void
append_text(StringInfo text, Datum value, bool in_array)
{
	struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);

	append_escaped(text, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed), in_array);
	if ((Pointer) packed != DatumGetPointer(value))
		pfree(packed);
}

static void
append_time(StringInfo text, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		 fraction;

	if (TIMESTAMP_NOT_FINITE(at) || timestamp2tm(at, NULL, &tm, &fraction, NULL, NULL) != 0 || tm.tm_year < 1 ||
		tm.tm_year > 9999)
	{
		appendStringInfoString(text, DAMAGED);
		return;
	}
	appendStringInfo(text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min,
					 tm.tm_sec, (int) fraction);
}

static void
append_output(StringInfo text, Datum output)
{
	char *value = DatumGetCString(output);

	append_escaped(text, value, strlen(value), false);
	pfree(value);
}

static void
append_array(StringInfo text, Datum value, LeafForm form)
{
	ArrayType *array = DatumGetArrayTypeP(value);
	bool	   texts = form == FORM_TEXTS;
	Datum	  *elements;
	bool	  *nulls;
	int		   count;

	if (texts)
		deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	else
		deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, &count);
	/* The writer writes lists of one element at least. */
	if (ARR_NDIM(array) != 1 || ARR_LBOUND(array)[0] != 1)
		appendStringInfoString(text, DAMAGED);
	else
		appendStringInfoChar(text, '{');
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(text, ',');
		if (nulls[i])
			appendStringInfoString(text, "\\N");
		else if (texts)
			append_text(text, elements[i], true);
		else
			append_int(text, DatumGetInt64(elements[i]));
	}
	appendStringInfoChar(text, '}');
	pfree(elements);
	pfree(nulls);
	if ((Pointer) array != DatumGetPointer(value))
		pfree(array);
}

static void
append_value(StringInfo text, LeafForm form, Datum value)
{
	switch (form)
	{
		case FORM_TEXT:
			append_text(text, value, false);
			break;
		case FORM_NAME:
			append_escaped(text, NameStr(*DatumGetName(value)), strlen(NameStr(*DatumGetName(value))), false);
			break;
		case FORM_INT8:
			append_int(text, DatumGetInt64(value));
			break;
		case FORM_INT4:
			append_int(text, DatumGetInt32(value));
			break;
		case FORM_BOOL:
			appendStringInfoChar(text, DatumGetBool(value) ? 't' : 'f');
			break;
		case FORM_TIME:
			append_time(text, DatumGetTimestampTz(value));
			break;
		case FORM_INET:
			append_output(text, DirectFunctionCall1(inet_out, value));
			break;
		case FORM_TEXTS:
		case FORM_INT8S:
			append_array(text, value, form);
			break;
		case FORM_JSONB:
			append_output(text, DirectFunctionCall1(jsonb_out, value));
			break;
	}
}

void
audit_leaf_value(StringInfo text, int attribute, Datum value)
{
	for (int i = 0; i < lengthof(columns); i++)
		if (columns[i].attribute == attribute)
		{
			append_value(text, columns[i].form, value);
			return;
		}
	elog(ERROR, "column %d of the log is not in its tree", attribute);
}

/* ---- salted values ---- */

/* Hash salt and value; the value's form is appended behind what the buffer holds, and cut off again. */
static void
hash_value(StringInfo buffer, const SaltedColumn *column, LeafForm form, const Datum *values, MerkleHash *hash)
{
	int before = buffer->len;

	append_value(buffer, form, values[column->attribute - 1]);
	merkle_sha256(DatumGetUUIDP(values[column->salt - 1])->data, UUID_LEN, buffer->data + before, buffer->len - before, hash);
	buffer->len = before;
	buffer->data[before] = '\0';
}

void
audit_leaf_value_hash(StringInfo scratch, const SaltedColumn *column, const Datum *values, MerkleHash *hash)
{
	for (int i = 0; i < lengthof(columns); i++)
		if (columns[i].attribute == column->attribute)
			hash_value(scratch, column, columns[i].form, values, hash);
}

static void
append_hash(StringInfo text, const MerkleHash *hash)
{
	enlargeStringInfo(text, 2 * MERKLE_HASH_BYTES + 1);
	text->len += hex_encode((const char *) hash->bytes, MERKLE_HASH_BYTES, text->data + text->len);
	text->data[text->len] = '\0';
}

/* The hash of a value that has been taken out; false when none has been */
static bool
append_redacted(StringInfo text, const SaltedColumn *column, const Datum *values, const bool *nulls)
{
	Jsonb	   *redacted;
	JsonbValue	found;
	JsonbValue *hash;

	if (nulls[Anum_redacted - 1])
		return false;
	redacted = DatumGetJsonbP(values[Anum_redacted - 1]);
	hash = getKeyJsonValueFromContainer(&redacted->root, column->name, strlen(column->name), &found);
	if (!hash)
		return false;
	if (hash->type == jbvString)
		appendBinaryStringInfo(text, hash->val.string.val, hash->val.string.len);
	else
		appendStringInfoString(text, DAMAGED);
	return true;
}

static void
append_salted(StringInfo text, const LeafColumn *column, const Datum *values, const bool *nulls)
{
	const SaltedColumn *salted = &audit_leaf_salted[column->salted - 1];
	MerkleHash			hash;

	/* A value that is there is what counts: it may not stand beside the hash of another. */
	if (nulls[column->attribute - 1])
	{
		if (!append_redacted(text, salted, values, nulls))
			appendStringInfoString(text, "\\N");
		return;
	}
	if (nulls[salted->salt - 1])
	{
		appendStringInfoString(text, DAMAGED);
		return;
	}
	hash_value(text, salted, column->form, values, &hash);
	append_hash(text, &hash);
}

/* ---- leaves ---- */

void
audit_leaf_text(StringInfo text, const Datum *values, const bool *nulls)
{
	appendStringInfoString(text, LEAF_WORD);
	for (int i = 0; i < lengthof(columns); i++)
	{
		const LeafColumn *column = &columns[i];

		appendStringInfoChar(text, '\t');
		if (column->salted != 0)
			append_salted(text, column, values, nulls);
		else if (nulls[column->attribute - 1])
			appendBinaryStringInfo(text, "\\N", 2);
		else
			append_value(text, column->form, values[column->attribute - 1]);
	}
}

void
audit_leaf_hash(StringInfo scratch, const Datum *values, const bool *nulls, MerkleHash *hash)
{
	resetStringInfo(scratch);
	audit_leaf_text(scratch, values, nulls);
	merkle_leaf(scratch->data, scratch->len, hash);
}
