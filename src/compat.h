/*
 * compat.h - every difference between server versions, and nowhere else.
 *
 * PostgreSQL 15, 17 and 18 are built and tested; 16 follows from the two
 * around it.
 */
#ifndef CTLPR_COMPAT_H
#define CTLPR_COMPAT_H

#include "commands/vacuum.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "optimizer/restrictinfo.h"
#include "parser/parse_relation.h"
#include "storage/proc.h"
#include "utils/guc.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_state.h"
#endif

/* ExecutorRun lost its execute_once argument in 18. */
#if PG_VERSION_NUM >= 180000
#define EXECUTOR_RUN_PARAMS QueryDesc *query_desc, ScanDirection direction, uint64 count
#define EXECUTOR_RUN_ARGS	query_desc, direction, count
#else
#define EXECUTOR_RUN_PARAMS QueryDesc *query_desc, ScanDirection direction, uint64 count, bool execute_once
#define EXECUTOR_RUN_ARGS	query_desc, direction, count, execute_once
#endif

/* A function that does not return; stands in front of its declaration. */
#if PG_VERSION_NUM >= 180000
#define COMPAT_NORETURN pg_noreturn
#else
#define COMPAT_NORETURN pg_attribute_noreturn()
#endif

/* Run an executor to its end. */
#if PG_VERSION_NUM >= 180000
#define COMPAT_EXECUTOR_RUN(query_desc) ExecutorRun(query_desc, ForwardScanDirection, 0)
#else
#define COMPAT_EXECUTOR_RUN(query_desc) ExecutorRun(query_desc, ForwardScanDirection, 0, true)
#endif

/* A range that is not empty. */
#if PG_VERSION_NUM >= 160000
#define COMPAT_MAKE_RANGE(type, lower, upper) make_range(type, lower, upper, false, NULL)
#else
#define COMPAT_MAKE_RANGE(type, lower, upper) make_range(type, lower, upper, false)
#endif

/* Insert a stored row into the indexes of its table. */
#if PG_VERSION_NUM >= 160000
#define COMPAT_INSERT_INDEX_TUPLES(result, slot, estate)                                                                         \
	ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, false)
#else
#define COMPAT_INSERT_INDEX_TUPLES(result, slot, estate) ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL)
#endif

/* Keep parallel workers out of an executor run. */
#if PG_VERSION_NUM >= 180000
#define COMPAT_RUN_WITHOUT_WORKERS(query_desc) ((query_desc)->already_executed = true)
#else
#define COMPAT_RUN_WITHOUT_WORKERS(query_desc) (execute_once = false)
#endif

/* A RestrictInfo that no outer join concerns. */
#if PG_VERSION_NUM >= 160000
#define COMPAT_MAKE_RESTRICTINFO(root, clause, security_level)                                                                   \
	make_restrictinfo(root, clause, true, false, false, false, security_level, NULL, NULL, NULL)
#else
#define COMPAT_MAKE_RESTRICTINFO(root, clause, security_level)                                                                   \
	make_restrictinfo(root, clause, true, false, false, security_level, NULL, NULL, NULL)
#endif

/* The extra data of a check hook comes from the settings' own allocator since 16. */
#if PG_VERSION_NUM >= 160000
#define COMPAT_GUC_ALLOC(size) guc_malloc(LOG, size)
#define COMPAT_GUC_FREE(ptr)   guc_free(ptr)
#else
#define COMPAT_GUC_ALLOC(size) malloc(size)
#define COMPAT_GUC_FREE(ptr)   free(ptr)
#endif

/* The number of a process in the array of all processes. */
#if PG_VERSION_NUM >= 170000
#define COMPAT_PROC_NUMBER(proc) GetNumberFromPGProc(proc)
#else
#define COMPAT_PROC_NUMBER(proc) ((proc)->pgprocno)
#endif

/* Minimal tuples may have room in front of them since 18. */
#if PG_VERSION_NUM >= 180000
#define COMPAT_FORM_MINIMAL_TUPLE(desc, values, nulls) heap_form_minimal_tuple(desc, values, nulls, 0)
#else
#define COMPAT_FORM_MINIMAL_TUPLE(desc, values, nulls) heap_form_minimal_tuple(desc, values, nulls)
#endif

/* SQL/JSON functions are nodes of their own since 16, and make values of any type since 17. */
#if PG_VERSION_NUM >= 170000
#define COMPAT_JSON_TYPE_MADE(node)                                                                                              \
	(IsA(node, JsonExpr) || IsA(node, JsonConstructorExpr) || IsA(node, JsonValueExpr) ? exprType(node) : InvalidOid)
