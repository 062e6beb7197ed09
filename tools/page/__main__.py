"""ctlpr-page - writes the transparency page of an agency as a static site (docs/transparency-page.md)."""

import argparse
import collections
import json
import re
import signal
import sys
import time

import database
from database import DatabaseError
from document import Page
from figures import Record
from folder import MARKER, CsvWriter, Folder, FolderError

OK, USAGE, UNREACHABLE, UNFIT, NO_AGENCY, NO_DATA, NOT_WRITTEN = 0, 2, 3, 4, 5, 6, 7

EPILOG = """\
The site is a directory with index.html and data/, and needs no server, script or network. It is read from the public
views, as role ctlpr_public, of which the login must be a member; passwords come from ~/.pgpass or PGPASSWORD. It is made
beside DIR and exchanged for what is there once it is whole: until then, and after any error, DIR is as it was.

exit codes:
  0  written
  2  wrong arguments
  3  the database cannot be reached, or failed
  4  the public views, or the right to read them, are missing
  5  no such agency
  6  nothing was published for that year
  7  the directory cannot be written, or was not made by ctlpr-page
"""

LATEST = 15        # entries of the log on the page itself, of those that somebody's search made
OF_THE_SYSTEM = {"configuration", "purge", "erase", "log_reading"}
CAMERA_COLUMNS = ("camera_id", "fixed", "active", "place", "funding", "latitude", "longitude")
USAGE_COLUMNS = ("month", "measure", "clause", "item", "entity", "entity_name", "count")
RULE_COLUMNS = ("topic", "clause", "rule", "detail", "agency_name")
PURGE_COLUMNS = ("finished_on", "runs", "rows_deleted")
LOG_COLUMNS = ("seq", "at", "agency_id", "agency_name", "agency_kind", "agency_state", "on_behalf_of", "purpose", "offense_category", "action", "search_kind", "allowed", "sqlstate", "clause",
               "owners", "reason")


