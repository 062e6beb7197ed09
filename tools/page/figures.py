"""figures - sums over the rows of the public record, for one agency and one period."""

import datetime
import math
import struct

from words import months_between


def as_date(text):
    return datetime.date.fromisoformat(text[:10])


def place_of(text):
    """(longitude, latitude) of a PostGIS point in its hexadecimal form (EWKB), whose functions are in a schema that differs
    from database to database; (None, None) where there is none"""
    if not text:
        return None, None
    raw = bytes.fromhex(text)
    order = "<" if raw[0] == 1 else ">"
    kind, = struct.unpack_from(order + "I", raw, 1)
    if kind & 0xFF != 1:
        raise ValueError("a camera's position is no point")
    x, y = struct.unpack_from(order + "2d", raw, 9 if kind & 0x20000000 else 5)
    return (x, y) if math.isfinite(x) and math.isfinite(y) else (None, None)


def sums(rows, *keys):
    """Counts added up by the values of some columns, greatest first: a list of (value or tuple of values, count)"""
    totals = {}
    for row in rows:
        key = row[keys[0]] if len(keys) == 1 else tuple(row[k] for k in keys)
        totals[key] = totals.get(key, 0) + row["count"]
    return sorted(totals.items(), key=lambda pair: (-pair[1], str(pair[0])))


class Record:
    """What the database gave for an agency.  Rows are dicts with the names of the views' columns."""

    def __init__(self):
        self.moment = None
        self.agency = None
        self.rules = []
        self.cameras = []
        self.usage = []
        self.purges = []
        self.checkpoint = None
        self.log_rows = 0
        self.latest = []

    def take(self, name, row):
        if name in ("moment", "agency", "checkpoint"):
            setattr(self, name, row)
        else:
            getattr(self, name).append(row)

    def settle(self):
        """Once all rows are there"""
        for row in self.usage:
            row["month"] = as_date(row["month"])
        months = [row["month"] for row in self.usage]
        self.months = months_between(min(months), max(months)) if months else []
        for camera in self.cameras:
            camera["longitude"], camera["latitude"] = place_of(camera.pop("position"))
        self.cameras.sort(key=lambda c: natural(c["camera_id"]))

    def of(self, *measures):
        return [row for row in self.usage if row["measure"] in measures]

    def total(self, *measures):
        return sum(row["count"] for row in self.of(*measures))

    def by_month(self, *measures):
        """(month, count) for every month of the period"""
        counts = dict.fromkeys(self.months, 0)
        for row in self.of(*measures):
            counts[row["month"]] += row["count"]
        return list(counts.items())


def natural(text):
    """Order of names with numbers in them: C9 before C10"""
    parts, digits = [""], False
    for c in text.casefold():
        if c.isascii() and c.isdigit() != digits:
            digits = not digits
            parts.append("")
        parts[-1] += c
    return [(part.isascii() and part.isdigit(), int(part) if part.isascii() and part.isdigit() else 0, part) for part in parts]
