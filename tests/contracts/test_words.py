"""The project's text speaks of the product alone."""

from __future__ import annotations

import re
import subprocess

from _tree import ROOT

MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|home|opt)/\w")
HOSTS = re.compile(r"pypi\.org|pythonhosted|registry\.npmjs|deb\.debian", re.IGNORECASE)
TEXT = {".py", ".md", ".toml", ".css", ".js", ".html", ".json", ".sql", ""}


def _texts() -> list[tuple[str, str]]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    files = [ROOT / name for name in listed if name]
    return [
        (str(f.relative_to(ROOT)), f.read_text(encoding="utf-8", errors="replace"))
        for f in files
        if f.suffix in TEXT and f.is_file() and f.name != "test_words.py"
    ]


def test_no_machine_path_and_no_registry_host_is_committed() -> None:
    texts = _texts()
    assert texts
    found = [name for name, text in texts if MACHINE_PATHS.search(text) or HOSTS.search(text)]
    assert not found


def test_no_real_data_is_committed() -> None:
    large = [name for name, text in _texts() if len(text) > 500_000]
    assert not large
