"""folder - the site's directory: made beside its place, checked, and put there whole.

Whoever reads the site sees the old one or the new one.  A directory that this
program did not make is left alone, for somebody may have named the wrong one.
"""

import contextlib
import csv
import ctypes
import errno
import os
import re
import shutil
import tempfile

MARKER = ".ctlpr-page"


class FolderError(Exception):
    """The message is one line"""


def reason_of(error):
    return (error.strerror or str(error)).lower()


class Folder:
    """The directory in the making.  Errors: FolderError where it cannot be made, or may not be replaced."""

    def __init__(self, target, force=False):
        self.target = os.path.realpath(target)
        self.shown = target
        self.names = []
        if os.path.lexists(self.target):
            if not os.path.isdir(self.target):
                raise FolderError(f"{target} is no directory")
            try:
                entries = os.listdir(self.target)
            except OSError as error:
                raise FolderError(f"cannot read {target}: {reason_of(error)}") from None
            if entries and MARKER not in entries and not force:
                raise FolderError(f"{target} was not made by ctlpr-page and is left as it is; name another directory, or replace all that is in it with --force")
        parent = os.path.dirname(self.target)
        try:
            self.path = tempfile.mkdtemp(prefix=f".{os.path.basename(self.target)}.", suffix=".new", dir=parent)
        except OSError as error:
            raise FolderError(f"cannot write into {parent}: {reason_of(error)}") from None

    def discard(self):
        if self.path:
            shutil.rmtree(self.path, ignore_errors=True)
            self.path = None

    @contextlib.contextmanager
    def open(self, name):
        """A file of the site, for text"""
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            with open(path, "w", encoding="utf-8", newline="") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise FolderError(f"cannot write {name}: {reason_of(error)}") from None
        self.names.append(name)

    def write(self, name, text):
        with self.open(name) as stream:
            stream.write(text)

    def put_in_place(self):
        """Exchange it for what is there"""
        umask = os.umask(0)
        os.umask(umask)
        try:
            # mkdtemp() gives a directory that only its owner reads; a web server is somebody else.
            for directory, _, _ in os.walk(self.path):
                os.chmod(directory, 0o777 & ~umask)
                descriptor = os.open(directory, os.O_RDONLY)
                os.fsync(descriptor)
                os.close(descriptor)
            if os.path.lexists(self.target):
                if not exchange(self.path, self.target):
                    # A file system without the exchange: for a moment there is no directory.
                    aside = tempfile.mkdtemp(prefix=f".{os.path.basename(self.target)}.", suffix=".old", dir=os.path.dirname(self.target))
                    os.rename(self.target, os.path.join(aside, "site"))
                    try:
                        os.rename(self.path, self.target)
                    except OSError:
                        os.rename(os.path.join(aside, "site"), self.target)
                        os.rmdir(aside)
                        raise
                    self.path = aside
                self.discard()
            else:
                os.rename(self.path, self.target)
                self.path = None
        except OSError as error:
            raise FolderError(f"cannot put the site in its place, {self.shown}: {reason_of(error)}") from None


def exchange(one, other):
    """Exchange two names at once; False where the system or the file system cannot"""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    at_fdcwd, rename_exchange = -100, 2
    if renameat2(at_fdcwd, os.fsencode(one), at_fdcwd, os.fsencode(other), rename_exchange) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code))


# A spreadsheet takes what begins so for a formula.
FORMULA = re.compile(r"[=+\-@\t\r\n]|\s*[=+\-@]")


def csv_cell(value):
    if value is None:
        return ""
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return value
    text = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    return "'" + text if FORMULA.match(text) else text


class CsvWriter:
    """Rows of dicts as CSV (RFC 4180), no cell of which a spreadsheet would run"""

    def __init__(self, stream, columns):
        self.columns = columns
        self.writer = csv.writer(stream)
        self.writer.writerow(columns)
        self.rows = 0

    def write(self, row):
        self.writer.writerow([csv_cell(row.get(column)) for column in self.columns])
        self.rows += 1
