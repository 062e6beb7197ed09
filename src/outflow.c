/*
 * outflow.c - logical replication.
 *
 * A logical subscriber gets every read as it comes in, expired or not, and no
 * statement of anybody's is recorded for it.  So a governed table stands in no
 * publication without leave (ctlpr.allow_publication()), and a connection for
 * logical replication into a database that governs anything is for the roles
 * that leave was given for: what such a connection decodes is its own choice.
 *
 * Connections for physical replication belong to standbys and backups, which
 * hold everything anyway; ctlpr.posture shows them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "replication/walsender.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "gate.h"
#include "object_gate.h"
#include "outflow.h"
#include "registry.h"

static bool connection_checked = false;

/* ---- decoding ---- */

bool
outflow_is_decoding_function(Oid function)
{
	switch (function)
	{
		case F_PG_CREATE_LOGICAL_REPLICATION_SLOT:
		case F_PG_LOGICAL_SLOT_GET_CHANGES:
		case F_PG_LOGICAL_SLOT_PEEK_CHANGES:
		case F_PG_LOGICAL_SLOT_GET_BINARY_CHANGES:
		case F_PG_LOGICAL_SLOT_PEEK_BINARY_CHANGES:
		case F_PG_COPY_LOGICAL_REPLICATION_SLOT_NAME_NAME:
		case F_PG_COPY_LOGICAL_REPLICATION_SLOT_NAME_NAME_BOOL:
		case F_PG_COPY_LOGICAL_REPLICATION_SLOT_NAME_NAME_BOOL_NAME:
			return true;
		default:
			return false;
	}
}

void
outflow_guard_decoding(void)
{
	if (IsTransactionState() && registry_any_governed())
		gate_refuse_weakening("export", InvalidOid, CAUSE_DECODING, "13(d)(6)");
}

/* ---- publications and subscriptions ---- */

void
outflow_guard_publications(const char *publication)
{
	const char *query = "SELECT p.relation::pg_catalog.oid FROM ctlpr.published_without_leave() p";
	Oid			relid;

	if (publication)
		query = psprintf("%s WHERE p.publication OPERATOR(pg_catalog.=) %s", query, quote_literal_cstr(publication));
	relid = object_gate_query(query, InvalidOid);

	if (OidIsValid(relid))
		gate_refuse_weakening("ddl", relid, CAUSE_PUBLISHED, "13(d)(6)");
}

void
outflow_guard_subscriptions(void)
{
	Oid relid = object_gate_query("SELECT s.srrelid FROM pg_catalog.pg_subscription_rel s "
								  "WHERE s.srrelid IN (SELECT m::pg_catalog.oid FROM ctlpr.governed_relation g, "
								  "ctlpr.relation_members(g.relation) m)",
								  InvalidOid);

	if (OidIsValid(relid))
		gate_refuse_weakening("ddl", relid, CAUSE_SUBSCRIBED, "13(b)(2)(A)");
}

/* ---- connections ---- */

/*
 * A connection's first transaction is the server's own, and ends when role and
 * database are settled; whoever may not stay is told before it ends.
 */
static void
check_connection(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_PRE_COMMIT || connection_checked)
		return;
	connection_checked = true;
	if (!am_db_walsender || !OidIsValid(MyDatabaseId) || !registry_any_governed())
		return;
	if (!OidIsValid(object_gate_query("SELECT a.subscriber::pg_catalog.oid FROM ctlpr.allowed_publication a "
									  "WHERE a.subscriber = $1 AND a.withdrawn_at IS NULL",
									  GetUserId())))
		gate_refuse_call("export", CAUSE_DECODING, "13(d)(6)");
}

void
outflow_install(void)
{
	RegisterXactCallback(check_connection, NULL);
}
