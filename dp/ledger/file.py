"""The ledger's SQLite file: one table of entries, opened for each piece of work and closed again.

It is never open between two calls: closing any other handle on an SQLite file drops the POSIX
locks that this process holds on it, and the file's digest is taken through such a handle.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from dp.errors import DiskFull, LedgerBusy, LedgerFault
from dp.ledger.disk import digest, part_of, sync, sync_folder, touch_private
from dp.ledger.entries import Entry

SCHEMA = (
    "CREATE TABLE entries (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL, "
    "hash TEXT NOT NULL) STRICT"
)
_APPLICATION = 0x4D75726D  # "Murm"
_INSERT = "INSERT INTO entries (seq, kind, payload, hash) VALUES (?, ?, ?, ?)"
_WAIT_S = 5.0


class LedgerFile:
    """Entries on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self, entry: Entry) -> Path:
        """Write a new ledger with one entry beside the path it will have, and return where."""
        part = part_of(self.path)
        for leftover in (part, _journal(part)):
            leftover.unlink(missing_ok=True)
        touch_private(part)
        with LedgerFile(part).connected() as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(SCHEMA)
            db.execute(f"PRAGMA application_id = {_APPLICATION}")
            db.execute(_INSERT, (entry.seq, entry.kind, entry.payload, entry.hash))
            db.execute("COMMIT")
        with part.open("rb") as file:
            sync(file.fileno())
        return part

    def publish(self, part: Path) -> None:
        """Give a prepared ledger its name."""
        part.rename(self.path)
        sync_folder(self.path.parent)

    def digest(self) -> str:
        """Return the digest of the whole file, once SQLite has undone what a crash cut off."""
        if _journal(self.path).exists():
            with self.connected() as db:
                db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return digest(self.path)

    def entries(self, *, after: int = 0) -> list[Entry]:
        """Return the entries behind number ``after`` in order, as they stand, not yet checked."""
        query = "SELECT seq, kind, payload, hash FROM entries WHERE seq > ? ORDER BY seq"
        with self.connected() as db:
            return [self._entry(row) for row in db.execute(query, (after,))]

    def first(self) -> Entry | None:
        """Return the first entry, which never changes, or None."""
        with self.connected() as db:
            row = db.execute(
                "SELECT seq, kind, payload, hash FROM entries WHERE seq = 1"
            ).fetchone()
        return self._entry(row) if row else None

    def append(self, entry: Entry) -> None:
        """Commit one entry, on the disk when this returns; LedgerFault when it is not the next."""
        with self.connected() as db:
            db.execute("BEGIN IMMEDIATE")
            (last,) = db.execute("SELECT max(seq) FROM entries").fetchone()
            if last != entry.seq - 1:
                raise LedgerFault(f"{self.path}: entry {entry.seq} would follow entry {last}")
            db.execute(_INSERT, (entry.seq, entry.kind, entry.payload, entry.hash))
            db.execute("COMMIT")

    def faults(self) -> list[str]:
        """Return what SQLite itself finds wrong, and any schema that is not the ledger's."""
        with self.connected() as db:
            found = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
            schema = [row[0] for row in db.execute("SELECT sql FROM sqlite_master")]
        if schema != [SCHEMA]:
            found.append("the schema is not that of a ledger")
        return [f"{self.path}: {text}" for text in found]

    def _entry(self, row: tuple[object, ...]) -> Entry:
        """Return a row as an entry; in a damaged file any column may hold anything."""
        match row:
            case (int(seq), str(kind), str(payload), str(hashed)):
                return Entry(seq, kind, payload, hashed)
        raise LedgerFault(f"{self.path} was changed: an entry does not hold number and text")

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """An open connection; SQLite's errors become LedgerFault or LedgerBusy."""
        uri = f"file:{quote(str(self.path.absolute()))}?mode=rw"
        try:
            with closing(
                sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None)
            ) as db:
                db.execute("PRAGMA synchronous = EXTRA")
                db.execute("PRAGMA fullfsync = ON")
                db.execute("PRAGMA trusted_schema = OFF")
                yield db
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _fault(self.path, error) from error


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")


def _fault(path: Path, error: Exception) -> LedgerFault:
    if "locked" in str(error):
        return LedgerBusy(
            f"{path} is locked by a program other than murmuration. Close it and try again"
        )
    if "disk is full" in str(error):
        return DiskFull(
            f"{path} cannot be written: the disk is full. What is booked is safe. Free some space "
            "there and run the same command again"
        )
    return LedgerFault(
        f"{path} cannot be read or written as a ledger ({error}). If the disk is sound, the file "
        "was damaged: run `murmuration verify` and keep the file as it is"
    )
