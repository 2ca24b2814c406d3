"""What contract tests share: the project's modules and what each imports."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("dp", "pipelines")


def modules(*packages: str) -> list[Path]:
    """Return the source files of the packages, sorted."""
    return sorted(p for name in packages or PACKAGES for p in (ROOT / name).rglob("*.py"))


def dotted(path: Path) -> str:
    """Return a file's module name."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path, *, lazy: bool = True, typing_only: bool = True) -> set[str]:
    """Return the names that a file imports, "package.module" or "package.module.name".

    Args:
        path: A source file.
        lazy: Whether imports inside functions count.
        typing_only: Whether imports under ``if TYPE_CHECKING`` count.
    """
    found: set[str] = set()
    stack: list[ast.AST] = [tree(path)]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not lazy:
            continue
        if isinstance(node, ast.If) and _is_typing(node.test) and not typing_only:
            stack.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        stack.extend(ast.iter_child_nodes(node))
    return found


def reachable(start: str, *, lazy: bool) -> set[str]:
    """Return the project modules that importing ``start`` can reach at run time."""
    by_name = {dotted(p): p for p in modules()}
    seen: set[str] = set()
    stack = [start]
    while stack:
        name = stack.pop()
        if name in seen or name not in by_name:
            continue
        seen.add(name)
        for target in imports(by_name[name], lazy=lazy, typing_only=False):
            stack.extend({target, target.rpartition(".")[0]})
    return seen


def _is_typing(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"
