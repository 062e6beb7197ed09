/*
 * request.c - requests and their life.
 *
 * A request travels in one setting, ctlpr.request, so that the server itself
 * ends it with the transaction or savepoint, on DISCARD ALL and RESET ALL, and
 * hands it to parallel workers.  A client cannot set it: the check hook takes
 * the empty value, and any other only while begin_request() itself is setting
 * it or a parallel worker is starting; in both cases the value must carry the
 * seal of this server.  The value holds all of the request, so that one day it
 * can travel further than a worker.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "audit_queue.h"
#include "compat.h"
#include "gate.h"
#include "instruments.h"
#include "refusal.h"
#include "registry.h"
#include "request.h"
#include "rules.h"
#include "shared.h"

#define REQUEST_SETTING "ctlpr.request"
#define SEAL_BYTES		PG_SHA256_DIGEST_LENGTH
#define SEAL_CHARS		(2 * SEAL_BYTES)

/* Names of the stated texts as arguments of begin_request() */
static const char *const text_names[STATED_TEXTS] = {
	[TEXT_PURPOSE] = "purpose", [TEXT_CASE_NUMBER] = "case_number", [TEXT_REASON] = "reason",
	[TEXT_OFFICER] = "officer", [TEXT_AGENCY_ID] = "agency_id",		[TEXT_ON_BEHALF_OF] = "on_behalf_of",
	[TEXT_OFFENSE] = "offense", [TEXT_TERMINAL] = "terminal"};

static char	   *request_setting = NULL;	 /* the sealed value */
static Request *held_request = NULL;	 /* what it says; the setting's extra data */
static bool		setting_request = false; /* begin_request() and its like are at work */

PG_FUNCTION_INFO_V1(ctlpr_begin_request);
PG_FUNCTION_INFO_V1(ctlpr_check_request);
PG_FUNCTION_INFO_V1(ctlpr_sharing_basis);
PG_FUNCTION_INFO_V1(ctlpr_end_request);
PG_FUNCTION_INFO_V1(ctlpr_current_request);
PG_FUNCTION_INFO_V1(ctlpr_break_glass);

/* ---- the sealed value ---- */

static bool
compute_seal(const char *body, char *seal)
{
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);
	uint8		 digest[SEAL_BYTES];
	bool		 done;

	if (context == NULL)
		return false;
	done = pg_hmac_init(context, shared->request_key, SHARED_REQUEST_KEY_BYTES) >= 0 &&
		   pg_hmac_update(context, (const uint8 *) body, strlen(body)) >= 0 &&
		   pg_hmac_final(context, digest, sizeof(digest)) >= 0;
	pg_hmac_free(context);
	if (done)
	{
		hex_encode((const char *) digest, SEAL_BYTES, seal);
		seal[SEAL_CHARS] = '\0';
	}
	return done;
}

/* seal, then the numbers, then each text as its length and bytes ("-" when not stated) */
static char *
serialize_request(const Request *request)
{
	StringInfoData body;
	char		   seal[SEAL_CHARS + 1];

	initStringInfo(&body);
	appendStringInfo(&body, INT64_FORMAT " %u %u " INT64_FORMAT " " INT64_FORMAT " " INT64_FORMAT " %d ", request->seq,
					 request->role, request->database, request->authorization_id, request->started_at, request->expires_at,
					 (int) request->break_glass);
	for (int i = 0; i < STATED_TEXTS; i++)
	{
		if (request->text[i])
			appendStringInfo(&body, "%d:%s", (int) strlen(request->text[i]), request->text[i]);
		else
			appendStringInfoChar(&body, '-');
	}
	if (!compute_seal(body.data, seal))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not seal the request")));
	return psprintf("%s%s", seal, body.data);
}