#elif PG_VERSION_NUM >= 160000
#define COMPAT_JSON_TYPE_MADE(node) (IsA(node, JsonConstructorExpr) || IsA(node, JsonValueExpr) ? exprType(node) : InvalidOid)
#else
#define COMPAT_JSON_TYPE_MADE(node) InvalidOid
#endif

/* Ownership is asked for any kind of object since 16. */
#if PG_VERSION_NUM >= 160000
#define COMPAT_OWNS_RELATION(relid, role) object_ownercheck(RelationRelationId, relid, role)
#else
#define COMPAT_OWNS_RELATION(relid, role) pg_class_ownercheck(relid, role)
#endif

/* Is this autovacuum, at work in a database? */
#if PG_VERSION_NUM >= 170000
#define COMPAT_IS_AUTOVACUUM() AmAutoVacuumWorkerProcess()
#else
#define COMPAT_IS_AUTOVACUUM() IsAutoVacuumWorkerProcess()
#endif

/* Whether a stronger lock counts as well is asked since 17. */
#if PG_VERSION_NUM >= 170000
#define COMPAT_LOCK_HELD_BY_ME(tag, mode) LockHeldByMe(tag, mode, false)
#else
#define COMPAT_LOCK_HELD_BY_ME(tag, mode) LockHeldByMe(tag, mode)
#endif

/* ExecutorCheckPerms_hook */
#if PG_VERSION_NUM >= 160000
#define COMPAT_CHECK_PERMISSIONS_PARAMS List *range_table, List *permissions, bool ereport_on_violation
#define COMPAT_CHECK_PERMISSIONS_ARGS	range_table, permissions, ereport_on_violation
#else
#define COMPAT_CHECK_PERMISSIONS_PARAMS List *range_table, bool ereport_on_violation
#define COMPAT_CHECK_PERMISSIONS_ARGS	range_table, ereport_on_violation
#endif

/*
 * vacuum() takes the context that its lists live in since 16, a child of
 * PortalContext before; and has to be told to vacuum the table itself.
 */
#if PG_VERSION_NUM >= 160000
#define COMPAT_VACUUM(relations, params, context) vacuum(relations, params, GetAccessStrategy(BAS_VACUUM), context, true)
#define COMPAT_VACUUM_MAIN						  VACOPT_PROCESS_MAIN
#else
#define COMPAT_VACUUM(relations, params, context) vacuum(relations, params, NULL, true)
#define COMPAT_VACUUM_MAIN						  0
#endif

/* Permissions stand in the range table entry before 16, beside it since. */
typedef struct CompatPermissions
{
	AclMode	   required; /* 0: the entry was not named by the statement */
	Oid		   check_as; /* whose rights count; InvalidOid: the current user's */
	Bitmapset *updated;	 /* columns assigned, offset by FirstLowInvalidHeapAttributeNumber */
} CompatPermissions;

static inline CompatPermissions
compat_permissions(const RangeTblEntry *rte, List *perminfos)
{
	CompatPermissions result = {0, InvalidOid, NULL};

#if PG_VERSION_NUM >= 160000
	if (rte->perminfoindex > 0)
	{
		RTEPermissionInfo *info = list_nth_node(RTEPermissionInfo, perminfos, rte->perminfoindex - 1);

		result.required = info->requiredPerms;
		result.check_as = info->checkAsUser;
		result.updated = info->updatedCols;
	}
#else
	result.required = rte->requiredPerms;
	result.check_as = rte->checkAsUser;
	result.updated = rte->updatedCols;
#endif
	return result;
}

/* The same for a command that makes its range table entry itself */
#if PG_VERSION_NUM >= 160000
#define COMPAT_REQUIRES_INSERT(item) ((item)->p_perminfo->requiredPerms = ACL_INSERT)
#define COMPAT_INSERTS_COLUMN(item, column)                                                                                      \
	((item)->p_perminfo->insertedCols = bms_add_member((item)->p_perminfo->insertedCols, column))
#define COMPAT_CHECK_PERMISSIONS(pstate) ExecCheckPermissions((pstate)->p_rtable, (pstate)->p_rteperminfos, true)
#else
#define COMPAT_REQUIRES_INSERT(item)		((item)->p_rte->requiredPerms = ACL_INSERT)
#define COMPAT_INSERTS_COLUMN(item, column) ((item)->p_rte->insertedCols = bms_add_member((item)->p_rte->insertedCols, column))
#define COMPAT_CHECK_PERMISSIONS(pstate)	ExecCheckRTPerms((pstate)->p_rtable, true)
#endif

#if PG_VERSION_NUM >= 160000
#define COMPAT_PLAN_PERMINFOS(plannedstmt) ((plannedstmt)->permInfos)
#else
#define COMPAT_PLAN_PERMINFOS(plannedstmt) NIL
#endif

#endif /* CTLPR_COMPAT_H */
