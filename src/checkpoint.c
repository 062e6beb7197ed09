/*
 * checkpoint.c - signed statements of the size and the root of the log.
 *
 * A checkpoint is stored, then published: what has been published
 * was durable before.  The published one is what finds out a log that was set
 * back with its database, for the table of checkpoints was set back with it.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>


#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "commands/dbcommands.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/condition_variable.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "audit_entry.h"
#include "catalog_scan.h"
#include "checkpoint.h"
#include "ctlpr.h"
#include "registry.h"
#include "shared.h"

/* No note of ours is longer. */
#define NOTE_MAX_BYTES 4096

/* Attribute numbers of ctlpr.checkpoint and ctlpr.log_fork, see sql/audit.sql */
enum
{
	Anum_checkpoint_epoch = 1,
	Anum_checkpoint_size,
	Anum_checkpoint_root,
	Anum_checkpoint_signed_at,
	Anum_checkpoint_note,
	Natts_checkpoint = Anum_checkpoint_note
};
enum
{
	Anum_fork_epoch = 1,
	Anum_fork_last_note,
	Anum_fork_last_size,
	Anum_fork_last_root,
	Anum_fork_accepted_at,
	Anum_fork_accepted_by,
	Anum_fork_reason,
	Anum_fork_approved_by,
	Natts_fork = Anum_fork_approved_by
};

PG_FUNCTION_INFO_V1(ctlpr_accept_log_fork);
PG_FUNCTION_INFO_V1(ctlpr_audit_checkpoint);

/* The lines of an epoch that began with a fork: what the epoch before it ended with, and this one does not extend */
static void
append_fork(StringInfo note, int epoch)
{
	Relation	forks = table_open(registry_own_relation("log_fork"), AccessShareLock);
	ScanKeyData key;
	HeapTuple	row;
	Checkpoint	last;

	ScanKeyInit(&key, Anum_fork_epoch, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(epoch));
	row = catalog_row(forks, registry_own_relation("log_fork_pkey"), GetActiveSnapshot(), 1, &key);
	if (!HeapTupleIsValid(row) || !checkpoint_read(row_text(forks, row, Anum_fork_last_note), &last) || last.epoch >= epoch)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("the fork of the log that began epoch %d is not on record", epoch)));
	appendStringInfo(note, "epoch %d\nextends %s " UINT64_FORMAT " %s\n", epoch, last.origin, last.size,
					 checkpoint_base64(&last.root));
	table_close(forks, AccessShareLock);
}

/* ---- the table ---- */