/* The inverse, into one chunk that the setting owns; NULL when the value is not one of ours */
static Request *
parse_request(const char *value)
{
	char		seal[SEAL_CHARS + 1];
	const char *body = value + SEAL_CHARS;
	Request	   *request;
	char	   *room;
	int			consumed = 0;
	int			break_glass = 0;

	if (strlen(value) <= SEAL_CHARS || !compute_seal(body, seal) || memcmp(seal, value, SEAL_CHARS) != 0)
		return NULL;

	/* The texts take no more room than the value, each with a terminator. */
	request = COMPAT_GUC_ALLOC(sizeof(Request) + strlen(body) + STATED_TEXTS);
	if (request == NULL)
		return NULL;
	memset(request, 0, sizeof(*request));
	room = (char *) (request + 1);

	if (sscanf(body, INT64_FORMAT " %u %u " INT64_FORMAT " " INT64_FORMAT " " INT64_FORMAT " %d%n", &request->seq, &request->role,
			   &request->database, &request->authorization_id, &request->started_at, &request->expires_at, &break_glass,
			   &consumed) != 7)
	{
		COMPAT_GUC_FREE(request);
		return NULL;
	}
	request->break_glass = (break_glass != 0);
	body += consumed + 1;
	for (int i = 0; i < STATED_TEXTS; i++)
	{
		char *end;
		long  length;

		if (*body == '-')
		{
			body++;
			continue;
		}
		length = strtol(body, &end, 10);
		memcpy(room, end + 1, length);
		room[length] = '\0';
		request->text[i] = room;
		room += length + 1;
		body = end + 1 + length;
	}
	return request;
}

static bool
check_request_setting(char **newval, void **extra, GucSource source)
{
	Request *request;

	if (*newval == NULL || **newval == '\0')
	{
		*extra = NULL;
		return true;
	}
	if (!setting_request && !InitializingParallelWorker)
	{
		GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
		GUC_check_errmsg("parameter \"%s\" cannot be set", REQUEST_SETTING);
		GUC_check_errhint("State a request with ctlpr.begin_request().");
		return false;
	}
	request = parse_request(*newval);
	if (request == NULL)
	{
		GUC_check_errmsg("parameter \"%s\" carries no valid seal", REQUEST_SETTING);
		return false;
	}
	*extra = request;
	return true;
}

static void
assign_request_setting(const char *newval, void *extra)
{
	held_request = extra;
}

void
request_install(void)
{
	DefineCustomStringVariable(REQUEST_SETTING, "The request in force; set by ctlpr.begin_request() only.", NULL,
							   &request_setting, "", PGC_USERSET, GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE | GUC_NO_SHOW_ALL,
							   check_request_setting, assign_request_setting, NULL);
}

/* Set or clear the request, for the transaction or for the session. */
static void
hold_request(const char *value, bool session)
{
	setting_request = true;
	PG_TRY();
	{
		(void) set_config_option(REQUEST_SETTING, value, PGC_USERSET, PGC_S_SESSION, session ? GUC_ACTION_SET : GUC_ACTION_LOCAL,
								 true, 0, false);
	}
	PG_FINALLY();
	{
		setting_request = false;
	}
	PG_END_TRY();
}

/* ---- the request in force ---- */

int64
request_held(void)
{
	return held_request ? held_request->seq : 0;
}

/* The request that this role began in this session, unless it has expired */
static const Request *
held_by(Oid role, TimestampTz now)
{
	if (held_request && held_request->role == role && held_request->database == MyDatabaseId && now < held_request->expires_at)
		return held_request;
	return NULL;
}

bool
request_in_force(Oid role, TimestampTz now, Request *request)
{
	const Request *held = held_by(role, now);
	ListCell	  *cell;

	if (held)
	{
		*request = *held;
		return true;
	}
	foreach (cell, rules_standing_requests(role))
	{
		StandingRequest *standing = lfirst(cell);

		if (now >= standing->valid_until)
			continue;
		*request = (Request){.seq = standing->request_seq,
							 .role = role,
							 .database = MyDatabaseId,
							 .expires_at = standing->valid_until,
							 .standing = true};
		request->text[TEXT_PURPOSE] = standing->purpose;
		request->text[TEXT_REASON] = standing->reason;
		request->text[TEXT_AGENCY_ID] = standing->agency_id;
		return true;
	}
	return false;
}

