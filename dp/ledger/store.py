"""The private store of raw noisy measurements: written once, before anything is derived."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from dp.errors import DiskFull, LedgerFault
from dp.ledger.disk import part_of, private_folder, refuse_shared, unwritten, write_private
from dp.ledger.records import check_hash

_MARGIN = 1 << 20
"""Bytes for the ledger's own growth, its journal and what other programs write meanwhile."""

Booked = Callable[[str], tuple[int, str]]


class MeasurementStore:
    """One file per draw, named by charge and attempt, in a folder of mode 0700.

    What is in it was charged for, whether it was published or not.
    """

    def __init__(self, folder: Path, booked: Booked) -> None:
        self.folder = folder
        self._booked = booked

    def write(self, key: str, attempt: int, payload: bytes) -> str:
        """Write the bytes of a draw and return their SHA-256. File and folder are then on the disk.

        Raises:
            LedgerFault: where that draw was written before: nothing is drawn twice.
            DiskFull: it does not fit.
        """
        path = self.path(key, attempt)
        try:
            private_folder(self.folder)
            refuse_shared(self.folder)
            if path.exists():
                raise LedgerFault(
                    f"{path} exists: attempt {attempt} of this charge was drawn before"
                )
            write_private(path, payload)
        except OSError as error:
            raise unwritten(
                error,
                f"{self.folder}: a measurement could not be stored",
                "Its noise is lost and stays charged: it is drawn and charged once more.",
            ) from error
        return hashlib.sha256(payload).hexdigest()

    def make_room(self, size: int) -> None:
        """Raise DiskFull where what is about to be drawn would not fit: lost noise stays charged.

        Args:
            size: Bytes of the measurements to come.
        """
        place = self.folder if self.folder.is_dir() else self.folder.parent
        need, free = size + _MARGIN, shutil.disk_usage(place).free
        if free < need:
            raise DiskFull(
                f"{place}: the disk has {free / 1e6:.1f} MB left and the measurements need "
                f"{need / 1e6:.1f} MB. Free some space there and run the same command again; "
                "nothing was charged"
            )

    def read(self, key: str) -> bytes:
        """Return the bytes of the draw that is booked for a charge.

        Raises:
            LedgerFault: when no draw is booked, or its file is missing or was changed.
        """
        attempt, sha256 = self._booked(key)
        return self.checked(key, attempt, sha256)

    def checked(self, key: str, attempt: int, sha256: str) -> bytes:
        """Return the bytes of one draw; LedgerFault where they do not have that SHA-256."""
        path = self.path(key, attempt)
        try:
            payload = path.read_bytes()
        except OSError as error:
            raise LedgerFault(
                f"the stored measurement {path} cannot be read: {error.strerror}. Put the "
                "ledger's store back: a measurement is never drawn again"
            ) from error
        if hashlib.sha256(payload).hexdigest() != sha256:
            raise LedgerFault(f"the stored measurement {path} was changed since it was drawn")
        return payload

    def strangers(self, attempts: Mapping[str, int]) -> list[Path]:
        """Return the files that no booked attempt can have made, in order.

        Args:
            attempts: How often each charge was attempted, by its key.
        """
        if not self.folder.is_dir():
            return []
        own = (self.path(key, i + 1) for key, times in attempts.items() for i in range(times))
        known = {name for path in own for name in (path.name, part_of(path).name)}
        return sorted(file for file in self.folder.iterdir() if file.name not in known)

    def path(self, key: str, attempt: int) -> Path:
        """Return where the draw of one attempt is kept."""
        check_hash(key, name="charge key")
        return self.folder / f"{key}-{attempt}.bin"
