"""document - the page: what is said, in which order, and the table beside each drawing."""

import base64
import datetime
import hashlib
import pkgutil
import re

import camera_map
import charts
from figures import as_date, sums
from words import Markup, capital, count_of, day_in_words, el, join_words, month_in_words, name_of, number

TOPICS = (
    ("retention", "How long reads are kept", "When its time is up, a read is out of everyone’s sight at once, and is then deleted."),
    ("purpose", "What they may be used for", "The law lists the permitted uses. Nothing else is one."),
    ("sharing", "Who else may see them", "Nobody else may be given reads, or access to them."),
    ("prohibition", "What is forbidden", "To everyone, for whatever reason."),
)
# Why the database refuses, by SQLSTATE (README.md has them for programmers)
REFUSALS = {
    "LP001": "No purpose was stated beforehand",
    "LP002": "The login acts for no agency",
    "LP003": "The stated purpose is not one that the law permits this agency",
    "LP004": "The stated purpose is forbidden",
    "LP005": "Something that the law demands was missing, such as a reason, a case number or an approval",
    "LP006": "There was no legal basis to share with this agency",
    "LP007": "Sharing with this agency is suspended",
    "LP008": "The stated reason revealed a forbidden purpose",
    "LP009": "The search would have touched too many reads of other agencies",
    "LP010": "The access would have gone around the rules",
    "LP011": "Reads would have been copied to where the rules do not reach",
    "LP012": "A change would have weakened the rules",
    "LP013": "It was about reads outside their permitted time",
    "LP014": "It was about collection at a protected site",
    "LP020": "It could not be put on record, and so was not run",
    "LP021": "It could not be put on record, and so was not run",
    "LP030": "Evidence would have been kept, or given up, against the rules",
}
HOTLISTS = {
    "local": "A hotlist of the agency’s own",
    "addendum": "Addendum of a state facility",
    "collect": "COLLECT, Connecticut’s law enforcement network",
    "fbi_kidnapping": "FBI Kidnapping and Missing Persons",
    "cjis": "Connecticut Criminal Justice Information System",
    "terrorist_screening": "Terrorist Screening Database",
    "ncic": "National Crime Information Center (NCIC)",
    "ncmec": "National Center for Missing and Exploited Children",
}
HOTLIST_MEASURES = ("hotlist_comparisons", "hotlist_matches_at_ingest", "hotlist_handovers")
SHARED = {"shared": "Seen in the database", "disclosed": "Told, or passed on"}
ACTIONS = {"request": "Request", "select": "Search", "insert": "Reads added", "copy": "Reads added or copied", "disclosure": "Passed on", "hotlist": "Comparison with a hotlist", "merge": "Change", "update": "Change",
           "delete": "Deletion"}


def label_of(code):
    """stolen_vehicle as Stolen vehicle"""
    return capital(str(code).replace("_", " ").strip()) if code else "Not stated"


def moment_in_words(text, zone, letters=9):
    """2026-11-28T20:15 as November 28, 2026, 8:15 p.m. EST; letters: of the month, at most"""
    at = datetime.datetime.fromisoformat(text[:16])
    return f"{day_in_words(at, letters)}, {at.hour % 12 or 12}:{at.minute:02d} {'a.m.' if at.hour < 12 else 'p.m.'} {zone}".strip()


def rule_in_words(rule):
    """A rule as its view puts it, but for what it says twice"""
    found = re.fullmatch(r"(.*\b(\d+ days) after capture): \2 \(\d+ hours\) after capture", rule["detail"] or "")
    return found.group(1) if found else rule["detail"] or label_of(rule["rule"])


def duration_in_words(text):
    """A setting of the server such as 30d as 30 days"""
    found = re.fullmatch(r"(\d+)(ms|s|min|h|d)", text or "")
    if not found:
        return text
    units = {"ms": "millisecond", "s": "second", "min": "minute", "h": "hour", "d": "day"}
    return count_of(int(found.group(1)), units[found.group(2)])