void
request_copy(Request *into, const Request *from)
{
	*into = *from;
	for (int i = 0; i < STATED_TEXTS; i++)
		if (from->text[i])
			into->text[i] = pstrdup(from->text[i]);
}

/* ---- deciding ---- */

static bool
is_stated(const char *text)
{
	return text != NULL && text[strspn(text, " \t\r\n")] != '\0';
}

/* "pending" is a case number only where the purpose lets it follow, 13(d)(8). */
static bool
is_pending(const char *case_number)
{
	const char *start = case_number + strspn(case_number, " \t\r\n");

	return pg_strncasecmp(start, "pending", 7) == 0 && !is_stated(start + 7);
}

static uint32
stated_fields(const Request *request, bool pending_allowed)
{
	const char *case_number = request->text[TEXT_CASE_NUMBER];

	return (is_stated(request->text[TEXT_REASON]) ? STATED_REASON : 0) |
		   (is_stated(case_number) && (pending_allowed || !is_pending(case_number)) ? STATED_CASE_NUMBER : 0) |
		   (is_stated(request->text[TEXT_OFFICER]) ? STATED_OFFICER : 0) |
		   (is_stated(request->text[TEXT_OFFENSE]) ? STATED_OFFENSE : 0) |
		   (request->authorization_id != 0 ? STATED_AUTHORIZATION : 0);
}

static void
describe_agency(RequestVerdict *result, const Agency *agency)
{
	result->bound = true;
	strlcpy(result->agency_id, agency->agency_id, sizeof(result->agency_id));
	strlcpy(result->agency_kind, agency->kind_name, sizeof(result->agency_kind));
	strlcpy(result->agency_state, agency->state, sizeof(result->agency_state));
}

/* Which of the role's agencies asks; NULL when that is open */
static const Binding *
settle_binding(List *bindings, const char *agency_id)
{
	ListCell *cell;

	if (agency_id == NULL)
		return list_length(bindings) == 1 ? linitial(bindings) : NULL;
	foreach (cell, bindings)
	{
		Binding *binding = lfirst(cell);

		if (strcmp(binding->agency_id, agency_id) == 0)
			return binding;
	}
	return NULL;
}

/* An agency as a recipient: by the statute, and by what was filed for or against it */
static SharingFacts
gather_sharing(const Agency *agency, TimestampTz now)
{
	SharingFacts facts = rules_sharing(agency, now);

	facts.clause = pstrdup(facts.clause);
	facts.suspended = instruments_suspended(agency->agency_id);
	facts.network_closed = instruments_network_closed(agency->agency_id, now);
	return facts;
}

/* What the agency asks of its own people beyond the act, 14(b); a vendor's people are those of the agency that it acts for. */
static void
gather_own_policy(const Request *request, const char *agency_id, TimestampTz now, RequestFacts *facts)
{
	if (request->text[TEXT_PURPOSE])
		facts->purpose_ruled_out |= instruments_ruled_out(agency_id, request->text[TEXT_PURPOSE]);
	if (instruments_training_demanded(agency_id))
	{
		facts->training_valid = (!facts->training_demanded || facts->training_valid) &&
								instruments_training_valid(agency_id, request->text[TEXT_OFFICER], now);
		facts->training_demanded = true;
	}
}

/* The agency of a binding, into the result and the facts; *requester receives a copy */
static bool
gather_requester(const Request *request, TimestampTz now, RequestFacts *facts, RequestVerdict *result, Agency *requester)
{
	List		  *bindings = rules_bindings(request->role);
	const Binding *binding = settle_binding(bindings, request->text[TEXT_AGENCY_ID]);
	const Agency  *agency;

	facts->bindings = list_length(bindings);
	if (!binding)
		return false;
	result->session_scope = binding->session_scope;
	strlcpy(requester->agency_id, binding->agency_id, sizeof(requester->agency_id));
	agency = rules_agency(requester->agency_id);
	if (!agency)
		return false;
	*requester = *agency;
	describe_agency(result, requester);
	facts->agency_settled = true;
	facts->agency_kind = requester->kind;
	facts->own = gather_sharing(requester, now);
	gather_own_policy(request, requester->agency_id, now, facts);
	return true;
}

