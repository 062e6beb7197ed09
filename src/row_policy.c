/*
 * row_policy.c - the row-level-security hooks, and the predicates that the
 * policy calls for each row.
 *
 * The predicates read the pinned copy of the statement that runs (gate.c),
 * never the session's state: a role or a request that changes half way changes
 * nothing here.  visible_since() alone answers outside of a statement too,
 * because the planner asks it for estimates and partitions are pruned by it
 * before the gate has looked; its answer depends on the clock only.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "parser/parse_coerce.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "gate.h"
#include "instruments.h"
#include "record.h"
#include "refusal.h"
#include "retention.h"
#include "row_policy.h"
#include "rules.h"
#include "shared.h"

static row_security_policy_hook_type previous_permissive_hook = NULL;
static row_security_policy_hook_type previous_restrictive_hook = NULL;

PG_FUNCTION_INFO_V1(ctlpr_guard);
PG_FUNCTION_INFO_V1(ctlpr_guard_support);
PG_FUNCTION_INFO_V1(ctlpr_visible_since);
PG_FUNCTION_INFO_V1(ctlpr_may_read);
PG_FUNCTION_INFO_V1(ctlpr_may_change);
PG_FUNCTION_INFO_V1(ctlpr_may_probe);
PG_FUNCTION_INFO_V1(ctlpr_may_insert);
PG_FUNCTION_INFO_V1(ctlpr_referential);
PG_FUNCTION_INFO_V1(ctlpr_touch);
PG_FUNCTION_INFO_V1(ctlpr_admits);
PG_FUNCTION_INFO_V1(ctlpr_shows_statistics);
PG_FUNCTION_INFO_V1(ctlpr_shows_extended_statistics);

/* ---- expressions ---- */

static Node *
column(const GovernedRelation *governed, Index varno, AttrNumber attribute)
{
	Oid	  type;
	int32 typmod;
	Oid	  collation;

	get_atttypetypmodcoll(governed->relid, attribute, &type, &typmod, &collation);
	return (Node *) makeVar(varno, attribute, type, typmod, collation, 0);
}

static Node *
text_constant(const char *value)
{
	return (Node *) makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, CStringGetTextDatum(value), false, false);
}

static Node *
oid_constant(Oid value)
{
	return (Node *) makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(value), false, true);
}

/* A column as text, by the cast that the server would take */
static Node *
text_column(const GovernedRelation *governed, Index varno, AttrNumber attribute)
{
	Node *var = column(governed, varno, attribute);
	Node *text = coerce_to_target_type(NULL, var, exprType(var), TEXTOID, -1, COERCION_EXPLICIT, COERCE_IMPLICIT_CAST, -1);

	if (text == NULL)
		ereport(ERROR, (errcode(ERRCODE_CANNOT_COERCE), errmsg("the agency column of a governed table cannot be read as text")));
	return text;
}

static Node *
owner(const GovernedRelation *governed, Index varno)
{
	return governed->owner > 0 ? text_column(governed, varno, governed->owner) : text_constant(governed->owner_agency);
}

static Node *
call(Oid function, Oid result, List *args)
{
	return (Node *) makeFuncExpr(function, result, args, InvalidOid, DEFAULT_COLLATION_OID, COERCE_EXPLICIT_CALL);
}

/* What stands for the hold in the check of a row that an UPDATE makes; no hold has that number. */
#define HOLD_OF_CHANGED_ROW 0

/*
 * f(relation, captured_at, owner, plate, camera, hold): plate and camera as they
 * are, for they are read only where they count; hold is the column of an
 * evidence table.
 */
static Node *
row_call(Oid function, const GovernedRelation *governed, Index varno, PolicyUse use)
{
	List *args = list_make5(oid_constant(governed->relid), column(governed, varno, governed->captured_at), owner(governed, varno),
							column(governed, varno, governed->plate),
							governed->camera > 0 ? column(governed, varno, governed->camera)
												 : (Node *) makeNullConst(TEXTOID, -1, DEFAULT_COLLATION_OID));

	args = lappend(args, governed->hold > 0		 ? column(governed, varno, governed->hold)
						 : use == POLICY_CHANGED ? (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64),
																	  Int64GetDatum(HOLD_OF_CHANGED_ROW), false, FLOAT8PASSBYVAL)
												 : (Node *) makeNullConst(INT8OID, -1, InvalidOid));
	return call(function, BOOLOID, args);
}

