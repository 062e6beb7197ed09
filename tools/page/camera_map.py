"""camera_map - where the cameras stand, drawn from their positions alone.

There are no tiles: nothing is fetched, and nobody learns who looks at the map.
The shaded area is the convex hull of the cameras, not a border.  Positions are
placed in percent of the drawing, whose shape the style sheet keeps, so that
text and marks have one size on every screen.
"""

import math
from collections import namedtuple

from words import el
from charts import percent

Mark = namedtuple("Mark", "number name longitude latitude active")

EARTH_KM = 6371.0088
SHAPES = ((0.5, "half"), (0.64, "golden"), (0.8, "high"))   # height as a part of the width, class
MARGIN = 0.09
NUMBERED = 60      # up to so many cameras carry their number
WIDTH_PX = 700     # width for which marks are kept from covering each other


def hull(points):
    """Convex hull, counterclockwise (Andrew's monotone chain)"""
    points = sorted(set(points))
    if len(points) <= 2:
        return points

    def half(ordered):
        chain = []
        for p in ordered:
            while len(chain) > 1 and (chain[-1][0] - chain[-2][0]) * (p[1] - chain[-2][1]) <= (chain[-1][1] - chain[-2][1]) * (p[0] - chain[-2][0]):
                chain.pop()
            chain.append(p)
        return chain[:-1]
    return half(points) + half(reversed(points))


def round_step(span, wanted, steps):
    """The smallest of steps that divides span into no more than wanted parts"""
    return next((s for s in steps if span / s <= wanted), steps[-1])


DEGREES = tuple(f * 10 ** p for p in range(-4, 2) for f in (1, 2, 5))
KILOMETERS_PER_MILE = 1.609344


class Projection:
    """Equirectangular about the middle of the cameras: true enough over a state.  x and y are parts of the drawing."""

    def __init__(self, marks):
        latitudes = [m.latitude for m in marks]
        longitudes = [m.longitude for m in marks]
        self.latitude = (min(latitudes) + max(latitudes)) / 2
        # Cameras on both sides of the 180th meridian are nobody's here; the middle would only be far off.
        self.longitude = (min(longitudes) + max(longitudes)) / 2
        self.km_lat = math.radians(1) * EARTH_KM
        self.km_lon = self.km_lat * max(math.cos(math.radians(self.latitude)), 0.01)
        width = max((max(longitudes) - min(longitudes)) * self.km_lon, 0.001)
        height = max((max(latitudes) - min(latitudes)) * self.km_lat, 0.001)
        self.aspect, self.shape = next(((a, s) for a, s in SHAPES if height / width <= a), SHAPES[-1])
        # One camera, or some in one street, get two kilometers around them.
        self.width_km = max(width, height / self.aspect, 2.0) / (1 - 2 * MARGIN)
        self.height_km = self.width_km * self.aspect

    def place(self, longitude, latitude):
        return (0.5 + (longitude - self.longitude) * self.km_lon / self.width_km,
                0.5 - (latitude - self.latitude) * self.km_lat / self.height_km)

    def edges(self):
        """West, east, south and north edge in degrees"""
        half_lon, half_lat = self.width_km / self.km_lon / 2, self.height_km / self.km_lat / 2
        return self.longitude - half_lon, self.longitude + half_lon, self.latitude - half_lat, self.latitude + half_lat


def degrees_in_words(value, step, positive, negative):
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{abs(value):.{digits}f}° {positive if value >= 0 else negative}"


def graticule(projection):
    west, east, south, north = projection.edges()
    step = round_step(max(east - west, north - south), 8, DEGREES)
    lines = []
    for k in range(math.ceil(west / step), math.floor(east / step) + 1):
        x = projection.place(k * step, projection.latitude)[0]
        lines.append(el("line", x1=percent(100 * x), x2=percent(100 * x), y1="0", y2="100%", class_="grid"))
        if 0.08 < x < 0.92:
            lines.append(el("text", degrees_in_words(k * step, step, "E", "W"), x=percent(100 * x), y="16", text_anchor="middle", class_="degree"))
    for k in range(math.ceil(south / step), math.floor(north / step) + 1):
        y = projection.place(projection.longitude, k * step)[1]
        lines.append(el("line", x1="0", x2="100%", y1=percent(100 * y), y2=percent(100 * y), class_="grid"))
        if 0.1 < y < 0.86:
            lines.append(el("text", degrees_in_words(k * step, step, "N", "S"), x="8", y=percent(100 * y), dy="-4", class_="degree"))
    return lines


