"""database - what the page shows, read through psql from the public views.

The whole of it is read in one REPEATABLE READ READ ONLY transaction, as role
ctlpr_public whoever logs in, so that all figures agree and nothing gets onto
the page that the public could not read for itself.  What the caller states
reaches SQL as psql variables, which psql quotes; every name is qualified and
search_path is pinned.  Rows come as one JSON object in a line, in which a
line feed cannot stand, so that no value looks like a heading or a line.
"""

import json
import os
import re
import subprocess
import tempfile


class DatabaseError(Exception):
    """kind: unreachable | unfit | argument | failed; the message is one line"""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


START = r"""
\set ON_ERROR_STOP on
\set VERBOSITY verbose
\set FETCH_COUNT 2000
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL ROLE ctlpr_public;
SET LOCAL TimeZone = :'zone';
SET LOCAL DateStyle = 'ISO';
"""

# Each gives rows of JSON.  The views themselves say what is public, and from when on.
QUERIES = {
    "moment": r"""
        SELECT to_char(now(), 'YYYY-MM-DD"T"HH24:MI') AS at, to_char(now(), 'TZ') AS zone,
               current_setting('ctlpr.public_delay', true) AS delay,
               (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'ctlpr') AS version""",
    "agency": r"""
        SELECT agency_id, name, kind, state FROM ctlpr.public_agencies WHERE agency_id = :'agency'""",
    # The statute's rules, the agency's own that are stricter, and with whom nobody shares
    "rules": r"""
        SELECT topic, clause, rule, detail, agency_name FROM ctlpr.public_rules
        WHERE agency_id IS NULL OR agency_id = :'agency' OR rule = 'suspended'""",
    "cameras": r"""
        SELECT camera_id, fixed, active, place, position::text AS position, funding FROM ctlpr.public_cameras WHERE agency_id = :'agency'""",
    "usage": r"""
        SELECT u.month, u.measure, u.clause, u.item, u.entity, a.name AS entity_name, u.count
        FROM ctlpr.public_usage u LEFT JOIN ctlpr.public_agencies a ON a.agency_id = u.entity
        WHERE u.agency_id = :'agency' AND u.month >= :'first'::date AND u.month < :'end'::date
        ORDER BY u.month, u.measure, u.clause, u.item, u.entity""",
    "purges": r"""
        SELECT finished_on, runs, rows_deleted FROM ctlpr.public_purges
        WHERE agency_id = :'agency' AND finished_on >= :'first'::date AND finished_on < :'end'::date
        ORDER BY finished_on""",
    "checkpoint": r"""
        SELECT origin, size, encode(root, 'base64') AS root, to_char(signed_at, 'YYYY-MM-DD"T"HH24:MI') AS signed_at, to_char(signed_at, 'TZ') AS zone, note
        FROM ctlpr.public_checkpoint""",
    "log": r"""
        SELECT seq, to_char(at, 'YYYY-MM-DD"T"HH24:MITZH:TZM') AS at, agency_id, agency_name, agency_kind, agency_state, on_behalf_of, purpose,
               offense_category, action, search_kind, allowed, sqlstate, clause, owners, reason
        FROM ctlpr.public_audit_log
        WHERE (agency_id = :'agency' OR :'agency' = ANY (owners))
            AND at >= (:'first'::timestamp AT TIME ZONE :'zone') AND at < (:'end'::timestamp AT TIME ZONE :'zone')
        ORDER BY seq""",
}


def script(names):
    parts = [START]
    for name in names:
        parts.append(f"\\echo @{name}\nSELECT row_to_json(t) FROM ({QUERIES[name]}) AS t;\n")
    parts.append("\\echo @end\nCOMMIT;\n")
    return "".join(parts)


def first_error(text):
    """(SQLSTATE or None, message) from psql's standard error"""
    for line in text.splitlines():
        found = re.match(r"(?:psql:[^:]*:\d+: )?\w+: +([0-9A-Z]{5}): (.*)", line)
        if found:
            return found.group(1), found.group(2)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return None, re.sub(r"^psql: (error: )?", "", lines[0]) if lines else "psql gave no reason"


# What the server answers where the public views, the role, or membership in it are missing
UNFIT = {
    "42P01": "the public views are missing",
    "3F000": "the public views are missing",
    "42703": "the public views are of another version",
    "22023": "ctlpr is not installed there",
    "42704": "ctlpr is not installed there",
    "42501": "this login may not act as ctlpr_public: GRANT ctlpr_public TO it",
}


def read(connection, variables, psql, names=tuple(QUERIES)):
    """The rows: (name of the query, row) in the order of names.

    connection: arguments of psql; variables: those of the queries; psql: the
    program.  Errors: DatabaseError.
    """
    command = [psql, "--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align", *connection, "--file=-"]
    command += [f"--set={name}={value}" for name, value in variables.items()]
    environment = dict(os.environ, PGCLIENTENCODING="UTF8", PGAPPNAME="ctlpr-page", LC_MESSAGES="C")
    environment.setdefault("PGCONNECT_TIMEOUT", "15")
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as errors:
        source.write(script(names).encode())
        source.seek(0)
        try:
            process = subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE, stderr=errors, env=environment)
        except OSError as error:
            raise DatabaseError("unreachable", f"cannot run {psql}: {error.strerror}") from None
        current = None
        finished = False
        try:
            for line in process.stdout:
                if line.startswith(b"@"):
                    current = line[1:].strip().decode()
                    finished = current == "end"
                elif line.strip():
                    yield current, json.loads(line)
            status = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
            process.stdout.close()
            process.wait()
        if status == 0 and finished:
            return
        errors.seek(0)
        state, message = first_error(errors.read().decode(errors="replace"))
        if status == 2 and current is None:
            raise DatabaseError("unreachable", f"cannot connect: {message}")
        if state == "22023" and '"TimeZone"' in message:
            raise DatabaseError("argument", f"no such time zone: {variables['zone']}")
        if state in UNFIT:
            raise DatabaseError("unfit", f"{UNFIT[state]} ({message})")
        raise DatabaseError("failed", f"{message} ({state})" if state else message)