/* captured_at >= visible_since(r): an index condition, and it prunes partitions */
static Node *
unexpired(const GovernedRelation *governed, Index varno)
{
	static Oid at_or_after = InvalidOid;
	Node	  *since;

	if (!OidIsValid(at_or_after))
		at_or_after = OpernameGetOprid(list_make2(makeString("pg_catalog"), makeString(">=")), TIMESTAMPTZOID, TIMESTAMPTZOID);
	since = call(registry_policy_functions()->visible_since, TIMESTAMPTZOID, list_make1(oid_constant(governed->relid)));
	{
		OpExpr *clause =
			(OpExpr *) make_opclause(at_or_after, BOOLOID, false, (Expr *) column(governed, varno, governed->captured_at),
									 (Expr *) since, InvalidOid, InvalidOid);

		clause->opfuncid = get_opcode(at_or_after);
		return (Node *) clause;
	}
}

Node *
row_policy_expression(const GovernedRelation *governed, Index varno, PolicyUse use)
{
	const PolicyFunctions *functions = registry_policy_functions();

	if (governed->broken)
		gate_refuse_command("select", governed->relid, CAUSE_BROKEN_REGISTRATION, "13(b)(2)(A)");
	if (use == POLICY_INSERT)
		return row_call(functions->may_insert, governed, varno, use);
	return (Node *) makeBoolExpr(
		AND_EXPR,
		list_make2(unexpired(governed, varno),
				   row_call(use == POLICY_READ ? functions->may_read : functions->may_change, governed, varno, use)),
		-1);
}

Node *
row_policy_touch(const GovernedRelation *governed, Index varno, TouchPlace place)
{
	const PolicyFunctions *functions = registry_policy_functions();

	return call(
		place == TOUCH_SCANNED ? functions->touch : functions->touch_given, BOOLOID,
		list_make3(oid_constant(governed->relid), column(governed, varno, governed->captured_at), owner(governed, varno)));
}

Node *
row_policy_referential(const GovernedRelation *governed)
{
	return call(registry_policy_functions()->referential, BOOLOID, list_make1(oid_constant(governed->relid)));
}

/* Is it the expected expression over a row's columns, whatever the Vars are called? */
static bool
is_same_over_columns(Node *node, Node *expected, ColumnResolver resolve, void *context)
{
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	while (IsA(expected, RelabelType))
		expected = (Node *) ((RelabelType *) expected)->arg;
	if (IsA(expected, Var))
		return IsA(node, Var) && resolve((Var *) node, context) == ((Var *) expected)->varattno;
	if (nodeTag(node) != nodeTag(expected))
		return false;
	if (IsA(expected, CoerceViaIO))
		return ((CoerceViaIO *) node)->resulttype == ((CoerceViaIO *) expected)->resulttype &&
			   is_same_over_columns((Node *) ((CoerceViaIO *) node)->arg, (Node *) ((CoerceViaIO *) expected)->arg, resolve,
									context);
	if (IsA(expected, FuncExpr) && ((FuncExpr *) expected)->args != NIL)
		return ((FuncExpr *) node)->funcid == ((FuncExpr *) expected)->funcid &&
			   list_length(((FuncExpr *) node)->args) == list_length(((FuncExpr *) expected)->args) &&
			   is_same_over_columns(linitial(((FuncExpr *) node)->args), linitial(((FuncExpr *) expected)->args), resolve,
									context);
	return equal(node, expected);
}

/* The call's first argument names the relation, or a parent of the member */
static bool
is_about(FuncExpr *call, const GovernedRelation *governed)
{
	Const				   *relation = linitial(call->args);
	const GovernedRelation *named;

	if (!IsA(relation, Const) || relation->constisnull)
		return false;
	named = registry_lookup(DatumGetObjectId(relation->constvalue));
	return named && named->root == governed->root;
}