def scale_bar(projection):
    """Miles above, kilometers below, each a round number of at most a quarter of the width"""
    quarter = projection.width_km / 4
    steps = [f * 10 ** p for p in range(-1, 4) for f in (1, 2, 5)]
    bars = []
    for unit, length, y, text_y in (("mi", KILOMETERS_PER_MILE, "-27", "-32"), ("km", 1, "-24", "-9")):
        value = max((s for s in steps if s * length <= quarter), default=steps[0])
        right = 97.0
        left = right - 100 * value * length / projection.width_km
        bars += [
            el("line", x1=percent(left), x2=percent(right), y1=y, y2=y, class_="scale"),
            el("text", f"{value:g} {unit}", x=percent(right), y=text_y, text_anchor="end", class_="degree"),
        ]
    return el("svg", bars, x="0", y="100%", width="100%", height="1", overflow="visible", class_="scale-bar")


def groups_of(marks, projection, distance):
    """Marks less than so many pixels apart, as one: lists of (x, y, marks)"""
    groups = []
    for mark in marks:
        x, y = projection.place(mark.longitude, mark.latitude)
        for group in groups:
            if math.hypot((x - group[0]) * WIDTH_PX, (y - group[1]) * WIDTH_PX * projection.aspect) < distance:
                group[2].append(mark)
                break
        else:
            groups.append((x, y, [mark]))
    return groups


def pill_width(text):
    return max(22, 12 + 7 * len(text))


def with_room(groups, projection):
    """Which of the groups can show their numbers without covering others: the first of those that stand in each other's way"""
    placed, chosen = [], []
    for x, y, members in groups:
        half = pill_width(numbers_in_words(members)) / 2
        free = all(abs(x - px) * WIDTH_PX > (half + other) * 0.9 or abs(y - py) * WIDTH_PX * projection.aspect > 18 for px, py, other in placed)
        if free:
            placed.append((x, y, half))
        chosen.append(free)
    return chosen


def numbers_in_words(members):
    numbers = [m.number for m in members]
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}–{numbers[-1]}"
    return ", ".join(map(str, numbers)) if len(numbers) <= 2 else f"{numbers[0]} +{len(numbers) - 1}"


def camera_map(ident, title, description, marks):
    """The map of marks, of which there is at least one."""
    projection = Projection(marks)
    numbered = len(marks) <= NUMBERED
    outline = [projection.place(*p) for p in hull([(m.longitude, m.latitude) for m in marks])]
    content = [el("rect", x="0", y="0", width="100%", height="100%", class_="sea")]
    if len(outline) > 1:
        points = " ".join(f"{1000 * x:.1f},{1000 * y * projection.aspect:.1f}" for x, y in outline)
        content.append(el("svg", el("polygon", points=points, class_="area"),
                          viewBox=f"0 0 1000 {1000 * projection.aspect:g}", x="0", y="0", width="100%", height="100%", preserveAspectRatio="none"))
    content += graticule(projection)
    groups = groups_of(marks, projection, 11 if numbered else 5)
    for (x, y, members), free in zip(groups, with_room(groups, projection)):
        label = "; ".join(f"No. {m.number}: {m.name}" for m in members[:6]) + ("; ..." if len(members) > 6 else "")
        off = "" if any(m.active for m in members) else " off"
        if numbered and free:
            text = numbers_in_words(members)
            width = pill_width(text)
            mark = [el("rect", x=-width / 2, y="-11", width=width, height="22", rx="11", class_=f"pin{off}"),
                    el("text", text, y="4", text_anchor="middle", class_=f"pin-number{off}"),
                    el("circle", r="5", class_=f"dot narrow{off}")]
        else:
            mark = [el("circle", r=f"{min(5 + 1.2 * math.sqrt(len(members) - 1), 9) - (0 if numbered else 1):.1f}", class_=f"dot{off}")]
        content.append(el("svg", el("title", label), mark, x=percent(100 * x), y=percent(100 * y), width="1", height="1", overflow="visible"))
    content.append(scale_bar(projection))
    return el("svg", el("title", title, id=f"{ident}-title"), el("desc", description, id=f"{ident}-desc"), content,
              class_=f"drawing map {projection.shape}", role="img", aria_labelledby=f"{ident}-title", aria_describedby=f"{ident}-desc",
              width="100%", xmlns="http://www.w3.org/2000/svg")


def extent_in_words(marks):
    """How far the cameras are apart, for those who do not see the map"""
    if len(marks) < 2:
        return ""
    projection = Projection(marks)
    width = (max(m.longitude for m in marks) - min(m.longitude for m in marks)) * projection.km_lon
    height = (max(m.latitude for m in marks) - min(m.latitude for m in marks)) * projection.km_lat
    return (f"They lie within {max(1, round(width / KILOMETERS_PER_MILE)):,} by {max(1, round(height / KILOMETERS_PER_MILE)):,} miles, from west to east and from south to north.")