/* Result: may the case number follow? */
static bool
gather_purpose(const Request *request, TimestampTz now, RequestFacts *facts)
{
	const PurposeRule *rule = request->text[TEXT_PURPOSE] ? rules_purpose(request->text[TEXT_PURPOSE], now) : NULL;

	if (!rule)
		return false;
	facts->purpose = rule->permitted ? PURPOSE_PERMITTED : PURPOSE_FORBIDDEN;
	facts->purpose_in_effect = now >= rule->valid_from && now < rule->valid_until;
	facts->purpose_kinds = rule->kinds;
	facts->purpose_demands = rule->demands;
	facts->purpose_standing = rule->standing;
	facts->purpose_standing_only = rule->standing_only;
	facts->purpose_clause = pstrdup(rule->clause);
	return rule->pending_case;
}

/* The agency that the search is really for; *beneficiary receives a copy of a registered one */
static bool
gather_beneficiary(const Request *request, TimestampTz now, RequestFacts *facts, const RequestVerdict *result,
				   Agency *beneficiary)
{
	const char	 *name = request->text[TEXT_ON_BEHALF_OF];
	const Agency *agency;

	if (name == NULL || strcmp(name, result->agency_id) == 0)
		return false;
	facts->on_behalf = true;
	agency = rules_agency(name);
	if (!agency)
		return false;
	*beneficiary = *agency;
	facts->beneficiary_known = true;
	facts->beneficiary_kind = beneficiary->kind;
	facts->beneficiary = gather_sharing(beneficiary, now);
	if (facts->agency_kind == AGENCY_VENDOR)
	{
		facts->contract_in_force = instruments_contract(result->agency_id, beneficiary->agency_id, now);
		gather_own_policy(request, beneficiary->agency_id, now, facts);
	}
	return true;
}

/* The instrument that the request names, which is that of whoever receives the reads */
static void
gather_authorization(const Request *request, const Agency *recipient, TimestampTz now, RequestFacts *facts)
{
	const Authorization *authorization;

	if (request->authorization_id == 0)
		return;
	facts->authorization = instruments_facts(request->authorization_id, recipient, request->text[TEXT_PURPOSE], now);
	authorization = instruments_authorization(request->authorization_id);
	if (authorization && is_stated(authorization->case_number))
		facts->stated |= STATED_CASE_NUMBER;
}

/* What the stated texts reveal; agreements are the agency's, and of the one that the search is for. */
static void
gather_reason(const Request *request, const Agency *requester, const Agency *beneficiary, RequestFacts *facts,
			  RequestVerdict *result)
{
	bool agreement = (requester && instruments_immigration_agreement(requester->agency_id)) ||
					 (beneficiary && instruments_immigration_agreement(beneficiary->agency_id));
	ScreenVerdict screened = screen_request(request, requester ? requester->agency_id : "", agreement);

	facts->reason_refused = screened.action == SCREEN_REFUSE && screened.approval_seq == 0;
	facts->reason_clause = screened.clause ? pstrdup(screened.clause) : NULL;
	result->screened = screened;
}

static const AuthorizedScope *
authorized_scope(const Request *request)
{
	const Authorization *authorization = instruments_authorization(request->authorization_id);

	/* What was there a moment ago and is not any more covers nothing. */
	static const AuthorizedScope nothing = {.ranged = true, .captured_from = DT_NOEND, .captured_until = DT_NOBEGIN};

	return instruments_copy_scope(authorization ? &authorization->scope : &nothing);
}

