"""Whatever is changed, added or missing in a folder is named; so is a ledger that disagrees."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from release_town import Town, bytes_of

from pipelines import read_release, verify_release
from pipelines.errors import VerifyError


@pytest.fixture
def folder(released: Town, tmp_path: Path) -> Path:
    """A copy of a released folder, to be damaged."""
    (original,) = released.releases.iterdir()
    return Path(shutil.copytree(original, tmp_path / original.name))


def test_a_sound_folder_has_no_findings(folder: Path, released: Town) -> None:
    assert verify_release(folder) == []
    assert verify_release(folder, ledger=released.ledger) == []
    assert verify_release(str(folder), ledger=str(released.ledger)) == []


def test_one_changed_byte_of_any_file_is_found(folder: Path, released: Town) -> None:
    names = list(bytes_of(folder))
    assert len(names) >= 16
    for name in names:
        path = folder / name
        before = path.read_bytes()
        middle = len(before) // 2
        path.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
        findings = verify_release(folder, ledger=released.ledger)
        assert any(name in finding for finding in findings), name
        path.write_bytes(before)
    assert verify_release(folder, ledger=released.ledger) == []


def test_a_missing_and_an_added_file_are_named(folder: Path) -> None:
    (folder / "tables" / "visits.csv").unlink()
    (folder / "tables" / "extra.csv").write_text("x", encoding="utf-8")
    (folder / ".hidden").write_text("x", encoding="utf-8")
    assert verify_release(folder) == [
        "tables/visits.csv: missing from the folder",
        ".hidden: not in manifest.json; it was added",
        "tables/extra.csv: not in manifest.json; it was added",
    ]


def test_a_link_in_place_of_a_file_is_named(folder: Path, tmp_path: Path) -> None:
    path = folder / "README.md"
    path.rename(tmp_path / "README.md")
    path.symlink_to(tmp_path / "README.md")
    assert verify_release(folder) == ["README.md: not a plain file"]


def test_a_manifest_with_hashes_made_again_is_found_by_the_ledger(
    folder: Path, released: Town
) -> None:
    from pipelines.release.manifest import write_manifest

    (folder / "tables" / "visits.csv").write_text("value\n1\n", encoding="utf-8")
    said = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    facts = {k: v for k, v in said.items() if k not in {"format", "format_version", "files"}}
    write_manifest(folder, facts)
    assert verify_release(folder) == []
    assert verify_release(folder, ledger=released.ledger) == [
        "manifest.json: changed since the ledger settled it"
    ]


def test_a_head_that_the_ledger_never_had_is_found(folder: Path, released: Town) -> None:
    path = folder / "manifest.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    said["ledger"]["head"] = "0" * 64
    path.write_text(json.dumps(said), encoding="utf-8")
    findings = verify_release(folder, ledger=released.ledger)
    assert any("never had the head" in finding for finding in findings)


def test_another_ledger_is_named(
    folder: Path, model_town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(model_town, tmp_path / "town")
    monkeypatch.setenv("MURMURATION_ANCHORS", str(tmp_path / "anchors"))
    other = Town(tmp_path / "town")
    other.create_ledger()
    (finding,) = verify_release(folder, ledger=other.ledger)
    assert "paid for by the ledger" in finding


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no manifest.json here"),
        ("{", "not readable as JSON"),
        ("[]", "not the manifest of a release folder"),
        ('{"format": "murmuration-release", "format_version": 99}', "format version 99"),
    ],
)
def test_what_is_no_release_folder_is_told_so(
    tmp_path: Path, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    (finding,) = verify_release(tmp_path)
    assert words in finding
    with pytest.raises(VerifyError, match=words):
        read_release(tmp_path)


def test_reading_checks_hashes_on_demand_only(folder: Path) -> None:
    path = folder / "tables" / "visits.parquet"
    path.write_bytes((folder / "tables" / "panel.parquet").read_bytes())
    assert len(read_release(folder)["visits"]) > 0
    with pytest.raises(VerifyError, match="not the bytes that were released"):
        _ = read_release(folder, check=True)["visits"]


def test_a_missing_file_or_table_is_a_clear_error(folder: Path) -> None:
    (folder / "tables" / "visits.parquet").unlink()
    found = read_release(folder)
    with pytest.raises(VerifyError, match="the folder is not complete"):
        _ = found["visits"]
    with pytest.raises(KeyError, match="its tables are panel, presence, visits, od_flows"):
        _ = found["presense"]
