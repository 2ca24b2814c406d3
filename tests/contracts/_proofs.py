"""Proofs beside code: what one must say, and which text of the code it was read against.

A proof is a Markdown file with the sections Claim, Needs, Algorithm, Proof and Read against. The
last one lists the code that the proof is about, a line each, with a hash of its text. A proof about
a whole folder has no module of its name: the folder's ``__init__.py`` names it.

    - `weighting.py` `Weighting` 0123456789abcdef

Comments, docstrings and blank lines do not count. When the hash no longer fits, the code has
changed: read the proof again, mend it where needed, and then write the new hash. Run this file to
see them all.
"""

from __future__ import annotations

import ast
import hashlib
import io
import re
import textwrap
import tokenize
from pathlib import Path

SECTIONS = ["Claim", "Needs", "Algorithm", "Proof", "Read against"]
_LINE = re.compile(r"^- `([\w./]+\.py)` `([\w.]+)` (\S+)$", re.MULTILINE)
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def proofs(*folders: Path) -> list[Path]:
    """Return every Markdown file that has a section called Proof."""
    files = sorted(path for folder in folders for path in folder.rglob("*.md"))
    return [path for path in files if "Proof" in _HEADING.findall(path.read_text(encoding="utf-8"))]


def faults(proof: Path) -> list[str]:
    """Return what is wrong with one proof, a sentence each; empty when it is sound and current."""
    text = proof.read_text(encoding="utf-8")
    headings = _HEADING.findall(text)
    if headings != SECTIONS:
        return [f"{proof.name}: its sections must be {', '.join(SECTIONS)}, got {headings}"]
    bodies = [body.strip() for body in _HEADING.split(text)[2::2]]
    empty = [name for name, body in zip(headings, bodies, strict=True) if not body]
    found = [f"{proof.name}: the section {name} is empty" for name in empty]
    listed = _LINE.findall(bodies[-1])
    beside = proof.with_suffix(".py")
    if not beside.is_file():  # a proof about its whole folder
        beside = proof.parent / "__init__.py"
    elif beside.name not in [file for file, _, _ in listed]:
        return [*found, f"{proof.name}: it must be read against {beside.name}"]
    if not beside.is_file() or proof.name not in beside.read_text(encoding="utf-8"):
        found.append(f"{beside.name}: it must name its proof, {proof.name}")
    if not listed:
        found.append(f"{proof.name}: it must be read against code")
    return found + [fault for line in listed for fault in _stale(proof, *line)]


def _stale(proof: Path, file: str, name: str, written: str) -> list[str]:
    source = proof.parent / file
    now = fingerprint(source, name) if source.is_file() else None
    if now is None:
        return [f"{proof.name}: there is no {name} in {file}"]
    if now != written:
        return [
            f"{proof.name}: {name} in {file} has changed; read the proof again, then write {now}"
        ]
    return []


def fingerprint(source: Path, name: str) -> str | None:
    """Return a hash of the text of a class, function, method or constant; None when not found."""
    text = source.read_text(encoding="utf-8")
    node: ast.AST | None = ast.parse(text)
    for part in name.split("."):
        node = _child(node, part)
    if node is None:
        return None
    code = _code(text, node)
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def _child(node: ast.AST | None, name: str) -> ast.AST | None:
    for child in getattr(node, "body", []):
        names = [getattr(child, "name", None)]
        targets = [*getattr(child, "targets", []), getattr(child, "target", None)]
        names += [target.id for target in targets if isinstance(target, ast.Name)]
        if name in names:
            return child
    return None


def _code(text: str, node: ast.AST) -> str:
    """Return the lines of a node without comments, docstrings and blank lines."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(inner):
            string = inner.body[0]
            for row in range(string.lineno - 1, string.end_lineno or 0):
                lines[row] = ""
    decorators = [d.lineno for d in getattr(node, "decorator_list", [])]
    first, last = min([node.lineno, *decorators]), node.end_lineno  # type: ignore[attr-defined]
    kept = [line.rstrip() for line in lines[first - 1 : last] if line.strip()]
    return textwrap.dedent("\n".join(kept))


if __name__ == "__main__":
    root = Path(__file__).parents[2]
    for path in proofs(root / "dp", root / "pipelines"):
        print(path.relative_to(root))
        for file, name, written in _LINE.findall(path.read_text(encoding="utf-8")):
            now = fingerprint(path.parent / file, name)
            print(f"  {now}  {file} {name}{'' if now == written else '  <- changed'}")
