"""Strange people and places, and every form in which they could be found again."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PERSON, DEVICE, EXCLUDED, WORDS = (
    "CANARY-PERSON-7f3a91c2",
    "CANARY-DEVICE-1b88d04e",
    "CANARY-OPTOUT-5c07aa31",
    "CANARY-WORDS-90ee42d7",
)
LAT, LON = 36.7051237, 127.1712349
LAT_E7, LON_E7 = 367_051_237, 1_271_712_349


@dataclass(frozen=True)
class Secret:
    """Something that must stay inside, under a public name."""

    name: str
    forms: Mapping[str, bytes]


def text_secret(name: str, text: str) -> Secret:
    """Return a text in the codes, packings and digests in which it could leave."""
    raw = text.encode()
    found = {f"as {code}": text.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be")}
    found |= {"as utf-32": text.encode("utf-32-le"), "reversed": raw[::-1]}
    found |= {"in small letters": raw.lower(), "as hex": raw.hex().encode()}
    found |= {"as HEX": raw.hex().upper().encode(), "as base32": base64.b32encode(raw)[:24]}
    for skip in range(3):
        packed = base64.b64encode(b"\0" * skip + raw)
        found[f"as base64, {skip}"] = packed[4 : len(packed) - 4]
    for kind in ("md5", "sha1", "sha256", "blake2b"):
        digest = hashlib.new(kind, raw)
        found |= {f"its {kind}": digest.digest(), f"its {kind} as hex": digest.hexdigest().encode()}
    return Secret(name, found)


def place_secret(name: str, lat: float, lon: float) -> Secret:
    """Return a place as text of enough digits, and as the numbers of files and geometries."""
    lat_e7, lon_e7 = round(lat * 1e7), round(lon * 1e7)
    found = {}
    for axis, degrees, whole in (("lat", lat, lat_e7), ("lon", lon, lon_e7)):
        for digits in (7, 6):
            found[f"{axis}, {digits} digits"] = f"{degrees:.{digits}f}".encode()
        found |= {
            f"{axis} e7": str(whole).encode(),
            f"{axis} utf-16": str(degrees).encode("utf-16-le"),
        }
        found |= {f"{axis} {c}8": struct.pack(f"{c}d", degrees) for c in "<>"}
        found |= {f"{axis} {c}i8": struct.pack(f"{c}q", whole) for c in "<>"}
        found[f"{axis} hex"] = struct.pack("<d", degrees).hex().encode()
    for order, first, second in (("lat lon", lat_e7, lon_e7), ("lon lat", lon_e7, lat_e7)):
        found |= {f"{order} {c}i4": struct.pack(f"{c}ii", first, second) for c in "<>"}
    for c, mark in (("<", 1), (">", 0)):
        point = struct.pack(f"{c}BIdd", mark, 1, lon, lat)
        found |= {f"WKB {c}": point, f"WKB {c} hex": point.hex().upper().encode()}
    return Secret(name, found)


SECRETS = (
    *(text_secret(text[:13], text) for text in (PERSON, DEVICE, EXCLUDED, WORDS)),
    place_secret("the place", LAT, LON),
)


def found_in(raw: bytes, secrets: tuple[Secret, ...] = SECRETS) -> list[str]:
    """Return which secrets bytes hold, and how, after taking off whatever packs them."""
    found = set()
    for part in unpacked(raw):
        small = part.lower()
        for secret in secrets:
            for form, wanted in secret.forms.items():
                if wanted in (small if form == "in small letters" else part):
                    found.add(f"{secret.name} {form}")
    return sorted(found)


def unpacked(raw: bytes) -> Iterator[bytes]:
    """Yield bytes as they are, and what Parquet, zip, gzip and zlib hold inside."""
    yield raw
    if raw[:4] == b"PAR1":
        yield from _parquet(raw)
    elif raw[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(raw)) as inside:
            for name in inside.namelist():
                yield from unpacked(inside.read(name))
    elif raw[:2] == b"\x1f\x8b":
        yield from unpacked(gzip.decompress(raw))
    elif raw[:2] in {b"\x78\x9c", b"\x78\xda"}:
        yield from unpacked(zlib.decompress(raw))


def _parquet(raw: bytes) -> Iterator[bytes]:
    table = pq.read_table(io.BytesIO(raw))
    plain = [
        pc.cast(column, column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    sink = io.BytesIO()
    pq.write_table(
        pa.table(plain, names=table.column_names), sink, compression="none", use_dictionary=False
    )
    yield sink.getvalue()
    yield str(table.schema.metadata).encode()
    for column in plain:
        yield "\n".join(map(str, column.to_pylist())).encode()


def leaks(folder: Path, secrets: tuple[Secret, ...] = SECRETS) -> dict[str, list[str]]:
    """Return, by path below a folder, the secrets in its bytes and in its name."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        raw = path.read_bytes() if path.is_file() else b""
        told = found_in(raw, secrets) + found_in(name.encode(), secrets)
        if told:
            found[name] = told
    return found
