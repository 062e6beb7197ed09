/*
 * ctlpr.c - the door: the library is loaded here, its settings are defined,
 * and each room installs its hooks.
 *
 * The library works only when the postmaster loads it: shared memory, the
 * launcher and a gate that no session can be without need that.  Loaded any
 * other way it refuses, which is also what makes the guard policy of a
 * governed table fail where the library was left out.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "ctlpr.h"
#include "event.h"
#include "function_facts.h"
#include "gate.h"
#include "object_gate.h"
#include "outflow.h"
#include "record.h"
#include "refusal.h"
#include "registry.h"
#include "request.h"
#include "row_policy.h"
#include "rules.h"
#include "shared.h"
#include "temporary.h"
#include "utility_gate.h"
#include "worker.h"

PG_MODULE_MAGIC;

int	  ctlpr_audit_timeout_ms;
int	  ctlpr_audit_durability;
int	  ctlpr_audit_mirror;
int	  ctlpr_audit_queue_kb;
int	  ctlpr_max_databases;
char *ctlpr_checkpoint_key = NULL;
char *ctlpr_checkpoint_origin = NULL;
char *ctlpr_checkpoint_directory = NULL;
int	  ctlpr_checkpoint_interval_s = 600;
int	  ctlpr_purge_naptime_s;
int	  ctlpr_purge_batch_rows;
int	  ctlpr_purge_lock_timeout_ms;
bool  ctlpr_erase;
int	  ctlpr_erase_naptime_s;
int	  ctlpr_erase_rate_mb;
int	  ctlpr_image_deletion_limit_min;
int	  ctlpr_request_timeout_s;
int	  ctlpr_clock_skew_s;
int	  ctlpr_bulk_row_limit;
int	  ctlpr_pending_limit_s;
int	  ctlpr_observe_limit_min;
int	  ctlpr_public_delay_min;
bool  ctlpr_restore;
int	  ctlpr_on_expired_ingest;

static const struct config_enum_entry durability_options[] = {{"sync", AUDIT_DURABILITY_SYNC, false},
															  {"async", AUDIT_DURABILITY_ASYNC, false},
															  {NULL, 0, false}};

static const struct config_enum_entry mirror_options[] = {{"off", AUDIT_MIRROR_OFF, false},
														  {"log", AUDIT_MIRROR_LOG, false},
														  {NULL, 0, false}};

static const struct config_enum_entry expired_ingest_options[] = {{"error", EXPIRED_INGEST_ERROR, false},
																  {"skip", EXPIRED_INGEST_SKIP, false},
																  {NULL, 0, false}};

void _PG_init(void);

/* ---- changes of a session's own settings ---- */

/*
 * A superuser who sets one of the settings that a rule hangs on does so on
 * record.  What comes from files, roles and databases is posture's.
 */
static void
record_change(GucSource source, const char *change)
{
	if (source == PGC_S_SESSION && !IsBinaryUpgrade && !InitializingParallelWorker && IsTransactionState() &&
		registry_any_governed())
		record_permitted_command("configuration", NULL, NULL, change);
}