PolicyPredicate
row_policy_predicate(Node *condition, const GovernedRelation *governed, ColumnResolver resolve, void *context)
{
	const PolicyFunctions *functions = registry_policy_functions();
	FuncExpr			  *call = (FuncExpr *) condition;
	FuncExpr			  *expected;
	PolicyPredicate		   predicate;

	if (!IsA(condition, FuncExpr) || call->args == NIL)
		return PREDICATE_NONE;
	if (call->funcid == functions->referential)
		return is_about(call, governed) ? PREDICATE_REFERENTIAL : PREDICATE_NONE;
	if (call->funcid == functions->may_read || call->funcid == functions->may_change)
		predicate = PREDICATE_READ;
	else if (call->funcid == functions->may_probe)
		predicate = PREDICATE_PROBE;
	else
		return PREDICATE_NONE;
	expected = (FuncExpr *) row_call(call->funcid, governed, 1, POLICY_READ);
	if (!is_about(call, governed) || list_length(call->args) != list_length(expected->args))
		return PREDICATE_NONE;
	for (int i = 1; i < list_length(expected->args); i++)
		if (!is_same_over_columns(list_nth(call->args, i), list_nth(expected->args, i), resolve, context))
			return PREDICATE_NONE;
	return predicate;
}

static bool
probe_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid == registry_policy_functions()->may_read)
		((FuncExpr *) node)->funcid = registry_policy_functions()->may_probe;
	return expression_tree_walker(node, probe_walker, context);
}

void
row_policy_make_probe(Node *expression)
{
	(void) probe_walker(expression, NULL);
}

Node *
row_policy_admits(const GovernedRelation *governed, Node *captured_at, Node *owner)
{
	if (owner)
		owner = coerce_to_target_type(NULL, owner, exprType(owner), TEXTOID, -1, COERCION_EXPLICIT, COERCE_IMPLICIT_CAST, -1);
	else
		owner = text_constant(governed->owner_agency);
	if (owner == NULL)
		ereport(ERROR, (errcode(ERRCODE_CANNOT_COERCE), errmsg("the agency column of a governed table cannot be read as text")));
	return call(registry_policy_functions()->admits, BOOLOID, list_make3(oid_constant(governed->relid), captured_at, owner));
}

Node *
row_policy_statistics(bool extended, Index varno, AttrNumber attribute)
{
	const PolicyFunctions *functions = registry_policy_functions();

	return call(extended ? functions->shows_extended_statistics : functions->shows_statistics, BOOLOID,
				list_make1(makeVar(varno, attribute, OIDOID, -1, InvalidOid, 0)));
}

/* ---- hooks ---- */