class Fatal(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def arguments(argv):
    def year(text):
        if not re.fullmatch(r"[0-9]{4}", text) or not 1900 <= int(text) <= 9998:
            raise argparse.ArgumentTypeError(f"a year has four digits: {text}")
        return int(text)

    parser = argparse.ArgumentParser(prog="ctlpr-page", description="Write the transparency page of an agency as a static site.", epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter, add_help=False, allow_abbrev=False)
    what = parser.add_argument_group("what to write")
    what.add_argument("-a", "--agency", required=True, metavar="ID", help="the agency, as registered, such as CT-NHPD")
    what.add_argument("-o", "--output", required=True, metavar="DIR", help="directory of the site; one that ctlpr-page made before is replaced, its parent must be writable")
    what.add_argument("-y", "--year", type=year, metavar="N", help="only that calendar year; by default, everything that is published")
    what.add_argument("-c", "--contact", action="append", default=[], metavar="TEXT", help="whom the public asks: a line of text, a mail address or an https address; may be repeated")
    what.add_argument("--force", action="store_true", help="replace DIR and all that is in it, whoever made it")
    connection = parser.add_argument_group("connection, as for psql")
    connection.add_argument("-d", "--dbname", metavar="NAME", help="database, or a connection string such as 'host=db dbname=police sslmode=verify-full'")
    connection.add_argument("-h", "--host", metavar="HOST", help="host, or directory of the socket")
    connection.add_argument("-p", "--port", metavar="PORT", help="port")
    connection.add_argument("-U", "--username", metavar="NAME", help="login, a member of ctlpr_public")
    other = parser.add_argument_group("other")
    other.add_argument("--time-zone", default="America/New_York", metavar="ZONE", help="time zone of the page's times and of its year (default: %(default)s)")
    other.add_argument("--psql", default="psql", metavar="PATH", help="the psql to use (default: the first in PATH)")
    other.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    other.add_argument("--help", action="help", help="show this help")
    return parser.parse_args(argv)


class Progress:
    """A line now and then while the log is read, once that takes a while"""

    def __init__(self, quiet):
        self.quiet = quiet
        self.next = time.monotonic() + 3

    def at(self, rows):
        if not self.quiet and rows % 1000 == 0 and time.monotonic() >= self.next:
            self.next = time.monotonic() + 5
            print(f"ctlpr-page: {rows:,} entries of the log", file=sys.stderr, flush=True)


def load(options, folder):
    """The record of the agency; the log goes straight to its file, as it may be long"""
    for what, value in (("agency", options.agency), ("time zone", options.time_zone)):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Fatal(NO_AGENCY if what == "agency" else USAGE, f"{what} is not valid UTF-8") from None
    connection = [f"--{name}={getattr(options, name)}" for name in ("dbname", "host", "port", "username") if getattr(options, name) is not None]
    first, end = (f"{options.year}-01-01", f"{options.year + 1}-01-01") if options.year else ("-infinity", "infinity")
    variables = {"agency": options.agency, "zone": options.time_zone, "first": first, "end": end}
    record = Record()
    progress = Progress(options.quiet)
    latest = collections.deque(maxlen=LATEST)
    rows = database.read(connection, variables, options.psql)
    try:
        with folder.open("data/log.csv") as stream:
            log = CsvWriter(stream, LOG_COLUMNS)
            for name, row in rows:
                if name != "agency" and name != "moment" and record.agency is None:
                    raise Fatal(NO_AGENCY, f"there is no agency {options.agency}")
                if name == "log":
                    log.write(row)
                    if row["action"] not in OF_THE_SYSTEM:
                        latest.append(row)
                    progress.at(log.rows)
                else:
                    record.take(name, row)
    finally:
        rows.close()
    if record.agency is None:
        raise Fatal(NO_AGENCY, f"there is no agency {options.agency}")
    record.log_rows = log.rows
    record.latest = list(latest)
    record.settle()
    if options.year and not (record.usage or record.purges or record.log_rows):
        raise Fatal(NO_DATA, f"nothing was published for {options.agency} in {options.year}")
    return record


def write_data(record, folder):
    """The files beside the page: (name, what it holds, rows)"""
    files = []

    def table(name, said, columns, rows):
        with folder.open(name) as stream:
            writer = CsvWriter(stream, columns)
            for row in rows:
                writer.write(row)
        files.append((name, said, writer.rows))

    table("data/cameras.csv", "The cameras", CAMERA_COLUMNS, record.cameras)
    features = [{"type": "Feature", "id": c["camera_id"],
                 "geometry": {"type": "Point", "coordinates": [c["longitude"], c["latitude"]]} if c["longitude"] is not None else None,
                 "properties": {k: c[k] for k in ("camera_id", "fixed", "active", "place", "funding")}} for c in record.cameras]
    folder.write("data/cameras.geojson", json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, indent=1) + "\n")
    files.append(("data/cameras.geojson", "The same as a map layer (GeoJSON)", len(features)))
    table("data/usage.csv", "All counts of this page, by month: reads, searches, sharing, refusals, deletion", USAGE_COLUMNS, record.usage)
    table("data/rules.csv", "The rules", RULE_COLUMNS, record.rules)
    table("data/purges.csv", "Reads deleted, by day", PURGE_COLUMNS, record.purges)
    files.append(("data/log.csv", "Published entries of the log", record.log_rows))
    if record.checkpoint:
        folder.write("data/checkpoint.txt", record.checkpoint["note"])
        files.append(("data/checkpoint.txt", "The latest checkpoint, a signed note", None))
    return files


def run(options):
    folder = Folder(options.output, options.force)
    try:
        record = load(options, folder)
        files = write_data(record, folder)
        folder.write("index.html", Page(record, options).write(files))
        folder.write(MARKER, f"Made by ctlpr-page for {options.agency}. Another run replaces this directory.\n")
        folder.put_in_place()
    finally:
        folder.discard()
    if not options.quiet:
        print(f"{options.output}: the page of {options.agency}, {record.log_rows:,} entries of the log, {len(files) + 1} files")


def main(argv=None):
    options = arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run(options)
    except Fatal as error:
        code, message = error.code, str(error)
    except DatabaseError as error:
        code, message = {"unfit": UNFIT, "argument": USAGE}.get(error.kind, UNREACHABLE), str(error)
    except FolderError as error:
        code, message = NOT_WRITTEN, str(error)
    except KeyboardInterrupt:
        return 130
    else:
        return OK
    print("ctlpr-page: " + " ".join(message.split()), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
