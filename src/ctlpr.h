/*
 * ctlpr.h - what every room may use: settings, SQLSTATEs, raising a refusal.
 */
#ifndef CTLPR_H
#define CTLPR_H

#include "postgres.h"

#include "utils/elog.h"

/* SQLSTATEs of class LP; docs and README list them with their way out */
#define ERRCODE_LP_NO_REQUEST		  MAKE_SQLSTATE('L', 'P', '0', '0', '1')
#define ERRCODE_LP_ROLE_NOT_BOUND	  MAKE_SQLSTATE('L', 'P', '0', '0', '2')
#define ERRCODE_LP_PURPOSE_NOT_LISTED MAKE_SQLSTATE('L', 'P', '0', '0', '3')
#define ERRCODE_LP_PURPOSE_FORBIDDEN  MAKE_SQLSTATE('L', 'P', '0', '0', '4')
#define ERRCODE_LP_DEMAND_MISSING	  MAKE_SQLSTATE('L', 'P', '0', '0', '5')
#define ERRCODE_LP_NO_BASIS			  MAKE_SQLSTATE('L', 'P', '0', '0', '6')
#define ERRCODE_LP_SUSPENDED		  MAKE_SQLSTATE('L', 'P', '0', '0', '7')
#define ERRCODE_LP_BULK				  MAKE_SQLSTATE('L', 'P', '0', '0', '9')
#define ERRCODE_LP_BYPASS			  MAKE_SQLSTATE('L', 'P', '0', '1', '0')
#define ERRCODE_LP_COPY				  MAKE_SQLSTATE('L', 'P', '0', '1', '1')
#define ERRCODE_LP_WEAKENING		  MAKE_SQLSTATE('L', 'P', '0', '1', '2')
#define ERRCODE_LP_READ_TIME		  MAKE_SQLSTATE('L', 'P', '0', '1', '3')
#define ERRCODE_LP_PROTECTED_SITE	  MAKE_SQLSTATE('L', 'P', '0', '1', '4')
#define ERRCODE_LP_NOT_DURABLE		  MAKE_SQLSTATE('L', 'P', '0', '2', '0')
#define ERRCODE_LP_HOLD				  MAKE_SQLSTATE('L', 'P', '0', '3', '0')
#define ERRCODE_LP_STANDBY			  MAKE_SQLSTATE('L', 'P', '0', '2', '1')

/* Longest text that a client may state, in bytes: reason, case number, officer, ... */
#define CTLPR_STATED_MAX_BYTES 4096

/* Longest agency identifier, in bytes, its terminator included (ctlpr.agency) */
#define CTLPR_AGENCY_ID_SIZE 64

typedef enum AuditDurability
{
	AUDIT_DURABILITY_SYNC,
	AUDIT_DURABILITY_ASYNC
} AuditDurability;

typedef enum AuditMirror
{
	AUDIT_MIRROR_OFF,
	AUDIT_MIRROR_LOG
} AuditMirror;

typedef enum ExpiredIngest
{
	EXPIRED_INGEST_ERROR,
	EXPIRED_INGEST_SKIP
} ExpiredIngest;

/* Settings, defined with their explanations in ctlpr.c */
extern int	 ctlpr_audit_timeout_ms;
extern int	 ctlpr_audit_durability;
extern int	 ctlpr_audit_mirror;
extern int	 ctlpr_audit_queue_kb;
extern int	 ctlpr_max_databases;
extern char *ctlpr_checkpoint_key;
extern char *ctlpr_checkpoint_origin;
extern char *ctlpr_checkpoint_directory;
extern int	 ctlpr_checkpoint_interval_s;
extern int	 ctlpr_purge_naptime_s;
extern int	 ctlpr_purge_batch_rows;
extern int	 ctlpr_purge_lock_timeout_ms;
extern bool	 ctlpr_erase;
extern int	 ctlpr_erase_naptime_s;
extern int	 ctlpr_erase_rate_mb;
extern int	 ctlpr_image_deletion_limit_min;
extern int	 ctlpr_request_timeout_s;
extern int	 ctlpr_clock_skew_s;
extern int	 ctlpr_bulk_row_limit;
extern int	 ctlpr_pending_limit_s;
extern int	 ctlpr_observe_limit_min;
extern int	 ctlpr_public_delay_min;
extern bool	 ctlpr_restore;
extern int	 ctlpr_on_expired_ingest;

/* index_path.c: installs the planner hooks */
extern void index_path_install(void);

#endif /* CTLPR_H */