class Table:
    """A table in a region that can be scrolled by keyboard.  Columns: heading, or (heading, 'n') for numbers, (heading, 't')
    for what is not broken.  The first cell of each row is its heading."""

    def __init__(self, ident, caption, columns, rows, total=None):
        heads = [(c, None) if isinstance(c, str) else c for c in columns]
        cells = []
        for row in rows:
            cells.append(el("tr", el("th", row[0], scope="row", class_=heads[0][1]), [el("td", cell, class_=head[1]) for cell, head in zip(row[1:], heads[1:])]))
        foot = el("tfoot", el("tr", el("th", total[0], scope="row"), [el("td", cell, class_=head[1]) for cell, head in zip(total[1:], heads[1:])])) if total else None
        self.length = len(cells)
        region = {"class_": "scroll tall" if self.length > 24 else "scroll", "role": "region", "aria_labelledby": f"{ident}-caption", "tabindex": "0"}
        region["class_"] += " pair" if len(heads) == 2 else ""
        self.markup = el("div", el("table", el("caption", caption, id=f"{ident}-caption"),
                                   el("thead", el("tr", [el("th", head, scope="col", class_=kind) for head, kind in heads])),
                                   el("tbody", cells), foot, class_="many" if len(heads) > 6 else "some" if len(heads) > 3 else None), **region)

    def behind(self, summary, longest=0):
        """Folded away where it is longer than that: what a drawing has said already, or a long list.  Paper has it whole."""
        return self.markup if self.length <= longest else el("details", el("summary", summary), self.markup)