RequestVerdict
request_decide(const Request *request, TimestampTz now)
{
	RequestVerdict		result = {.bound = false};
	RequestFacts		facts = {.standing = request->standing, .break_glass = request->break_glass};
	const Statute	   *statute = rules_statute();
	const SharingFacts *recipient;
	Agency				requester;
	Agency				beneficiary;
	bool				settled;
	bool				for_other;
	bool				may_follow;

	facts.statute_in_force = statute != NULL;
	result.statute = statute ? pstrdup(statute->name) : NULL;
	settled = gather_requester(request, now, &facts, &result, &requester);
	may_follow = gather_purpose(request, now, &facts);
	for_other = gather_beneficiary(request, now, &facts, &result, &beneficiary);
	/* Only the state's own agencies may let the case number follow. */
	may_follow &= (facts.own.in_state || facts.agency_kind == AGENCY_VENDOR) && (!for_other || facts.beneficiary.in_state);
	facts.stated = stated_fields(request, may_follow);
	gather_reason(request, settled ? &requester : NULL, for_other ? &beneficiary : NULL, &facts, &result);
	gather_authorization(request, for_other ? &beneficiary : settled && !facts.on_behalf ? &requester : NULL, now, &facts);

	result.verdict = decide_request(&facts);
	if (result.verdict.clause)
		result.verdict.clause = pstrdup(result.verdict.clause);
	if (result.verdict.allowed && result.verdict.narrowed)
		result.scope = authorized_scope(request);
	/* Whose reads are its own: for a vendor, those of the agency that it acts for */
	strlcpy(result.owner_id, settled && requester.kind == AGENCY_VENDOR && for_other ? beneficiary.agency_id : result.agency_id,
			sizeof(result.owner_id));
	recipient = facts.on_behalf ? &facts.beneficiary : &facts.own;
	if (result.verdict.allowed && (facts.on_behalf || result.verdict.scope == SCOPE_ALL) && recipient->declaration_in_force &&
		(facts.authorization.named ? facts.authorization.declared : recipient->basis == SHARING_DECLARATION))
		result.declaration_id = rules_declaration(facts.on_behalf ? beneficiary.agency_id : result.agency_id, now);
	return result;
}

RequestVerdict
request_describe_role(Oid role)
{
	RequestVerdict result = {.bound = false};
	const Statute *statute = rules_statute();
	List		  *bindings;

	result.statute = statute ? pstrdup(statute->name) : NULL;
	bindings = rules_bindings(role);
	result.verdict.cause = bindings == NIL ? CAUSE_NOT_BOUND : CAUSE_NO_REQUEST;
	if (list_length(bindings) == 1)
	{
		const Agency *agency = rules_agency(((Binding *) linitial(bindings))->agency_id);

		if (agency)
			describe_agency(&result, agency);
	}
	return result;
}

void
request_fill_entry(AuditEntry *entry, const Request *request, const RequestVerdict *verdict)
{
	entry->session_role = GetUserNameFromId(GetSessionUserId(), true);
	entry->role = GetUserNameFromId(GetOuterUserId(), true);
	entry->session_columns = true;
	entry->statute = verdict->statute;
	if (verdict->bound)
	{
		entry->agency_id = verdict->agency_id;
		entry->agency_kind = verdict->agency_kind;
		entry->agency_state = verdict->agency_state;
	}
	entry->basis = verdict->verdict.basis;
	entry->declaration_id = verdict->declaration_id;
	entry->clause = verdict->verdict.clause;
	if (request)
	{
		entry->request_seq = request->seq;
		entry->authorization_id = request->authorization_id;
		entry->purpose = request->text[TEXT_PURPOSE];
		entry->case_number = request->text[TEXT_CASE_NUMBER];
		entry->reason = request->text[TEXT_REASON];
		entry->officer = request->text[TEXT_OFFICER];
		entry->on_behalf_of = request->text[TEXT_ON_BEHALF_OF];
		entry->offense = request->text[TEXT_OFFENSE];
		entry->terminal = request->text[TEXT_TERMINAL];
	}
}

/* ---- SQL functions ---- */