#define RECORDED_INTEGER(setting)                                                                                                \
	static bool check_##setting(int *value, void **extra, GucSource source)                                                      \
	{                                                                                                                            \
		record_change(source, psprintf("SET ctlpr." #setting " = %d", *value));                                                  \
		return true;                                                                                                             \
	}

RECORDED_INTEGER(audit_timeout)
RECORDED_INTEGER(audit_durability)
RECORDED_INTEGER(request_timeout)
RECORDED_INTEGER(clock_skew)
RECORDED_INTEGER(bulk_row_limit)
RECORDED_INTEGER(pending_limit)
RECORDED_INTEGER(observe_limit)
RECORDED_INTEGER(public_delay)

static bool
check_restore(bool *value, void **extra, GucSource source)
{
	record_change(source, *value ? "SET ctlpr.restore = on" : "SET ctlpr.restore = off");
	return true;
}

/* ---- settings ---- */

static void
define_audit_settings(void)
{
	/*
	 * Administrators can choose how long a statement waits for its record.
	 * Longer rides out a slow disk, shorter refuses sooner; nothing is released
	 * unrecorded either way.
	 */
	DefineCustomIntVariable(
		"ctlpr.audit_timeout", "Longest wait for the record of a statement; then the statement is refused with LP020.", NULL,
		&ctlpr_audit_timeout_ms, 5000, 100, 10 * 60 * 1000, PGC_SUSET, GUC_UNIT_MS, check_audit_timeout, NULL, NULL);

	/*
	 * Administrators can choose to release rows before their record is on disk.
	 * That is faster and a weaker promise: a crash may lose the record of rows
	 * that were seen.  It is a finding for as long as it is set.
	 */
	DefineCustomEnumVariable("ctlpr.audit_durability", "Whether rows wait until their record is durable (sync) or not (async).",
							 NULL, &ctlpr_audit_durability, AUDIT_DURABILITY_SYNC, durability_options, PGC_SUSET, 0,
							 check_audit_durability, NULL, NULL);

	/*
	 * Administrators can choose to have a line for each entry in the server's log
	 * as well, from where programs that watch over several servers take it.  It
	 * has no plate, reason, officer or case; the entry itself stays the record.
	 */
	DefineCustomEnumVariable("ctlpr.audit_mirror", "Whether entries are mirrored in the server log (log) or not (off).", NULL,
							 &ctlpr_audit_mirror, AUDIT_MIRROR_OFF, mirror_options, PGC_SIGHUP, 0, NULL, NULL, NULL);

	/*
	 * Administrators can choose how much may wait for the writer, for each
	 * database.  A full queue makes statements wait, then refuses them.
	 */
	DefineCustomIntVariable("ctlpr.audit_queue_size", "Memory for entries that wait for the audit writer, for each database.",
							NULL, &ctlpr_audit_queue_kb, 1024, 512, 1024 * 1024, PGC_POSTMASTER, GUC_UNIT_KB, NULL, NULL, NULL);

	/* Administrators can choose how many databases of the cluster may use ctlpr; each takes a queue. */
	DefineCustomIntVariable("ctlpr.max_databases", "Number of databases that can use ctlpr.", NULL, &ctlpr_max_databases, 8, 1,
							1000, PGC_POSTMASTER, 0, NULL, NULL, NULL);
}

/* An origin, and the name of a key, is one word without a plus sign (C2SP signed-note); "/N" at its end is an epoch's. */
static bool
check_checkpoint_origin(char **value, void **extra, GucSource source)
{
	const char *slash = *value ? strrchr(*value, '/') : NULL;

	if (slash && strspn(slash + 1, "0123456789") == strlen(slash + 1))
	{
		GUC_check_errdetail("It may not end in a slash, nor in a slash and a number, by which epochs are told apart.");
		return false;
	}
	for (const char *c = *value; c && *c; c++)
		if ((unsigned char) *c <= ' ' || *c == '+' || (unsigned char) *c >= 0x7f)
		{
			GUC_check_errdetail("It may hold no space, no plus sign, and ASCII characters only.");
			return false;
		}
	return true;
}

static void
define_checkpoint_settings(void)
{
	/*
	 * Administrators can choose to have the log signed.  Without a key there are
	 * no checkpoints, and only a copy of the log elsewhere tells that it was
	 * rewritten.
	 */
	DefineCustomStringVariable("ctlpr.checkpoint_key",
							   "File with the private Ed25519 key (PEM) that signs checkpoints of the log.",
							   "Make it with \"make keygen\"; the server's user alone may read it.", &ctlpr_checkpoint_key, "",
							   PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);

	/* Administrators can choose under which name the log is known to those who verify it; it is also that of the key. */
	DefineCustomStringVariable("ctlpr.checkpoint_origin", "Name of the log in its checkpoints.",
							   "Empty: made of the system identifier and the database's OID.", &ctlpr_checkpoint_origin, "",
							   PGC_SUSET, 0, check_checkpoint_origin, NULL, NULL);

	/*
	 * Administrators can choose where the last checkpoint is published.  On another
	 * disk it finds out a log that was set back together with its database.
	 */
	DefineCustomStringVariable("ctlpr.checkpoint_directory", "Directory in which the last checkpoint of the log is published.",
							   NULL, &ctlpr_checkpoint_directory, "", PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);

	/* Administrators can choose how long an entry may stand in the log unsigned. */
	DefineCustomIntVariable("ctlpr.checkpoint_interval",
							"Time between checkpoints of the log while it grows; 0 makes them on demand alone.", NULL,
							&ctlpr_checkpoint_interval_s, 600, 0, 7 * 24 * 3600, PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
}

static void
define_purge_settings(void)
{
	/* Administrators can choose how soon after expiry reads are deleted; they are invisible at once in any case. */
	DefineCustomIntVariable("ctlpr.purge_naptime", "Time between rounds of the purge worker.", NULL, &ctlpr_purge_naptime_s, 60,
							1, 24 * 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	/* Administrators can choose how much is deleted in one transaction: larger is faster, smaller holds rows and WAL back less. */
	DefineCustomIntVariable("ctlpr.purge_batch_rows", "Rows that the purge worker deletes in one transaction.", NULL,
							&ctlpr_purge_batch_rows, 50000, 1, 1000000, PGC_SIGHUP, 0, NULL, NULL, NULL);

	/*
	 * Administrators can choose how long the purge worker waits for a lock, and
	 * others behind it.  A partition that it cannot get is emptied in batches.
	 */
	DefineCustomIntVariable("ctlpr.purge_lock_timeout", "Longest wait of the purge worker for a lock.", NULL,
							&ctlpr_purge_lock_timeout_ms, 30, 1, 60 * 1000, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);

	/*
	 * Administrators can choose how long an image may outlive its read, which
	 * somebody else's program deletes.  After that it is kept unlawfully, and a
	 * finding.
	 */
	DefineCustomIntVariable("ctlpr.image_deletion_limit", "Time in which the image of a purged read has to be deleted.",
							"Images that are kept outside of the database are deleted by a program of the agency's.",
							&ctlpr_image_deletion_limit_min, 24 * 60, 1, 7 * 24 * 60, PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}

static void
define_erase_settings(void)
{
	/*
	 * Administrators can choose that what the purge deleted stays in the files
	 * until its place is taken by something else.  It is a finding, and a weaker
	 * promise: whoever reads the files reads it.
	 */
	DefineCustomBoolVariable("ctlpr.erase", "Erases the bytes of purged reads from pages, indexes and statistics.", NULL,
							 &ctlpr_erase, true, PGC_SIGHUP, 0, NULL, NULL, NULL);

	/*
	 * Administrators can choose how soon bytes follow their rows.  A round goes
	 * through a table that lost rows and builds its indexes again, however few
	 * rows those were; a table that is partitioned by day loses whole files.
	 */
	DefineCustomIntVariable("ctlpr.erase_naptime", "Time between rounds of the erase worker.", NULL, &ctlpr_erase_naptime_s, 3600,
							1, 24 * 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	/* Administrators can choose how much of the disk's time it may take; indexes are built at the server's own speed. */
	DefineCustomIntVariable("ctlpr.erase_rate", "Megabytes a second that the erase worker reads and writes; 0 sets no limit.",
							NULL, &ctlpr_erase_rate_mb, 32, 0, 100000, PGC_SIGHUP, 0, NULL, NULL, NULL);
}

static void
define_request_settings(void)
{
	/* Administrators can choose how long a request of scope "session" lasts. */
	DefineCustomIntVariable("ctlpr.request_timeout", "Time after which a request of scope session ends.", NULL,
							&ctlpr_request_timeout_s, 30 * 60, 1, 24 * 3600, PGC_SUSET, GUC_UNIT_S, check_request_timeout, NULL,
							NULL);

	/* Administrators can choose how wrong the clocks of cameras may be; a read from further ahead is refused. */
	DefineCustomIntVariable("ctlpr.clock_skew", "How far in the future the captured time of a read may lie.", NULL,
							&ctlpr_clock_skew_s, 5 * 60, 0, 3600, PGC_SUSET, GUC_UNIT_S, check_clock_skew, NULL, NULL);

	/* Administrators can choose what is bulk where they are; a statement beyond it is stopped. */
	DefineCustomIntVariable("ctlpr.bulk_row_limit", "Reads of other agencies that one statement may touch; 0 sets no limit.",
							"13(d)(8) knows no bulk access: a statement that touches more is stopped.", &ctlpr_bulk_row_limit,
							10000, 0, INT_MAX, PGC_SUSET, 0, check_bulk_row_limit, NULL, NULL);

	/* Administrators can choose how soon a pending case number must follow; a request left without is a finding. */
	DefineCustomIntVariable(
		"ctlpr.pending_limit", "How long the case number of a request may stay \"pending\" before that is a finding.", NULL,
		&ctlpr_pending_limit_s, 24 * 3600, 0, 30 * 24 * 3600, PGC_SUSET, GUC_UNIT_S, check_pending_limit, NULL, NULL);

	/* Administrators can choose how long a relation may be observed before it is enforced. */
	DefineCustomIntVariable("ctlpr.observe_limit", "Longest time that a relation stays in observe mode.", NULL,
							&ctlpr_observe_limit_min, 30 * 24 * 60, 1, 90 * 24 * 60, PGC_SUSET, GUC_UNIT_MIN, check_observe_limit,
							NULL, NULL);

	/*
	 * Administrators can choose when the public sees that a search was made.
	 * Sooner warns whoever is sought; 0 shows each entry at once.
	 */
	DefineCustomIntVariable("ctlpr.public_delay", "Time after which an entry of the log shows in the public views.",
							"Usage is counted by whole months that are past it.", &ctlpr_public_delay_min, 30 * 24 * 60, 0,
							10 * 365 * 24 * 60, PGC_SUSET, GUC_UNIT_MIN, check_public_delay, NULL, NULL);

	/*
	 * A superuser turns this on in the session that loads a dump: COPY may then
	 * fill governed tables and an empty log.  Expired reads stay hidden.
	 */
	DefineCustomBoolVariable("ctlpr.restore", "Admits COPY FROM into governed tables and into an empty log.", NULL,
							 &ctlpr_restore, false, PGC_SUSET, GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, check_restore, NULL,
							 NULL);

	/* Users can choose what becomes of a load that has expired reads in it: it fails, or they are left out and counted. */
	DefineCustomEnumVariable("ctlpr.on_expired_ingest", "What becomes of a read that comes in past its retention: error or skip.",
							 NULL, &ctlpr_on_expired_ingest, EXPIRED_INGEST_ERROR, expired_ingest_options, PGC_USERSET, 0, NULL,
							 NULL, NULL);
}

void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("ctlpr must be loaded by the server at its start"),
				 errdetail("Without that nothing is recorded, hidden or refused, so nothing of ctlpr works."),
				 errhint("Add ctlpr to shared_preload_libraries in postgresql.conf and restart the server.")));

	define_audit_settings();
	define_checkpoint_settings();
	define_purge_settings();
	define_erase_settings();
	define_request_settings();
	request_install();
	MarkGUCPrefixReserved("ctlpr");

	refusal_install();
	shared_install();
	registry_install();
	rules_install();
	event_install();
	row_policy_install();
	index_path_install();
	record_install();
	gate_install();
	function_facts_install();
	temporary_install();
	utility_gate_install();
	object_gate_install();
	outflow_install();
	worker_install();
}
