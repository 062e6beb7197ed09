"""charts - drawings of figures as inline SVG.

Bars and columns are placed in percent and text in pixels, so that a drawing
fills any width and its text keeps its size.  Every value is written beside its
bar: nothing is told by colour alone.  Each drawing has a title and a
description, and stands next to a table of the same figures (document.py).
"""

import math

from words import el, number, short_number, MONTHS


def drawing(ident, title, description, height, *content, class_=""):
    """The frame of a drawing, of fixed height in pixels and as wide as its place"""
    return el("svg", el("title", title, id=f"{ident}-title"), el("desc", description, id=f"{ident}-desc"), content,
              class_=f"drawing {class_}".strip(), role="img", aria_labelledby=f"{ident}-title", aria_describedby=f"{ident}-desc",
              width="100%", height=height, xmlns="http://www.w3.org/2000/svg")


def percent(value):
    return f"{value:.3f}".rstrip("0").rstrip(".") + "%"


def axis_step(greatest, most=4):
    """Distance of the lines of an axis from 0 to at least greatest, such that there are no more than most; a whole number"""
    if greatest <= most:
        return 1
    raw = greatest / most
    power = 10 ** math.floor(math.log10(raw))
    return max(1, int(next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw and factor * power == int(factor * power))))


def bars(ident, title, description, rows, tone=""):
    """Horizontal bars, the longest filling the width: rows of (name, value)."""
    greatest = max(value for _, value in rows) or 1
    pitch = 46
    content = []
    for i, (name, value) in enumerate(rows):
        top = i * pitch
        content += [
            el("foreignObject", el("div", el("span", name, class_="bar-name", dir="auto"), el("span", number(value), class_="bar-value"),
                                   class_="bar-line", xmlns="http://www.w3.org/1999/xhtml"),
               x="0", y=top, width="100%", height="22"),
            el("rect", x="0", y=top + 25, width="100%", height="10", rx="2", class_="track"),
            el("rect", x="0", y=top + 25, width=percent(100 * value / greatest), height="10", rx="2", class_="mark"),
        ]
    return drawing(ident, title, description, len(rows) * pitch, content, class_=f"bars {tone}")


def columns(ident, title, description, months, tone=""):
    """Vertical columns over time: rows of (first of the month, value), without a gap."""
    plot_top, plot_bottom, left, right = 22, 190, 10.5, 100.0
    step = axis_step(max(value for _, value in months))
    top_value = step * max(1, math.ceil(max(value for _, value in months) / step))
    count = len(months)
    slot = (right - left) / max(count, 6)
    width = slot * 0.68
    greatest = max(value for _, value in months)

    def height_of(value):
        return (plot_bottom - plot_top) * value / top_value

    content = []
    for line in range(0, top_value + 1, step):
        y = plot_bottom - height_of(line)
        content += [
            el("line", x1=percent(left), x2="100%", y1=f"{y:.1f}", y2=f"{y:.1f}", class_="base" if line == 0 else "grid"),
            el("text", short_number(line), x=percent(left - 1), y=f"{y + 4:.1f}", text_anchor="end", class_="axis"),
        ]
    for i, (month, value) in enumerate(months):
        x = left + slot * i + (slot - width) / 2
        middle = percent(left + slot * (i + 0.5))
        height = max(height_of(value), 1 if value else 0)
        content.append(el("rect", el("title", f"{MONTHS[month.month - 1]} {month.year}: {number(value)}"),
                          x=percent(x), y=f"{plot_bottom - height:.1f}", width=percent(width), height=f"{height:.1f}", class_="mark"))
        # What cannot stand side by side is left to the axis and the table; the highest month is always written.
        room = "" if count <= 6 else "from-medium" if count <= 13 else "from-wide" if count <= 26 else None
        if value == greatest and value:
            room = ""
        if room is not None:
            content.append(el("text", short_number(value, 3 if count <= 13 else 2), x=middle, y=f"{plot_bottom - height - 6:.1f}", text_anchor="middle", class_=f"value {room}".strip()))
        named = count <= 13 or (month.month - 1) % (3 if count <= 39 else 12) == 0
        if named:
            content.append(el("text", MONTHS[month.month - 1][:3], x=middle, y="207", text_anchor="middle",
                              class_="axis" if count <= 8 or i % 2 == 0 or count > 13 else "axis from-medium"))
        if i == 0 or month.month == 1:
            content.append(el("text", str(month.year), x=middle, y="224", text_anchor="middle", class_="axis year"))
    return drawing(ident, title, description, 230, content, class_=f"columns {tone}")