/* The row of the last fork, copied; NULL when there was none */
static HeapTuple
last_fork(Relation forks)
{
	Relation	index = index_open(registry_own_relation("log_fork_pkey"), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(forks, index, GetActiveSnapshot(), 0, NULL);
	HeapTuple	last = systable_getnext_ordered(scan, BackwardScanDirection);

	if (HeapTupleIsValid(last))
		last = heap_copytuple(last);
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	return last;
}

int
checkpoint_epoch(void)
{
	Relation  forks = table_open(registry_own_relation("log_fork"), AccessShareLock);
	HeapTuple last = last_fork(forks);
	int		  epoch = HeapTupleIsValid(last) ? DatumGetInt32(row_datum(forks, last, Anum_fork_epoch, NULL)) : 1;

	table_close(forks, AccessShareLock);
	return epoch;
}

/* What the entry about a fork says: what the log does not extend, and who accepted that, on what grounds */
static Datum
fork_detail(Relation forks, HeapTuple row)
{
	static const struct
	{
		const char *name;
		int			attribute;
	} texts[] = {{"reason", Anum_fork_reason}, {"approved_by", Anum_fork_approved_by}, {"checkpoint", Anum_fork_last_note}};
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"epoch\": %d, \"accepted_by\": ", DatumGetInt32(row_datum(forks, row, Anum_fork_epoch, NULL)));
	escape_json(&json, NameStr(*DatumGetName(row_datum(forks, row, Anum_fork_accepted_by, NULL))));
	for (int i = 0; i < lengthof(texts); i++)
	{
		appendStringInfo(&json, ", \"%s\": ", texts[i].name);
		escape_json(&json, row_text(forks, row, texts[i].attribute));
	}
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

bool
checkpoint_fork(LogFork *result)
{
	Relation  forks = table_open(registry_own_relation("log_fork"), AccessShareLock);
	HeapTuple row = last_fork(forks);

	if (HeapTupleIsValid(row))
	{
		result->epoch = DatumGetInt32(row_datum(forks, row, Anum_fork_epoch, NULL));
		result->accepted_at = DatumGetTimestampTz(row_datum(forks, row, Anum_fork_accepted_at, NULL));
		result->detail = fork_detail(forks, row);
	}
	table_close(forks, AccessShareLock);
	return HeapTupleIsValid(row);
}

bool
checkpoint_fork_recorded(Relation log, const LogFork *fork)
{
	Relation	index = index_open(registry_log_time_index(), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	bool		found = false;

	/* It comes first of all that is written after the acceptance. */
	ScanKeyInit(&key, Anum_at, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE, TimestampTzGetDatum(fork->accepted_at));
	scan = systable_beginscan_ordered(log, index, GetActiveSnapshot(), 1, &key);
	while (!found && HeapTupleIsValid(row = systable_getnext_ordered(scan, ForwardScanDirection)))
		found = strcmp(row_text(log, row, Anum_action), "log_fork") == 0;
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	return found;
}

/* A stored checkpoint as its columns have it */
static Checkpoint *
read_row(Relation checkpoints, HeapTuple row)
{
	Checkpoint *result = palloc0(sizeof(Checkpoint));
	bytea	   *root = DatumGetByteaPP(row_datum(checkpoints, row, Anum_checkpoint_root, NULL));

	if (VARSIZE_ANY_EXHDR(root) == MERKLE_HASH_BYTES)
		memcpy(&result->root, VARDATA_ANY(root), MERKLE_HASH_BYTES);
	result->epoch = DatumGetInt32(row_datum(checkpoints, row, Anum_checkpoint_epoch, NULL));
	result->size = (uint64) DatumGetInt64(row_datum(checkpoints, row, Anum_checkpoint_size, NULL));
	result->note = row_text(checkpoints, row, Anum_checkpoint_note);
	result->signed_at = DatumGetTimestampTz(row_datum(checkpoints, row, Anum_checkpoint_signed_at, NULL));
	return result;
}

/* Stored checkpoints, from the last; no more than "most" */
static List *
read_rows(int most)
{
	Relation	checkpoints = table_open(registry_own_relation("checkpoint"), AccessShareLock);
	Relation	index = index_open(registry_own_relation("checkpoint_pkey"), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(checkpoints, index, GetActiveSnapshot(), 0, NULL);
	HeapTuple	row;
	List	   *result = NIL;

	while (list_length(result) < most && HeapTupleIsValid(row = systable_getnext_ordered(scan, BackwardScanDirection)))
		result = lappend(result, read_row(checkpoints, row));
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(checkpoints, AccessShareLock);
	return result;
}

bool
checkpoint_last(Checkpoint *result)
{
	List *last = read_rows(1);

	if (last != NIL)
		*result = *(Checkpoint *) linitial(last);
	return last != NIL;
}

static void
store(const Checkpoint *made)
{
	Relation  checkpoints = table_open(registry_own_relation("checkpoint"), RowExclusiveLock);
	bytea	 *root = palloc(VARHDRSZ + MERKLE_HASH_BYTES);
	Datum	  values[Natts_checkpoint];
	bool	  nulls[Natts_checkpoint] = {false};
	HeapTuple row;

	SET_VARSIZE(root, VARHDRSZ + MERKLE_HASH_BYTES);
	memcpy(VARDATA(root), &made->root, MERKLE_HASH_BYTES);
	values[Anum_checkpoint_epoch - 1] = Int32GetDatum(made->epoch);
	values[Anum_checkpoint_size - 1] = Int64GetDatum((int64) made->size);
	values[Anum_checkpoint_root - 1] = PointerGetDatum(root);
	values[Anum_checkpoint_signed_at - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[Anum_checkpoint_note - 1] = CStringGetTextDatum(made->note);
	row = heap_form_tuple(RelationGetDescr(checkpoints), values, nulls);
	CatalogTupleInsert(checkpoints, row);
	table_close(checkpoints, NoLock);
}

/* ---- the directory ---- */

/* The file of the last checkpoint: named after the log and its database, whichever epoch it is of */
static char *
published_file(void)
{
	char *database = get_database_name(MyDatabaseId);
	char *name = psprintf("%s.%s", checkpoint_key_name(), database ? database : "");

	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '_';
	return psprintf("%s/%s.checkpoint", ctlpr_checkpoint_directory, name);
}

static bool
is_published(void)
{
	return ctlpr_checkpoint_directory && *ctlpr_checkpoint_directory;
}

/* Replace the published checkpoint at once and for good; false, and a line in the server log, when that fails. */
static bool
publish(const char *path, const char *note)
{
	char  *temporary = psprintf("%s.new", path);
	int	   file = OpenTransientFile(temporary, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY);
	size_t length = strlen(note);
	bool   written;

	if (file < 0)
	{
		ereport(LOG, (errcode_for_file_access(), errmsg("could not write to ctlpr.checkpoint_directory: %m")));
		return false;
	}
	errno = ENOSPC; /* what a short write means */
	/* Others are to read it. */
	written = write(file, note, length) == (ssize_t) length && fchmod(file, 0644) == 0 && pg_fsync(file) == 0;
	if (CloseTransientFile(file) != 0)
		written = false;
	if (written)
		return durable_rename(temporary, path, LOG) == 0;
	ereport(LOG, (errcode_for_file_access(), errmsg("could not write to ctlpr.checkpoint_directory: %m")));
	return false;
}

/* The published checkpoint; NULL when there is none */
static char *
read_published(void)
{
	int		file = OpenTransientFile(published_file(), O_RDONLY | PG_BINARY);
	char   *note;
	ssize_t length;

	if (file < 0)
	{
		if (errno == ENOENT)
			return NULL;
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read the published checkpoint of the log: %m")));
	}
	note = palloc0(NOTE_MAX_BYTES + 1);
	length = read(file, note, NOTE_MAX_BYTES);
	CloseTransientFile(file);
	if (length < 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read the published checkpoint of the log: %m")));
	return note;
}

/* ---- making and checking ---- */

bool
checkpoint_make(AuditTree *tree)
{
	Checkpoint	   made;
	Checkpoint	   last;
	StringInfoData note;
	MemoryContext  caller = CurrentMemoryContext;
	MemoryContext  context = AllocSetContextCreate(caller, "ctlpr checkpoint", ALLOCSET_SMALL_SIZES);
	LogFork		   fork;
	char		  *path;
	bool		   recorded;
	bool		   signed_it;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	made.epoch = checkpoint_epoch();
	made.size = tree->size;
	audit_tree_open(tree, AccessShareLock);
	audit_tree_root(tree, tree->size, &made.root);
	recorded = !checkpoint_fork(&fork) || checkpoint_fork_recorded(tree->log, &fork);
	audit_tree_close(tree);

	initStringInfo(&note);
	appendStringInfo(&note, "%s\n" UINT64_FORMAT "\n%s\n", checkpoint_origin(made.epoch), made.size,
					 checkpoint_base64(&made.root));
	if (made.epoch > 1)
		append_fork(&note, made.epoch);
	if (!recorded)
		ereport(LOG, (errmsg("epoch %d of the log is not signed before the log tells of it", made.epoch)));
	signed_it = recorded && checkpoint_sign(&note);
	made.note = MemoryContextStrdup(context, note.data);
	path = MemoryContextStrdup(context, published_file());
	if (signed_it && (!checkpoint_last(&last) || last.epoch != made.epoch || last.size != made.size))
		store(&made);
	PopActiveSnapshot();
	/* What is published is durable, whatever is promised of entries. */
	ForceSyncCommit();
	CommitTransactionCommand();
	XLogFlush(GetXLogInsertRecPtr());

	MemoryContextSwitchTo(context);
	if (signed_it && is_published())
		signed_it = publish(path, made.note);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return signed_it;
}

static bool
holds(AuditTree *tree, const Checkpoint *checkpoint)
{
	MerkleHash root;

	if (checkpoint->size > tree->size)
		return false;
	audit_tree_root(tree, checkpoint->size, &root);
	return memcmp(&root, &checkpoint->root, sizeof(root)) == 0;
}

bool
checkpoint_extended(AuditTree *tree, Checkpoint *contradicted)
{
	int	  epoch = checkpoint_epoch();
	char *published = is_published() ? read_published() : NULL;

	/* One that cannot be read is no checkpoint that the log could extend. */
	if (published)
	{
		if (!checkpoint_read(published, contradicted))
			*contradicted = (Checkpoint){.epoch = epoch, .note = published};
		else if (contradicted->epoch < epoch || (contradicted->epoch == epoch && holds(tree, contradicted)))
			published = NULL;
	}
	if (published)
		return false;
	return !checkpoint_last(contradicted) || contradicted->epoch < epoch ||
		   (contradicted->epoch == epoch && holds(tree, contradicted));
}

static int
compare_sizes(const ListCell *a, const ListCell *b)
{
	uint64 one = ((const Checkpoint *) lfirst(a))->size;
	uint64 other = ((const Checkpoint *) lfirst(b))->size;

	return one < other ? -1 : one > other;
}

List *
checkpoint_list(void)
{
	List	   *all = read_rows(INT_MAX);
	char	   *published = is_published() ? read_published() : NULL;
	Checkpoint *last = palloc0(sizeof(Checkpoint));

	if (published && checkpoint_parse(published, last))
		all = lappend(all, last);
	list_sort(all, compare_sizes);
	return all;
}

bool
checkpoint_excused(Relation log, const Checkpoint *checkpoint)
{
	Relation	forks = table_open(registry_own_relation("log_fork"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(forks, InvalidOid, false, GetActiveSnapshot(), 0, NULL);
	HeapTuple	row;
	bool		excused = false;

	while (!excused && HeapTupleIsValid(row = systable_getnext(scan)))
	{
		LogFork	   fork = {DatumGetInt32(row_datum(forks, row, Anum_fork_epoch, NULL)),
						   DatumGetTimestampTz(row_datum(forks, row, Anum_fork_accepted_at, NULL))};
		Checkpoint end;

		excused = fork.epoch > checkpoint->epoch && checkpoint_read(row_text(forks, row, Anum_fork_last_note), &end) &&
				  end.epoch == checkpoint->epoch &&
				  (checkpoint->size < end.size ||
				   (checkpoint->size == end.size && memcmp(&checkpoint->root, &end.root, sizeof(end.root)) == 0)) &&
				  checkpoint_fork_recorded(log, &fork);
	}
	systable_endscan(scan);
	table_close(forks, AccessShareLock);
	return excused;
}

/* ---- SQL functions ---- */

static char *
stated(FunctionCallInfo fcinfo, int argument, const char *name)
{
	char  *value = PG_ARGISNULL(argument) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(argument));
	size_t length = strlen(value);

	if (strspn(value, " \t\r\n") == length)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be stated", name)));
	if (length > CTLPR_STATED_MAX_BYTES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is too long", name)));
	return value;
}

/* accept_log_fork(reason, approved_by): go on with a log that contradicts its last checkpoint; result: the epoch that begins */
Datum
ctlpr_accept_log_fork(PG_FUNCTION_ARGS)
{
	char	  *reason = stated(fcinfo, 0, "reason");
	char	  *approved_by = stated(fcinfo, 1, "approved_by");
	AuditTree *tree = audit_tree_make();
	Checkpoint contradicted = {0};
	Relation   forks;
	bytea	  *root = palloc(VARHDRSZ + MERKLE_HASH_BYTES);
	NameData   login;
	Datum	   values[Natts_fork];
	bool	   nulls[Natts_fork] = {false};
	int		   epoch;
	bool	   extended;

	forks = table_open(registry_own_relation("log_fork"), ShareRowExclusiveLock);
	PushActiveSnapshot(GetLatestSnapshot());
	audit_tree_open(tree, AccessShareLock);
	audit_tree_load(tree, audit_tree_log_size(tree), false);
	extended = checkpoint_extended(tree, &contradicted);
	epoch = Max(checkpoint_epoch(), contradicted.epoch) + 1;
	audit_tree_close(tree);
	PopActiveSnapshot();
	if (extended)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("the log contradicts no checkpoint")));
	if (contradicted.size == 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("the published checkpoint cannot be read"),
						errhint("Put the file in ctlpr.checkpoint_directory right, or take it away.")));

	SET_VARSIZE(root, VARHDRSZ + MERKLE_HASH_BYTES);
	memcpy(VARDATA(root), &contradicted.root, MERKLE_HASH_BYTES);
	namestrcpy(&login, GetUserNameFromId(GetSessionUserId(), false));
	values[Anum_fork_epoch - 1] = Int32GetDatum(epoch);
	values[Anum_fork_last_note - 1] = CStringGetTextDatum(contradicted.note);
	values[Anum_fork_last_size - 1] = Int64GetDatum((int64) contradicted.size);
	values[Anum_fork_last_root - 1] = PointerGetDatum(root);
	values[Anum_fork_accepted_at - 1] = TimestampTzGetDatum(shared_now());
	values[Anum_fork_accepted_by - 1] = NameGetDatum(&login);
	values[Anum_fork_reason - 1] = CStringGetTextDatum(reason);
	values[Anum_fork_approved_by - 1] = CStringGetTextDatum(approved_by);
	CatalogTupleInsert(forks, heap_form_tuple(RelationGetDescr(forks), values, nulls));
	table_close(forks, NoLock);
	PG_RETURN_INT32(epoch);
}

/* The last checkpoint, as it is now, whatever the snapshot of the transaction shows */
static Datum
made_checkpoint(FunctionCallInfo fcinfo)
{
	Checkpoint made;
	TupleDesc  desc;
	Datum	   values[5];
	bool	   nulls[5] = {false};
	bytea	  *root = palloc(VARHDRSZ + MERKLE_HASH_BYTES);
	bool	   found;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "audit_checkpoint() is not declared as it should be");
	PushActiveSnapshot(GetLatestSnapshot());
	found = checkpoint_last(&made);
	PopActiveSnapshot();
	if (!found)
		elog(ERROR, "the checkpoint that was made is not there");
	SET_VARSIZE(root, VARHDRSZ + MERKLE_HASH_BYTES);
	memcpy(VARDATA(root), &made.root, MERKLE_HASH_BYTES);
	values[0] = Int32GetDatum(made.epoch);
	values[1] = Int64GetDatum((int64) made.size);
	values[2] = PointerGetDatum(root);
	values[3] = TimestampTzGetDatum(made.signed_at);
	values[4] = CStringGetTextDatum(made.note);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* audit_checkpoint(): have the writer sign the log as it is, and wait for that */
Datum
ctlpr_audit_checkpoint(PG_FUNCTION_ARGS)
{
	DatabaseSlot *slot = shared_database();
	TimestampTz	  deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ctlpr_audit_timeout_ms);
	uint64		  asked;
	bool		  done = false;
	bool		  failed = false;

	if (!checkpoint_enabled())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("there is no key to sign the log with"),
						errhint("Make one with \"make keygen\" and set ctlpr.checkpoint_key.")));
	LWLockAcquire(slot->lock, LW_EXCLUSIVE);
	asked = ++slot->checkpoint_asked;
	slot->writer_asleep = false;
	if (slot->writer_latch)
		SetLatch(slot->writer_latch);
	else
		slot->writer_wanted = true;
	LWLockRelease(slot->lock);
	shared_wake_launcher();

	ConditionVariablePrepareToSleep(&slot->queue_cv);
	while (!done && GetCurrentTimestamp() < deadline)
	{
		LWLockAcquire(slot->lock, LW_SHARED);
		done = slot->checkpoint_done >= asked;
		failed = done && slot->checkpoint_failed;
		LWLockRelease(slot->lock);
		if (!done)
			(void) ConditionVariableTimedSleep(&slot->queue_cv, 100, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	if (failed || !done)
		ereport(ERROR, (errcode(ERRCODE_LP_NOT_DURABLE), errmsg("the log could not be signed and published"),
						errhint("See the server log for the ctlpr audit writer.")));
	return made_checkpoint(fcinfo);
}
