"""words - text that comes out right: escaped by default, numbers and dates as the public reads them."""

import datetime
import html


class Markup(str):
    """A piece of HTML that is escaped already; every other string is escaped where it enters one."""


def clean(value):
    """The text of a value, without the control characters that HTML and XML do not allow."""
    return "".join(c for c in str(value) if c in "\t\n" or (ord(c) >= 32 and not 127 <= ord(c) < 160 and not 0xD800 <= ord(c) < 0xE000))


def markup(value):
    """A value as HTML: nothing for None, Markup as it stands, a list joined, all else escaped."""
    if value is None:
        return Markup("")
    if isinstance(value, Markup):
        return value
    if isinstance(value, (list, tuple)):
        return Markup("".join(markup(item) for item in value))
    return Markup(html.escape(clean(value), quote=True))


VOID = {"br", "col", "hr", "link", "meta"}


def el(name, /, *children, **attributes):
    """An element.  An attribute that is None or False is left out, True has no value; class_ is class, aria_label is
    aria-label.  The name is this program's own, children and values are anybody's."""
    written = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        written.append(key if value is True else f'{key}="{html.escape(clean(value), quote=True)}"')
    if name in VOID:
        return Markup(f"<{' '.join(written)}>")
    return Markup(f"<{' '.join(written)}>{markup(children)}</{name}>")


def name_of(value):
    """A name that somebody typed: kept apart from the direction of the text around it."""
    return el("bdi", value)


def number(value):
    """1234567 as 1,234,567"""
    return f"{value:,}"


def short_number(value, digits=3):
    """1234567 as 1.23M: two or three digits, for axes and columns"""
    if value < 1000:
        return f"{value:.0f}"
    scaled, letter = value, ""
    for unit, name in ((1e3, "k"), (1e6, "M"), (1e9, "B"), (1e12, "T")):
        # 999,950 is 1M: what would be rounded up to a thousand takes the next letter.
        if float(f"{scaled:.{digits}g}") < 1000:
            break
        scaled, letter = value / unit, name
    whole = len(f"{float(f'{scaled:.{digits}g}'):.0f}")
    text = f"{scaled:.{max(0, digits - whole)}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + letter


def count_of(value, singular, plural=None):
    """1 read, 2 reads"""
    return f"{number(value)} {singular if value == 1 else plural or singular + 's'}"


def join_words(items):
    """a, b and c"""
    items = list(items)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1] if items else ""


MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")


def day_in_words(date, letters=9):
    return f"{MONTHS[date.month - 1][:letters]} {date.day}, {date.year}"


def month_in_words(date):
    return f"{MONTHS[date.month - 1]} {date.year}"


def months_between(first, last):
    """Firsts of all months from one to the other, both included"""
    months = []
    while first <= last:
        months.append(first)
        first = datetime.date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return months


def capital(text):
    return text[:1].upper() + text[1:]