static RowSecurityPolicy *
make_policy(const char *name, bool permissive, Node *qual, Node *with_check)
{
	RowSecurityPolicy *policy = palloc0(sizeof(RowSecurityPolicy));
	Datum			   everybody = ObjectIdGetDatum(ACL_ID_PUBLIC);

	policy->policy_name = pstrdup(name);
	policy->polcmd = '*';
	policy->roles = construct_array(&everybody, 1, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
	policy->permissive = permissive;
	policy->qual = (Expr *) qual;
	policy->with_check_qual = (Expr *) with_check;
	policy->hassublinks = false;
	return policy;
}

/* Row security denies all where no permissive policy is; ours only restrict, so one is needed. */
static bool
has_permissive_policy(Relation relation)
{
	ListCell *cell;

	if (relation->rd_rsdesc == NULL)
		return false;
	foreach (cell, relation->rd_rsdesc->policies)
		if (((RowSecurityPolicy *) lfirst(cell))->permissive)
			return true;
	return false;
}

static List *
permissive_policies(CmdType command, Relation relation)
{
	List *policies = previous_permissive_hook ? previous_permissive_hook(command, relation) : NIL;

	if (!IsBinaryUpgrade && registry_lookup(RelationGetRelid(relation)) && !has_permissive_policy(relation))
		policies = lappend(policies, make_policy("ctlpr_all", true, makeBoolConst(true, false), NULL));
	return policies;
}

static List *
restrictive_policies(CmdType command, Relation relation)
{
	List				   *policies = previous_restrictive_hook ? previous_restrictive_hook(command, relation) : NIL;
	const GovernedRelation *found = IsBinaryUpgrade ? NULL : registry_lookup(RelationGetRelid(relation));
	GovernedRelation		governed;
	Node				   *qual;
	Node				   *with_check;

	if (!found)
		return policies;
	governed = *found;
	switch (command)
	{
		case CMD_INSERT:
			with_check = row_policy_expression(&governed, 1, POLICY_INSERT);
			qual = (Node *) copyObject(with_check);
			break;
		case CMD_UPDATE:
		case CMD_DELETE:
			qual = row_policy_expression(&governed, 1, POLICY_CHANGE);
			with_check = row_policy_expression(&governed, 1, POLICY_CHANGED);
			break;
		default: /* SELECT, and what MERGE reads */
			qual = row_policy_expression(&governed, 1, POLICY_READ);
			with_check = (Node *) copyObject(qual);
			break;
	}
	return lappend(policies, make_policy("ctlpr", false, qual, with_check));
}

void
row_policy_install(void)
{
	previous_permissive_hook = row_security_policy_hook_permissive;
	row_security_policy_hook_permissive = permissive_policies;
	previous_restrictive_hook = row_security_policy_hook_restrictive;
	row_security_policy_hook_restrictive = restrictive_policies;
}

/* ---- predicates ---- */

/* The relation that a call is about, found once per executor and call site */
typedef struct CallSite
{
	uint64			 serial;
	StatementAccess *access;
	RelationAccess	*relation;
	FmgrInfo		 output[2]; /* of the plate's and the camera's type; fn_oid is set when known */
} CallSite;

/* Arguments of the row predicates */
enum
{
	ARG_RELATION,
	ARG_CAPTURED_AT,
	ARG_OWNER,
	ARG_PLATE,
	ARG_CAMERA,
	ARG_HOLD
};

static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	CallSite		*site = fcinfo->flinfo->fn_extra;
	StatementAccess *access = gate_running();

	if (access == NULL || PG_ARGISNULL(0))
	{
		/* A worker has nothing of its own to run; its leader has passed the gate. */
		if (IsParallelWorker())
			refusal_raise(CAUSE_UNFILTERED, "13(d)(6)");
		gate_refuse_call("select", CAUSE_UNFILTERED, "13(d)(6)");
	}
	if (site && site->serial == access->serial)
		return site;
	if (!site)
	{
		site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallSite));
		fcinfo->flinfo->fn_extra = site;
	}
	site->access = access;
	site->relation = gate_relation(access, PG_GETARG_OID(0));
	site->serial = access->serial;
	return site;
}