/* Read an argument that becomes one of the stated texts. */
static void
read_text(FunctionCallInfo fcinfo, int argument, Request *request, StatedText which)
{
	char *value;

	if (PG_ARGISNULL(argument))
		return;
	value = text_to_cstring(PG_GETARG_TEXT_PP(argument));
	if (strlen(value) > CTLPR_STATED_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("argument \"%s\" of the request is too long", text_names[which]),
				 errdetail("It has %zu bytes; at most %d are kept (14(a)(6)).", strlen(value), CTLPR_STATED_MAX_BYTES),
				 errhint("Keep the text in the case file and state its number."), errhidestmt(true), errhidecontext(true)));
	request->text[which] = value;
}

/* Arguments of begin_request() and check_request(), in the order of DESIGN's signature */
static void
read_arguments(FunctionCallInfo fcinfo, Request *request, TimestampTz now)
{
	static const StatedText order[] = {TEXT_PURPOSE, TEXT_CASE_NUMBER, TEXT_REASON, TEXT_OFFICER, TEXT_AGENCY_ID};

	*request = (Request){.role = GetOuterUserId(), .database = MyDatabaseId, .started_at = now, .expires_at = DT_NOEND};
	for (int i = 0; i < lengthof(order); i++)
		read_text(fcinfo, i, request, order[i]);
	if (!PG_ARGISNULL(5))
		request->authorization_id = PG_GETARG_INT64(5);
	read_text(fcinfo, 6, request, TEXT_ON_BEHALF_OF);
	read_text(fcinfo, 7, request, TEXT_OFFENSE);
	read_text(fcinfo, 8, request, TEXT_TERMINAL);
}

static bool
read_session_scope(FunctionCallInfo fcinfo)
{
	char *scope = PG_ARGISNULL(9) ? "transaction" : text_to_cstring(PG_GETARG_TEXT_PP(9));

	if (strcmp(scope, "session") == 0)
		return true;
	if (strcmp(scope, "transaction") == 0)
		return false;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown scope of a request"),
					errhint("The scope is \"transaction\" or \"session\"."), errhidestmt(true), errhidecontext(true)));
	return false;
}

static void
require_transaction_block(void)
{
	if (!IsTransactionBlock() && !IsSubTransaction())
		ereport(ERROR, (errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION), errmsg("a request needs a transaction block"),
						errdetail("It ends with its transaction, which would be over before the search begins."),
						errhint("Start with BEGIN; roles bound with session_scope may pass scope => 'session' instead."),
						errhidestmt(true), errhidecontext(true)));
}

static void
require_no_running_statement(void)
{
	if (gate_statement_running())
		gate_refuse_call("request", CAUSE_REQUEST_WHILE_RUNNING, "14(a)(6)");
}

/* Decide with the rule about session scope, which belongs to the binding */
static RequestVerdict
decide_with_scope(const Request *request, bool session, TimestampTz now)
{
	RequestVerdict result = request_decide(request, now);

	if (result.verdict.allowed && session && !result.session_scope)
		result.verdict = (Verdict){.allowed = false, .cause = CAUSE_SESSION_SCOPE, .clause = "14(a)(6)", .scope = SCOPE_NONE};
	return result;
}

/* Write the entry of a request durably; result: its number. */
static int64
record_request(const char *action, const Request *request, const RequestVerdict *verdict, TimestampTz now)
{
	AuditEntry entry = AUDIT_ENTRY_INIT;
	int64	   seq;

	request_fill_entry(&entry, request, verdict);
	entry.kind = AUDIT_VERDICT;
	entry.at = now;
	entry.action = action;
	entry.search_kind = "none";
	entry.allowed = verdict->verdict.allowed ? TRI_TRUE : TRI_FALSE;
	entry.enforced = TRI_TRUE;
	entry.sqlstate = verdict_sqlstate(verdict->verdict.cause);
	entry.detail = screen_detail(&verdict->screened);
	audit_await(audit_push(&entry, &seq));
	return seq;
}