class Page:
    def __init__(self, record, options):
        self.record = record
        self.contact = options.contact
        self.year = options.year
        self.zone = record.moment["zone"]
        self.made = moment_in_words(record.moment["at"], self.zone)
        self.delay = duration_in_words(record.moment["delay"])
        months = record.months
        self.period = (f"{month_in_words(months[0])} to {month_in_words(months[-1])}" if len(months) > 1 else month_in_words(months[0]) if months else None)
        self.during = f"from {self.period}" if len(months) > 1 else f"in {self.period}" if months else "in this period"
        self.purposes = {rule["rule"]: rule for rule in record.rules if rule["topic"] in ("purpose", "prohibition") and not rule["agency_name"]}
        self.sections = []

    # ---- parts ----

    def section(self, ident, title, *content):
        self.sections.append((ident, title, el("section", el("h2", title, id=ident), content, aria_labelledby=ident)))

    def cite(self, clause):
        """A clause of Connecticut's act behind what the page itself says; other states' laws say it elsewhere, if at all"""
        return f" (section {clause})" if self.record.agency["state"] == "CT" else ""

    def figure(self, title, of, drawing):
        return el("figure", el("figcaption", title, el("span", of, class_="of") if of else None), drawing)

    def empty(self, text):
        return el("p", text, class_="empty")

    def monthly(self, ident, title, measures, unit, units, tone=""):
        """Columns by month and the table of the same figures, or None where there is nothing"""
        rows = self.record.by_month(*measures)
        total = sum(count for _, count in rows)
        if not total:
            return None
        highest = max(rows, key=lambda pair: pair[1])
        description = (f"{count_of(total, unit, units)} {self.during}; most in {month_in_words(highest[0])}, {number(highest[1])}. The table below has every month.")
        drawing = charts.columns(ident, title, description, rows, tone) if len(rows) > 3 else charts.bars(ident, title, description, [(month_in_words(m), count) for m, count in rows], tone)
        table = Table(f"{ident}-table", f"{title}, figures", ("Month", (capital(units), "n")),
                      [(month_in_words(month), number(count)) for month, count in rows], ("Total", number(total)))
        return [self.figure(title, f"{count_of(total, unit, units)} {self.during}", drawing),
                table.behind("Show the figures of every month")]

    def of_purpose(self, item, what):
        return self.purposes[item][what] if item in self.purposes else "–"

    def recipient(self, entity, name):
        return name or {"unregistered": "An agency that is not registered", "no agency": "An administrator, in an emergency", None: "Not named"}.get(entity, entity)

    # ---- sections ----

    def glance(self):
        r = self.record
        in_use = sum(1 for c in r.cameras if c["active"])
        entries = (
            ("Cameras", f"{number(in_use)} in use", len(r.cameras)),
            ("Plates read", "with those deleted since", r.total("reads_collected")),
            ("Searches", "by this agency’s people", r.total("searches")),
            ("Times shared", "with another agency", r.total(*SHARED)),
            ("Refusals", "not allowed, and recorded", r.total("refusals")),
            ("Reads deleted", "their time was up", r.total("reads_deleted")),
        )
        self.section("glance", "At a glance",
                     el("dl", [el("div", el("dt", label, el("span", of, class_="of")), el("dd", number(value))) for label, of, value in entries], class_="figures"),
                     el("p", f"Counted {self.during}, in whole months. The cameras are those of the day this page was made." if self.period else
                        f"The public record has no counts of this agency {f'for {self.year} ' if self.year else ''}yet.", class_="meta"))

    def rules(self):
        content = [el("p", "License plate readers photograph passing vehicles and note plate, place and time. State law says for what these reads may be used, and how long they may be kept. "
                           "The database that holds them enforces these rules by itself. They are listed with the clause of the law that each comes from.")]
        for topic, title, intro in TOPICS:
            rules = [rule for rule in self.record.rules if rule["topic"] == topic]
            if not rules:
                continue
            content += [el("h3", title), el("p", intro),
                        el("ul", [el("li", el("span", rule["clause"], class_="clause"), el("span", rule_in_words(rule))) for rule in rules], class_="rules", role="list")]
        if len(content) == 1:
            content.append(self.empty("No rules have been adopted in this database."))
        self.section("rules", "The rules", content)

    def cameras(self):
        cameras = self.record.cameras
        if not cameras:
            self.section("cameras", "Where the cameras are", self.empty("This agency has registered no camera whose place is public."))
            return
        marks, rows = [], []
        for i, camera in enumerate(cameras, 1):
            at = camera["longitude"], camera["latitude"]
            name = camera["place"] or camera["camera_id"]
            if at[0] is not None:
                marks.append(camera_map.Mark(i, name, at[0], at[1], camera["active"]))
            rows.append((number(i), name_of(camera["camera_id"]), name_of(camera["place"]) if camera["place"] else "Not stated", "Fixed" if camera["fixed"] else "Mobile",
                         "In use" if camera["active"] else "Not in use", name_of(camera["funding"]) if camera["funding"] else "Not stated",
                         f"{at[1]:.5f}, {at[0]:.5f}" if at[0] is not None else "No fixed place"))
        mobile = len(cameras) - len(marks)
        off = sum(1 for c in cameras if not c["active"])
        content = [el("p", f"The agency has {count_of(len(cameras), 'license plate reader')} on the public list"
                           + (f", of which {number(off)} {'is' if off == 1 else 'are'} not in use" if off else "") + ". "
                           + (f"{count_of(mobile, 'camera')} without a fixed place {'is' if mobile == 1 else 'are'} in the table only." if mobile else ""))]
        if marks:
            title = f"Map of {count_of(len(marks), 'camera')}"
            description = f"{count_of(len(marks), 'camera')} at the places that the table below lists. {camera_map.extent_in_words(marks)}".strip()
            key = []
            if 1 < len(marks) <= camera_map.NUMBERED:
                key.append("Numbers are those of the table below; where there is no room for one, a dot stands for it.")
            elif len(marks) > 1:
                key.append("Each dot is a camera, a larger one several close together; the table below has them all.")
            if any(not m.active for m in marks):
                key.append("A broken outline means: not in use.")
            if len(marks) > 2:
                key.append("The shaded ground is the area between the cameras, not a border.")
            content.append(self.figure(title, " ".join(key), camera_map.camera_map("map", title, description, marks)))
        content.append(Table("cameras-table", "Cameras of this agency", (("No.", "n"), "Camera", "Place", "Kind", "State", "Paid for by", ("Latitude, longitude", "t")), rows).markup)
        content.append(el("p", f"Cameras bought with federal homeland security money on condition that their place is not disclosed are left out{self.cite('13(e)(2)(A)')}.", class_="meta"))
        self.section("cameras", "Where the cameras are", content)

    def reads(self):
        chart = self.monthly("reads-chart", "Plates read in each month", ("reads_collected",), "read", "reads")
        self.section("reads", "What was collected",
                     el("p", "Each passing of a vehicle that a camera noted counts as one read, also where it has been deleted since."),
                     chart or self.empty(f"No reads were counted {self.during}."))

    def searches(self):
        rows = self.record.of("searches")
        content = [el("p", "A search is a request, with its purpose stated beforehand, under which somebody looked at reads. Each is on record before the first read is shown.")]
        if rows:
            by_purpose = sums(rows, "item")
            total = sum(count for _, count in by_purpose)
            title = "Searches by stated purpose"
            description = f"{count_of(total, 'search', 'searches')} {self.during}; most often for {label_of(by_purpose[0][0]).lower()}, {number(by_purpose[0][1])}. The table below has all purposes."
            content += [
                self.figure(title, f"{count_of(total, 'search', 'searches')} {self.during}", charts.bars("searches-chart", title, description, [(label_of(item), count) for item, count in by_purpose])),
                Table("searches-table", f"{title}, figures", ("Purpose", "Clause", "What the law says", ("Searches", "n")),
                      [(label_of(item), self.of_purpose(item, "clause"), self.of_purpose(item, "detail"), number(count)) for item, count in by_purpose], ("Total", "", "", number(total))).markup,
                el("h3", "Over time"),
                self.monthly("searches-months", "Searches in each month", ("searches",), "search", "searches"),
            ]
        else:
            content.append(self.empty(f"Nobody searched {self.during}."))
        statements = self.record.total("statements")
        if statements:
            content.append(el("p", f"Under these and standing requests, those of programs, the database answered {count_of(statements, 'statement')}.", class_="meta"))
        compared = self.record.of(*HOTLIST_MEASURES)
        if compared:
            counts = dict(sums(compared, "item", "measure"))
            content += [el("h3", "Comparisons with hotlists"),
                        el("p", "Reads may be compared with lists of wanted vehicles. That is no search; it is counted for each list that was used."),
                        Table("hotlists-table", "Comparisons by list", ("List", ("Comparisons", "n"), ("Matches as reads came in", "n"), ("Handed to a matching program", "n")),
                              [(HOTLISTS.get(item, label_of(item)), *(number(counts.get((item, measure), 0)) for measure in HOTLIST_MEASURES)) for item, _ in sums(compared, "item")]).markup]
        self.section("searches", "Who searched, and why", content)

    def sharing(self):
        rows = self.record.of(*SHARED)
        content = [el("p", "Reads were shared when another agency saw reads of this one in the database, or was told what a search had found.")]
        if rows:
            by_recipient = sums(rows, "entity", "entity_name")
            total = sum(count for _, count in by_recipient)
            title = "Sharing by recipient"
            most = self.recipient(*by_recipient[0][0])
            description = f"{count_of(total, 'time')} {self.during}, with {count_of(len(by_recipient), 'recipient')}; most often with {most}, {count_of(by_recipient[0][1], 'time')}. The table below has all recipients."
            shown = by_recipient[:20]
            content += [
                self.figure(title, f"{count_of(total, 'time')} {self.during}" + (f"; the {len(shown)} most frequent of {number(len(by_recipient))} recipients" if len(shown) < len(by_recipient) else ""),
                            charts.bars("sharing-chart", title, description, [(self.recipient(*who), count) for who, count in shown])),
                Table("sharing-recipients", f"{title}, figures", ("Recipient", ("Times", "n")),
                      [(name_of(self.recipient(*who)), number(count)) for who, count in by_recipient], ("Total", number(total))).behind("Show the figures of every recipient"),
                el("h3", "For what"),
                Table("sharing-table", "Sharing by recipient and stated purpose", ("Recipient", "How", "Purpose", ("Times", "n")),
                      [(name_of(self.recipient(entity, name)), SHARED[measure], label_of(item), number(count)) for (entity, name, measure, item), count in sums(rows, "entity", "entity_name", "measure", "item")],
                      ("Total", "", "", number(total))).behind("Show every recipient and purpose", 12),
            ]
        else:
            content.append(self.empty(f"Reads of this agency were shared with nobody {self.during}."))
        warrants = self.record.total("warrants")
        content.append(el("p", f"Of the access above, {count_of(warrants, 'time')} under a judge’s warrant." if warrants else "None of it was under a judge’s warrant." if rows else
                          f"No access under a judge’s warrant was recorded {self.during}.", class_="meta"))
        self.section("sharing", "Who reads were shared with", content)

    def refusals(self):
        rows = self.record.of("refusals")
        content = [el("p", "What the rules do not allow is refused before anything is shown, and the attempt stays on record. A refusal may be a mistake in a form as well as a forbidden search.")]
        if rows:
            by_clause = sums(rows, "clause")
            total = sum(count for _, count in by_clause)
            title = "Refusals by clause"
            description = f"{count_of(total, 'refusal')} {self.during}; most often under {by_clause[0][0] or 'no clause'}, {number(by_clause[0][1])}. The table below has all clauses."
            content += [
                self.figure(title, f"{count_of(total, 'refusal')} {self.during}", charts.bars("refusals-chart", title, description, [(self.refusal_in_words(clause, rows), count) for clause, count in by_clause], "refused")),
                Table("refusals-clauses", f"{title}, figures", ("Clause", ("Refusals", "n")), [(clause or "No clause", number(count)) for clause, count in by_clause], ("Total", number(total))).behind("Show the figures of every clause"),
                el("h3", "Why"),
                Table("refusals-table", "Refusals by clause and reason", ("Clause", "Why it was refused", ("Refusals", "n")),
                      [(clause or "No clause", REFUSALS.get(state, "It was not allowed"), number(count)) for (clause, state), count in sums(rows, "clause", "item")], ("Total", "", number(total))).behind("Show every reason", 12),
            ]
        else:
            content.append(self.empty(f"No search was refused {self.during}."))
        observed = {what: self.record.total(f"{what}_observed") for what in ("refusals", "searches", "shared")}
        if any(observed.values()):
            content.append(el("p", f"For a time the database only watched: it recorded {count_of(observed['refusals'], 'refusal')} without refusing anything. {count_of(observed['searches'], 'search', 'searches')} and "
                                   f"{count_of(observed['shared'], 'time')} of sharing went ahead then against the rules, and are not in the figures of this page.", class_="note"))
        self.section("refusals", "What was refused", content)

    def refusal_in_words(self, clause, rows):
        """What was forbidden, where the clause forbids a purpose; why it was refused otherwise"""
        forbidden = join_words(sorted({rule["detail"] for rule in self.record.rules if rule["topic"] == "prohibition" and rule["clause"] == clause}))
        reasons = [REFUSALS.get(state, "It was not allowed") for state, _ in sums([row for row in rows if row["clause"] == clause], "item")]
        return f"{clause or 'No clause'}: {forbidden or reasons[0] + (', and other reasons' if len(reasons) > 1 else '')}"

    def deletion(self):
        chart = self.monthly("deleted-chart", "Reads deleted in each month", ("reads_deleted",), "read", "reads", "deleted")
        late = self.record.total("over_retention")
        content = [el("p", "When its time is up, a read is out of sight at once, and a program deletes it soon after. Each run of that program leaves a certificate in the log, which says what it deleted."),
                   chart or self.empty(f"No deletion of reads was recorded {self.during}.")]
        if self.record.purges:
            days = self.record.purges[-14:][::-1]
            content += [el("h3", "Certified deletions"),
                        el("p", f"{count_of(sum(p['runs'] for p in self.record.purges), 'certificate')} on {count_of(len(self.record.purges), 'day')}, the latest of {day_in_words(as_date(days[0]['finished_on']))}. ",
                           el("a", "Download all days", href="data/purges.csv")),
                        Table("purges-table", f"The latest {count_of(len(days), 'day')} with deletions", ("Day", ("Certificates", "n"), ("Reads deleted", "n")),
                              [(day_in_words(as_date(p["finished_on"])), number(p["runs"]), number(p["rows_deleted"])) for p in days]).behind("Show the latest days", 7)]
        content.append(el("p", f"Up to {count_of(late, 'read')} {'was' if late == 1 else 'were'} deleted later than the law permits {self.during}. Nobody could see them meanwhile." if late else
                          f"No read was deleted later than the law permits {self.during}.", class_="note" if late else "meta"))
        self.section("deletion", "What was deleted", content)

    def log(self):
        content = [el("p", f"Every search, refusal and change of the rules is an entry of the agency’s log. This page publishes {count_of(self.record.log_rows, 'entry', 'entries')}"
                           + (f" {self.during}" if self.year and self.period else "") + ", without plates, places and times of reads, officers and case numbers. ",
                      el("a", "Download them all", href="data/log.csv") if self.record.log_rows else None)]
        if self.record.latest:
            rows = []
            for entry in reversed(self.record.latest):
                said = " – ".join(capital(text) for text in (entry["offense_category"], entry["reason"]) if text and text != "not stated")
                rows.append((number(entry["seq"]), moment_in_words(entry["at"], "", 3), name_of(entry["agency_name"] or "Not registered"), ACTIONS.get(entry["action"], label_of(entry["action"])),
                             label_of(entry["purpose"]) if entry["purpose"] else "–", name_of(said) if said else "–", "Allowed" if entry["allowed"] else "Refused", entry["clause"] or "–"))
            content.append(Table("log-table", f"The latest {count_of(len(rows), 'entry', 'entries')} about requests and searches", (("Entry", "n"), "When", "Agency", "What", "Purpose", "Offense", "Answer", "Clause"), rows).markup)
        else:
            content.append(self.empty("No entry has been published yet."))
        self.section("log", "The latest entries of the log", content)

    def check(self):
        c = self.record.checkpoint
        content = [el("p", "The log cannot be rewritten unnoticed by anyone who does not also control the checkpoints that others keep. A checkpoint is a signed statement of how many entries the log has, "
                           "and of a fingerprint over all of them. Whoever keeps one can tell later whether an entry before it was changed, removed or added.")]
        if c:
            content += [
                el("dl", [el(tag, text) for pair in (("Log", el("code", c["origin"])), ("Entries", number(c["size"])), ("Fingerprint (root)", el("code", c["root"].replace("\n", ""))),
                                                     ("Signed", moment_in_words(c["signed_at"], c["zone"]))) for tag, text in zip(("dt", "dd"), pair)], class_="facts"),
                el("h3", "The signed note"),
                el("pre", c["note"], tabindex="0", role="region", aria_label="The signed note of the checkpoint"),
                el("h3", "How to check it"),
                el("ol", [el("li", step) for step in (
                    [el("a", "Save the checkpoint", href="data/checkpoint.txt"), ", as it is, and keep it where the agency cannot change it. An older one is worth more."],
                    "Ask the agency for its verifier’s key, and compare it with one that you got another way. It does not change from page to page.",
                    ["Whoever may read the log, such as an auditor or a court, exports it and runs ", el("code", "ctlpr-verify --key KEY LOG checkpoint.txt"),
                     ". The program needs neither the agency’s server nor its word. It says that the log is the one that was signed, or names the first entry that is not."])], class_="steps"),
            ]
        else:
            content.append(self.empty("The agency has not signed a checkpoint of its log yet. Until it does, nobody outside can check the log."))
        self.section("check", "How to check this record", content)

    def data(self, files):
        self.section("data", "Download the data",
                     el("p", "The files hold what this page shows, for spreadsheets and programs. They are in UTF-8. In CSV files a leading apostrophe keeps a spreadsheet from taking a text for a formula."),
                     Table("files-table", "Files", ("File", "What it holds", ("Rows", "n")),
                           [(el("a", name, href=name, download=True), said, number(rows) if rows is not None else "–") for name, said, rows in files]).markup)

    def about(self):
        r = self.record
        left_out = (
            f"Plates, images, and the times and places of reads. They are confidential{self.cite('13(e)(1)')}, and audit records are published without them{self.cite('13(e)(2)(B)')}.",
            "Officers, case numbers and the text of reasons. A reason is shown as the kind of offense; its text only where a records officer has released it.",
            (f"Entries of the log younger than {self.delay}, so that nobody is warned of an investigation that is still running. Counts are of whole months that are past that time." if self.delay and not self.delay.startswith("0") else
             "Counts of the month that has not ended."),
            f"Places of cameras under a federal condition of non-disclosure{self.cite('13(e)(2)(A)')}.",
        )
        contact = [self.contact_in_words(text) for text in self.contact] or ["Ask the records officer of the agency."]
        self.section("about", "About this page",
                     el("p", f"It was made on {self.made} by ctlpr-page", f" {r.moment['version']}" if r.moment["version"] else None,
                        " from the public views of the agency’s database, all at the same instant. It shows no figure that the public could not read there.",
                        f" It covers the year {self.year}." if self.year else None),
                     el("h3", "What is left out, and why"), el("ul", [el("li", text) for text in left_out if text]),
                     el("h3", "Questions and requests"), [el("p", line) for line in contact],
                     el("p", f"A person who was the registered owner of a vehicle when it was read may ask for the reads of it{self.cite('13(e)(3)')}.") if self.cite("13(e)(3)") else None)

    def contact_in_words(self, text):
        if re.fullmatch(r"[^\s@<>\"']+@[^\s@<>\"']+", text):
            return el("a", text, href=f"mailto:{text}")
        if re.match(r"https?://[^\s]+$", text):
            return el("a", text, href=text, rel="noreferrer")
        return name_of(text)

    # ---- the whole ----

    def write(self, files):
        """The page as HTML; files: (name, what it holds, rows) of those beside it"""
        r = self.record
        for part in (self.glance, self.rules, self.cameras, self.reads, self.searches, self.sharing, self.refusals, self.deletion, self.log, self.check):
            part()
        self.data(files)
        self.about()
        style = pkgutil.get_data("document", "style.css").decode()
        # A policy that lets the page load nothing and run nothing; its one style sheet is known by its hash.
        policy = "; ".join(("default-src 'none'", f"style-src 'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'", "img-src data:", "base-uri 'none'", "form-action 'none'"))
        icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' fill='%232b6394'/%3E%3Cpath d='M3 12V8h2.500v4zM6.750 12V4h2.500v8zM10.500 12V6H13v6z' fill='%23fff'/%3E%3C/svg%3E"
        title = f"{r.agency['name']}: license plate reader transparency report" + (f" {self.year}" if self.year else "")
        head = el("head",
                  el("meta", charset="utf-8"),
                  el("meta", http_equiv="Content-Security-Policy", content=policy),
                  el("meta", name="viewport", content="width=device-width, initial-scale=1"),
                  el("meta", name="referrer", content="no-referrer"),
                  el("meta", name="color-scheme", content="light dark"),
                  el("meta", name="description", content=f"License plate readers of {r.agency['name']}: rules, cameras, searches, sharing, refusals and deletion."),
                  el("title", title), el("link", rel="icon", href=icon), el("style", Markup(style)))
        header = el("header", el("p", "License plate reader transparency report", class_="eyebrow"), el("h1", name_of(r.agency["name"])),
                    el("p", "Where the agency’s license plate readers stand, how long their reads are kept, who searched them and why, with whom they were shared, and what was refused.", class_="lead"),
                    el("p", f"Covers {self.period}. " if self.period else None, f"Made on {self.made}.", class_="meta"), class_="page")
        nav = el("nav", el("div", el("h2", "On this page", id="contents"), el("ol", [el("li", el("a", name, href=f"#{ident}")) for ident, name, _ in self.sections], role="list"), class_="stay"), aria_labelledby="contents")
        footer = el("footer", el("p", f"Made on {self.made}. No script, no cookie, nothing loaded from elsewhere."), class_="page")
        body = el("body", el("a", "Skip to the content", href="#main", class_="skip"), header,
                  el("div", nav, el("main", [part for _, _, part in self.sections], id="main", tabindex="-1"), class_="page body"), footer)
        return f"<!DOCTYPE html>\n{el('html', head, body, lang='en')}\n"


__all__ = ["Page"]
