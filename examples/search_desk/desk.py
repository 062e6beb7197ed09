#!/usr/bin/env python3
"""desk.py - a search desk for license plate reads, on a database governed by ctlpr; schema.sql makes it.

Each command logs in as the role that it is for, to the server of PGHOST and PGPORT.  A missing reason or case number is asked
for; whatever else is refused is shown with its way out, and the program ends with 1.
"""
import argparse
import csv
import os
import re
import sys
import time

import psycopg

# What the server's message and HINT do not say by themselves: what to do now (docs/applications.md, "Errors")
ADVICE = {
    "LP003": "Choose one of the purposes that 'desk.py purposes' lists.",
    "LP004": "This search may not be made, under any other purpose either.",
    "LP006": "It is not allowed. A registrar knows what would make it so.",
    "LP007": "It is not allowed until whoever directed the suspension ends it.",
    "LP008": "State the true reason. If it is lawful as it stands, ask your supervisor: 'desk.py refused' and 'desk.py approve'.",
    "LP009": "Narrow the search to the plate, place or time of your case.",
    "LP020": "The record could not be written. Try again in a minute; if it lasts, call the administrator.",
    "LP021": "This server is a standby. Search on the primary.",
    "42501": "The role of this command lacks a right. Call the administrator.",
}
TRIES = 5


def connect(role):
    return psycopg.connect(dbname=os.environ.get("PGDATABASE", "search_desk"), user=role, application_name="search desk")


def refuse(error):
    """The end of the program.  Only texts of class LP are shown: another error may quote a plate."""
    state = error.sqlstate or "no answer"
    if state.startswith("LP"):
        print(f"Refused ({state}): {error.diag.message_primary}.", error.diag.message_hint or "")
    else:
        print(f"Failed ({state}).")
    if state in ADVICE:
        print(ADVICE[state])
    sys.exit(1)


def under_request(connection, request, query, parameters):
    """One transaction: state the request, run the query.  Asks for what is missing, waits for a late record."""
    for attempt in range(1, TRIES + 1):
        try:
            with connection.transaction():
                arguments = ", ".join(f"{name} => %({name})s" for name in request)
                connection.execute(f"SELECT ctlpr.begin_request({arguments})", request)
                return connection.execute(query, parameters).fetchall()
        except psycopg.Error as error:
            state = error.sqlstate
            missing = re.search(r"the (reason|case_number|officer|offense) argument", error.diag.message_hint or "")
            if attempt == TRIES:
                refuse(error)
            elif state in ("LP020", "40001", "40P01"):
                time.sleep(attempt)
            elif state == "LP005" and missing:
                print(error.diag.message_hint)
                request[missing[1]] = input(f"{missing[1]}: ") or None
            else:
                refuse(error)


def purposes(_):
    with connect("desk_app") as connection:
        for purpose, description in connection.execute("SELECT purpose, description FROM purposes ORDER BY purpose"):
            print(f"{purpose:22} {description}")


def search(options):
    """13(b)(1): own reads, and with a case number those of all agencies of the state."""
    request = dict(purpose=options.purpose, officer=options.officer, reason=options.reason, case_number=options.case_number)
    query = """
        SELECT r.captured_at, r.agency_id, r.plate, coalesce(c.street, 'camera ' || r.camera_id)
        FROM reads r LEFT JOIN cameras c USING (camera_id)
        WHERE r.plate LIKE %(plate)s AND r.captured_at >= now() - %(days)s * interval '1 day'
        ORDER BY r.captured_at DESC LIMIT 100"""
    with connect("desk_app") as connection:
        found = under_request(connection, request, query, dict(plate=options.plate.upper().replace("*", "%"), days=options.days))
    for captured_at, agency, plate, street in found:
        print(f"{captured_at:%Y-%m-%d %H:%M}  {agency:8} {plate:10} {street}")
    print(f"{len(found)} read{'' if len(found) == 1 else 's'}")