/*
 * begin_request(purpose, case_number, reason, officer, agency_id,
 * authorization_id, on_behalf_of, offense, terminal, scope) RETURNS bigint
 */
Datum
ctlpr_begin_request(PG_FUNCTION_ARGS)
{
	TimestampTz	   now = shared_now();
	Request		   request;
	RequestVerdict verdict;
	bool		   session = read_session_scope(fcinfo);

	require_no_running_statement();
	if (!session)
		require_transaction_block();
	read_arguments(fcinfo, &request, now);

	verdict = decide_with_scope(&request, session, now);
	request.seq = record_request("request", &request, &verdict, now);
	if (!verdict.verdict.allowed)
		refusal_raise(verdict.verdict.cause, verdict.verdict.clause);

	/* From here on the request is of one agency, whatever else the role is bound to later. */
	request.text[TEXT_AGENCY_ID] = verdict.agency_id;
	if (session)
		request.expires_at = now + ctlpr_request_timeout_s * USECS_PER_SEC;
	hold_request(serialize_request(&request), session);
	PG_RETURN_INT64(request.seq);
}

/* check_request(... as begin_request ...): the verdict, nothing recorded and nothing begun */
Datum
ctlpr_check_request(PG_FUNCTION_ARGS)
{
	TimestampTz	   now = shared_now();
	Request		   request;
	RequestVerdict verdict;
	TupleDesc	   desc;
	Datum		   values[4];
	bool		   nulls[4] = {false, false, false, false};
	bool		   session = read_session_scope(fcinfo);
	int			   sqlstate;

	read_arguments(fcinfo, &request, now);
	verdict = decide_with_scope(&request, session, now);
	sqlstate = verdict_sqlstate(verdict.verdict.cause);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = BoolGetDatum(verdict.verdict.allowed);
	nulls[1] = sqlstate == 0;
	values[1] = sqlstate ? CStringGetTextDatum(unpack_sql_state(sqlstate)) : (Datum) 0;
	nulls[2] = verdict.verdict.clause == NULL;
	values[2] = verdict.verdict.clause ? CStringGetTextDatum(verdict.verdict.clause) : (Datum) 0;
	values[3] = CStringGetTextDatum(refusal_explain(verdict.verdict.cause, verdict.verdict.clause));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* Does one of the owners withhold its reads from the recipient, or for the purpose? */
static bool
any_withholds(ArrayType *owners, const Agency *recipient, const char *purpose)
{
	ArrayIterator iterator = array_create_iterator(owners, 0, NULL);
	Datum		  value;
	bool		  isnull;
	bool		  found = false;

	while (!found && array_iterate(iterator, &value, &isnull))
	{
		char *owner = isnull ? NULL : TextDatumGetCString(value);

		found = owner && strcmp(owner, recipient->agency_id) != 0 && instruments_withheld(owner, recipient, purpose);
	}
	array_free_iterator(iterator);
	return found;
}

/* sharing_basis(agency_id, authorization_id, purpose, case_number, owners): for disclosures outside of the database */
Datum
ctlpr_sharing_basis(PG_FUNCTION_ARGS)
{
	TimestampTz		   now = shared_now();
	AuthorizationFacts authorization = {.named = false};
	SharingFacts	   sharing;
	const Agency	  *found = PG_ARGISNULL(0) ? NULL : rules_agency(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Agency			   recipient;
	TupleDesc		   desc;
	Datum			   values[3];
	bool			   nulls[3] = {false, false, false};
	const char		  *clause = "13(d)(6)";
	VerdictCause	   cause = CAUSE_BENEFICIARY_UNKNOWN;
	const char		  *purpose = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	const char		  *case_number = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));

	if (found)
	{
		recipient = *found;
		if (!PG_ARGISNULL(1))
			authorization = instruments_facts(PG_GETARG_INT64(1), &recipient, purpose, now);
		/* An instrument of somebody else's, or for something else, is none for this recipient. */
		authorization.named &= authorization.in_force && authorization.fits && authorization.serves;
		sharing = gather_sharing(&recipient, now);
		cause = decide_sharing(&sharing, &authorization, &clause);
		if (cause == CAUSE_ALLOWED && !authorization.named && (sharing.demands & STATED_CASE_NUMBER) &&
			(!is_stated(case_number) || is_pending(case_number)))
			cause = CAUSE_DEMAND_CASE_NUMBER;
		if (cause == CAUSE_ALLOWED && !(authorization.named && authorization.compels) && !PG_ARGISNULL(4) &&
			any_withholds(PG_GETARG_ARRAYTYPE_P(4), &recipient, purpose))
			cause = CAUSE_WITHHELD;
	}
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	nulls[0] = cause != CAUSE_ALLOWED;
	values[0] = CStringGetTextDatum(authorization.named								? authorization.kind
									: found && sharing.basis == SHARING_DECLARATION ? "declaration"
																					: "in_state");
	values[1] = CStringGetTextDatum(clause);
	nulls[2] = cause == CAUSE_ALLOWED;
	values[2] = CStringGetTextDatum(unpack_sql_state(verdict_sqlstate(cause)));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* end_request(): ends the request in force; without one it does nothing */
Datum
ctlpr_end_request(PG_FUNCTION_ARGS)
{
	require_no_running_statement();
	if (held_request)
		hold_request("", held_request->expires_at != DT_NOEND);
	PG_RETURN_VOID();
}

/* current_request(): the request in force for the acting role; a row of nulls when there is none */
Datum
ctlpr_current_request(PG_FUNCTION_ARGS)
{
	static const StatedText order[] = {TEXT_AGENCY_ID, TEXT_PURPOSE,	  TEXT_CASE_NUMBER, TEXT_REASON,
									   TEXT_OFFICER,   TEXT_ON_BEHALF_OF, TEXT_OFFENSE,		TEXT_TERMINAL};
	Request					request;
	TupleDesc				desc;
	Datum					values[11];
	bool					nulls[11];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	memset(nulls, true, sizeof(nulls));
	memset(values, 0, sizeof(values));
	if (request_in_force(GetOuterUserId(), shared_now(), &request))
	{
		values[0] = Int64GetDatum(request.seq);
		nulls[0] = false;
		for (int i = 0; i < lengthof(order); i++)
		{
			nulls[i + 1] = request.text[order[i]] == NULL;
			if (request.text[order[i]])
				values[i + 1] = CStringGetTextDatum(request.text[order[i]]);
		}
		values[9] = CStringGetTextDatum(request.standing				 ? "standing"
										: request.expires_at == DT_NOEND ? "transaction"
																		 : "session");
		nulls[9] = false;
		nulls[10] = request.expires_at == DT_NOEND;
		values[10] = TimestampTzGetDatum(request.expires_at);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* break_glass(reason): a superuser sees all owners' live reads until the transaction ends */
Datum
ctlpr_break_glass(PG_FUNCTION_ARGS)
{
	TimestampTz	   now = shared_now();
	Request		   request;
	RequestVerdict verdict;

	require_no_running_statement();
	require_transaction_block();
	request = (Request){
		.role = GetOuterUserId(), .database = MyDatabaseId, .started_at = now, .expires_at = DT_NOEND, .break_glass = true};
	if (!superuser_arg(request.role))
		gate_refuse_call("break_glass", CAUSE_BYPASS, "14(a)(6)");
	read_text(fcinfo, 0, &request, TEXT_REASON);
	if (!is_stated(request.text[TEXT_REASON]))
		gate_refuse_call("break_glass", CAUSE_DEMAND_REASON, "14(a)(6)");

	verdict = request_decide(&request, now);
	request.seq = record_request("break_glass", &request, &verdict, now);
	if (!verdict.verdict.allowed)
		refusal_raise(verdict.verdict.cause, verdict.verdict.clause);
	hold_request(serialize_request(&request), false);
	PG_RETURN_INT64(request.seq);
}