static OwnerAccess *
call_owner(CallSite *site, FunctionCallInfo fcinfo, int argument)
{
	text *value = PG_GETARG_TEXT_PP(argument);

	return gate_owner(site->access, site->relation, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

/* The plate or the camera as text; NULL for null */
static const char *
call_text(CallSite *site, FunctionCallInfo fcinfo, int argument)
{
	FmgrInfo *output = &site->output[argument - ARG_PLATE];
	char	 *text_value;
	size_t	  length;

	if (PG_ARGISNULL(argument))
		return NULL;
	if (output->fn_oid == InvalidOid)
	{
		Oid	 function;
		bool varlena;

		getTypeOutputInfo(get_fn_expr_argtype(fcinfo->flinfo, argument), &function, &varlena);
		fmgr_info_cxt(function, output, fcinfo->flinfo->fn_mcxt);
	}
	text_value = OutputFunctionCall(output, PG_GETARG_DATUM(argument));
	/* Blanks that only fill up a character(n) are no part of it. */
	if (get_fn_expr_argtype(fcinfo->flinfo, argument) == BPCHAROID)
	{
		length = strlen(text_value);
		while (length > 0 && text_value[length - 1] == ' ')
			text_value[--length] = '\0';
	}
	return text_value;
}

/* Is the read live, also where its owner keeps reads for a shorter time than the act allows? */
static bool
is_live(CallSite *site, FunctionCallInfo fcinfo, OwnerAccess **owner_access)
{
	TimestampTz captured_at;

	if (PG_ARGISNULL(ARG_CAPTURED_AT) || PG_ARGISNULL(ARG_OWNER))
		return false;
	captured_at = PG_GETARG_TIMESTAMPTZ(ARG_CAPTURED_AT);
	if (captured_at < site->relation->limit)
		return false;
	*owner_access = call_owner(site, fcinfo, ARG_OWNER);
	return site->relation->relation.hold > 0 || captured_at >= instruments_limit(&(*owner_access)->retention, site->access->now);
}

/* Evidence: is its hold in force, and the request about its case? */
static bool
is_of_case(CallSite *site, FunctionCallInfo fcinfo)
{
	if (site->relation->relation.hold <= 0)
		return true;
	return !PG_ARGISNULL(ARG_HOLD) && gate_hold_visible(site->access, site->relation, PG_GETARG_INT64(ARG_HOLD));
}

/* Is the read among the specific data that the request is narrowed to, if it is? */
static bool
is_covered(CallSite *site, FunctionCallInfo fcinfo)
{
	const AuthorizedScope *scope = site->access->decided.scope;
	const char			  *plate;
	const char			  *camera;

	if (scope == NULL)
		return true;
	/* A court's order for the evidence of a hold covers nothing else. */
	if (scope->hold_id != 0 && (PG_ARGISNULL(ARG_HOLD) || PG_GETARG_INT64(ARG_HOLD) != scope->hold_id))
		return false;
	plate = scope->by_plate ? call_text(site, fcinfo, ARG_PLATE) : NULL;
	camera = scope->by_camera ? call_text(site, fcinfo, ARG_CAMERA) : NULL;
	return instruments_cover(scope, PG_GETARG_TIMESTAMPTZ(ARG_CAPTURED_AT), plate ? plate : "", plate ? strlen(plate) : 0, camera,
							 camera ? strlen(camera) : 0);
}

/*
 * guard(): stands in the catalog as a restrictive policy.  That it can run
 * means that the library is loaded (_PG_init() refuses to be loaded late), so
 * it is true; without the library the call itself fails.
 */
Datum
ctlpr_guard(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}

/* guard() costs nothing where it is true: the planner folds it away. */
Datum
ctlpr_guard_support(PG_FUNCTION_ARGS)
{
	Node *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(makeBoolConst(true, false));
	PG_RETURN_POINTER(NULL);
}

/* The call site of a statement under way that names the relation; NULL outside of one */
static CallSite *
running_site(FunctionCallInfo fcinfo)
{
	CallSite		*site = fcinfo->flinfo->fn_extra;
	StatementAccess *access = gate_running();

	if (access == NULL || (site && site->serial == access->serial))
		return access ? site : NULL;
	return gate_names(access, PG_GETARG_OID(0)) ? call_site(fcinfo) : NULL;
}

/*
 * visible_since(relation): reads captured before this instant are expired;
 * -infinity in observe mode.  As a filter it is asked for every row, and
 * answers with the limit of the run.
 */
Datum
ctlpr_visible_since(PG_FUNCTION_ARGS)
{
	CallSite			   *site = running_site(fcinfo);
	const GovernedRelation *governed;
	TimestampTz				now;
	GovernedRelation		copy;
	TimestampTz				limit;

	if (site)
		PG_RETURN_TIMESTAMPTZ(site->relation->observed ? DT_NOBEGIN : site->relation->limit);
	governed = registry_lookup(PG_GETARG_OID(0));
	if (!governed)
		PG_RETURN_TIMESTAMPTZ(DT_NOEND);
	now = shared_now();
	if (registry_observed(governed, now))
		PG_RETURN_TIMESTAMPTZ(DT_NOBEGIN);
	copy = *governed;
	if (!retention_limit(&copy, now, &limit))
		PG_RETURN_TIMESTAMPTZ(DT_NOEND);
	PG_RETURN_TIMESTAMPTZ(limit);
}

/* may_read(relation, captured_at, owner, plate, camera): live, of an owner within the scope of the request, and covered by its instrument */
Datum
ctlpr_may_read(PG_FUNCTION_ARGS)
{
	CallSite	*site = call_site(fcinfo);
	OwnerAccess *owner_access;

	if (site->relation->observed)
		PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(is_live(site, fcinfo, &owner_access) && owner_access->visible && is_of_case(site, fcinfo) &&
				   is_covered(site, fcinfo));
}

/* Does an UPDATE put a read at a camera that a protected site bars, 13(d)(5)? */
static void
check_changed_camera(CallSite *site, FunctionCallInfo fcinfo)
{
	bool		changed = !PG_ARGISNULL(ARG_HOLD) && PG_GETARG_INT64(ARG_HOLD) == HOLD_OF_CHANGED_ROW;
	const char *camera = changed && site->relation->assigns_camera ? call_text(site, fcinfo, ARG_CAMERA) : NULL;

	if (camera && gate_camera_barred(site->relation, camera))
		gate_refuse_row(site->access, site->relation, CAUSE_PROTECTED_SITE, "13(d)(5)");
}

/* may_change(...): as may_read(), of the requester's own, and no evidence */
Datum
ctlpr_may_change(PG_FUNCTION_ARGS)
{
	CallSite	*site = call_site(fcinfo);
	OwnerAccess *owner_access;

	if (site->relation->observed)
		PG_RETURN_BOOL(true);
	/* What is held stays as it is until its hold ends. */
	if (site->relation->relation.hold > 0)
		PG_RETURN_BOOL(false);
	check_changed_camera(site, fcinfo);
	PG_RETURN_BOOL(is_live(site, fcinfo, &owner_access) && owner_access->visible && owner_access->mine &&
				   is_covered(site, fcinfo));
}

/* may_probe(...): live, and of an agency that the role ingests for */
Datum
ctlpr_may_probe(PG_FUNCTION_ARGS)
{
	CallSite	*site = call_site(fcinfo);
	OwnerAccess *owner_access;

	if (site->relation->observed)
		PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(is_live(site, fcinfo, &owner_access) && owner_access->ingestible);
}

/* Is an expired read of a COPY passed over, and counted, rather than refused? */
static bool
leaves_out(CallSite *site)
{
	if (ctlpr_on_expired_ingest != EXPIRED_INGEST_SKIP || site->access->query_desc != NULL || site->relation->observed)
		return false;
	site->relation->left_out++;
	return true;
}

/*
 * admits(relation, captured_at, owner): condition of an INSERT where
 * ctlpr.on_expired_ingest is skip: false for a read past its retention
 */
Datum
ctlpr_admits(PG_FUNCTION_ARGS)
{
	CallSite	*site = call_site(fcinfo);
	OwnerAccess *owner_access;

	if (site->relation->observed || PG_ARGISNULL(ARG_CAPTURED_AT) || PG_ARGISNULL(ARG_OWNER) ||
		is_live(site, fcinfo, &owner_access))
		PG_RETURN_BOOL(true);
	site->relation->left_out++;
	PG_RETURN_BOOL(false);
}

/* may_insert(...): raises LP013 or LP014 rather than return false, so that it says why */
Datum
ctlpr_may_insert(PG_FUNCTION_ARGS)
{
	CallSite	   *site;
	RelationAccess *relation;
	TimestampTz		captured_at;
	OwnerAccess	   *owner_access;
	const char	   *camera;

	site = call_site(fcinfo);
	relation = site->relation;

	if (relation->relation.hold > 0)
		gate_refuse_row(site->access, relation, CAUSE_EVIDENCE, "13(b)(2)(A)(iii)");
	if (PG_ARGISNULL(ARG_CAPTURED_AT))
		gate_refuse_row(site->access, relation, CAUSE_CAPTURED_NULL, "13(b)(2)(A)");
	if (PG_ARGISNULL(ARG_PLATE))
		gate_refuse_row(site->access, relation, CAUSE_PLATE_NULL, "13(a)");
	if (PG_ARGISNULL(ARG_OWNER))
		gate_refuse_row(site->access, relation, CAUSE_OWNER_OTHER, "13(d)(6)");
	if (PG_ARGISNULL(ARG_CAPTURED_AT) || PG_ARGISNULL(ARG_OWNER) || PG_ARGISNULL(ARG_PLATE))
		PG_RETURN_BOOL(true); /* only observed */

	captured_at = PG_GETARG_TIMESTAMPTZ(ARG_CAPTURED_AT);
	if (captured_at < relation->limit && leaves_out(site))
		PG_RETURN_BOOL(false);
	if (captured_at < relation->limit)
		gate_refuse_row(site->access, relation, CAUSE_CAPTURED_EARLY, "13(b)(2)(A)");
	if (captured_at > site->access->now + ctlpr_clock_skew_s * USECS_PER_SEC)
		gate_refuse_row(site->access, relation, CAUSE_CAPTURED_LATE, "13(b)(2)(A)");
	owner_access = call_owner(site, fcinfo, ARG_OWNER);
	if (!owner_access->ingestible)
		gate_refuse_row(site->access, relation, CAUSE_OWNER_OTHER, "13(d)(6)");
	if (captured_at < instruments_limit(&owner_access->retention, site->access->now))
	{
		if (leaves_out(site))
			PG_RETURN_BOOL(false);
		gate_refuse_row(site->access, relation, CAUSE_CAPTURED_EARLY, "13(b)(2)(A)");
	}
	camera = relation->relation.camera > 0 ? call_text(site, fcinfo, ARG_CAMERA) : NULL;
	if (camera && gate_camera_barred(relation, camera))
		gate_refuse_row(site->access, relation, CAUSE_PROTECTED_SITE, "13(d)(5)");
	if (!TIMESTAMP_NOT_FINITE(captured_at) && rules_statute())
		record_ingested_read(site->access, relation, owner_access->agency_id, captured_at);
	PG_RETURN_BOOL(true);
}

/* referential(relation): marks a plan, see index_path.c; what it marks is the gate's to judge */
Datum
ctlpr_referential(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}

/* shows_statistics(relation): no values of a governed table's reads stand in what ANALYZE keeps of it, or of an index of it */
Datum
ctlpr_shows_statistics(PG_FUNCTION_ARGS)
{
	Oid	 relid = PG_GETARG_OID(0);
	char kind = get_rel_relkind(relid);

	if (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX)
		relid = IndexGetRelation(relid, true);
	PG_RETURN_BOOL(registry_lookup(relid) == NULL);
}

/* shows_extended_statistics(statistics): the same for the objects that CREATE STATISTICS makes */
Datum
ctlpr_shows_extended_statistics(PG_FUNCTION_ARGS)
{
	HeapTuple tuple = SearchSysCache1(STATEXTOID, PG_GETARG_DATUM(0));
	Oid		  relid;

	if (!HeapTupleIsValid(tuple))
		PG_RETURN_BOOL(false);
	relid = ((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxrelid;
	ReleaseSysCache(tuple);
	PG_RETURN_BOOL(registry_lookup(relid) == NULL);
}

/*
 * touch(relation, captured_at, owner): counts the row; runs last, so the row
 * passed all conditions of its scan.  Also touch_given(), in a target list.
 */
Datum
ctlpr_touch(PG_FUNCTION_ARGS)
{
	CallSite	*site = call_site(fcinfo);
	OwnerAccess *owner_access;

	site->relation->touched++;
	if (!PG_ARGISNULL(ARG_CAPTURED_AT) && PG_GETARG_TIMESTAMPTZ(ARG_CAPTURED_AT) < site->relation->oldest)
		site->relation->oldest = PG_GETARG_TIMESTAMPTZ(ARG_CAPTURED_AT);
	if (!PG_ARGISNULL(ARG_OWNER))
	{
		owner_access = call_owner(site, fcinfo, ARG_OWNER);
		owner_access->touched++;
		if (!PG_ARGISNULL(ARG_CAPTURED_AT))
			owner_access->oldest = Min(owner_access->oldest, PG_GETARG_TIMESTAMPTZ(ARG_CAPTURED_AT));
		if (owner_access->shared)
			gate_touch_other(site->access, site->relation);
	}
	PG_RETURN_BOOL(true);
}