def feed(options):
    """Reads from CSV with the columns captured_at, plate, camera, agency; what is past retention is left out and counted."""
    notices = []
    with connect(options.role) as connection:
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        connection.execute("SET ctlpr.on_expired_ingest = skip")
        with connection.cursor() as cursor:
            with cursor.copy("COPY reads (captured_at, plate, camera_id, agency_id) FROM STDIN") as copy:
                for read in csv.reader(options.file):
                    copy.write_row(read)
            print(f"{cursor.rowcount} reads came in")
    print(*notices, sep="\n", end="\n" if notices else "")


def searches(options):
    """14(a)(6): what the log says of an officer.  To look is on record itself."""
    with connect("desk_auditor") as connection:
        for row in connection.execute(
            """SELECT at, purpose, coalesce(case_number, reason, '-'), array_to_string(plates, ' '),
                      CASE WHEN allowed THEN coalesce(rows_returned::text, '?') || ' reads' ELSE 'refused ' || sqlstate END
               FROM ctlpr.audit_log
               WHERE officer = %s AND (action = 'select' OR NOT allowed) ORDER BY seq""", [options.officer]):
            print(f"{row[0]:%Y-%m-%d %H:%M}  {row[1]:24} {row[2]:28} {row[3] or '-':12} {row[4]}")


def refused(_):
    """Requests of the last day that were refused for what they state, for a supervisor to look at."""
    with connect("desk_auditor") as connection:
        for row in connection.execute(
            """SELECT seq, officer, purpose, coalesce(reason, '-'), coalesce(case_number, '-') FROM ctlpr.refusals
               WHERE sqlstate = 'LP008' AND action = 'request' AND at > now() - interval '1 day' ORDER BY seq"""):
            print(*row, sep="  ")


def as_supervisor(query, parameters):
    with connect("desk_supervisor") as connection:
        return connection.execute(query, parameters).fetchone()[0]


def approve(options):
    entry = as_supervisor("SELECT ctlpr.approve_reason(%s, %s)", [options.request, options.why])
    print(f"approved, entry {entry}")


def hold(options):
    """13(b)(2)(A)(iii): evidence of a case outlives its reads, until the event that ends the hold."""
    number = as_supervisor(
        "SELECT ctlpr.preserve('reads', basis => 'criminal_evidence', purpose => %s, case_number => %s, requested_by => %s, plates => %s)",
        [options.purpose, options.case_number, options.requested_by, [options.plate.upper()]])
    print(f"hold {number}")


def holds(_):
    with connect("desk_auditor") as connection:
        for row in connection.execute(
            "SELECT hold_id, case_number, requested_by, approved_by, reads, coalesce(outcome, 'open') FROM ctlpr.holds ORDER BY hold_id"):
            print(*row, sep="  ")


def release(options):
    as_supervisor("SELECT ctlpr.end_hold(%s, %s)::text", [options.hold, options.outcome])
    print(f"hold {options.hold} ended")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(function, *arguments, **named):
        words = commands.add_parser(function.__name__, help=function.__doc__)
        words.set_defaults(function=function)
        for argument in arguments:
            words.add_argument(argument, **named.get(argument.lstrip("-"), {}))

    command(purposes)
    command(search, "purpose", "plate", "--officer", "--reason", "--case_number", "--days",
            officer=dict(required=True), days=dict(type=int, default=21), plate=dict(help="* stands for any characters"))
    command(feed, "file", "--role", file=dict(type=argparse.FileType(encoding="utf-8")), role=dict(default="desk_feed"))
    command(searches, "officer")
    command(refused)
    command(approve, "request", "why", request=dict(type=int))
    command(hold, "plate", "case_number", "requested_by", "purpose")
    command(holds)
    command(release, "hold", "outcome", hold=dict(type=int), outcome=dict(help="no_charges, final_disposition, last_defendant_released"))
    options = parser.parse_args()
    try:
        options.function(options)
    except psycopg.Error as error:
        refuse(error)


if __name__ == "__main__":
    main()
