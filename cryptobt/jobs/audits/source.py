"""A user's file as a tree: where a column is made, and what feeds it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

_LOOPS = (ast.For, ast.While, ast.AsyncFor)


@dataclass(frozen=True)
class Source:
    """The text of one file."""

    file: str
    text: str

    @classmethod
    def of(cls, file: str) -> "Source | None":
        """Read and parse it; None where it cannot be."""
        try:
            made = cls(file, Path(file).read_text(encoding="utf-8"))
            assert made.tree is not None, "it is parsed here, once"
        except (OSError, UnicodeDecodeError, SyntaxError, ValueError):
            return None
        return made

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text)

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """Functions and methods by name; the last of a name wins."""
        return {
            node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)
        }

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Classes by name."""
        return {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)}

    @cached_property
    def loops(self) -> dict[int, ast.stmt]:
        """Lines inside a loop to the outermost loop that they stand in."""
        found: dict[int, ast.stmt] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, _LOOPS):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    if line not in found or found[line].lineno > node.lineno:
                        found[line] = node
        return found

    def line(self, number: int) -> str:
        """One line of it, without the blanks around it."""
        lines = self.text.splitlines()
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def statement(self, line: int) -> ast.stmt | None:
        """The smallest statement that covers a line."""
        covering = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.stmt)
            and node.lineno <= line <= (node.end_lineno or node.lineno)
        ]
        return min(covering, key=lambda node: (node.end_lineno or 0) - node.lineno, default=None)

    def reached(self, entry: ast.AST) -> list[ast.AST]:
        """A function or class, and every function and class of the file that it calls."""
        found: list[ast.AST] = [entry]
        waiting: list[ast.AST] = [entry]
        while waiting:
            for name in names_in(waiting.pop()):
                node = self.functions.get(name) or self.classes.get(name)
                if node is not None and node not in found:
                    found.append(node)
                    waiting.append(node)
        return found

    def makers(self, column: str, within: ast.AST) -> list[ast.expr]:
        """Expressions that a column's values are given by, in the order of the file."""
        found = [
            value
            for body in self.reached(within)
            for node in ast.walk(body)
            for value in _makers(node, column)
        ]
        return sorted(found, key=lambda node: (node.lineno, node.col_offset))

    def feeding(self, expressions: list[ast.expr]) -> set[str]:
        """Names and columns that these expressions are computed from, anywhere in the file."""
        known: set[str] = set()
        waiting = {name for one in expressions for name in tokens_in(one)}
        while waiting:
            known |= waiting
            waiting = {
                name
                for node in ast.walk(self.tree)
                if assigned(node) & waiting
                for name in tokens_in(node)
            } - known
        return known


def names_in(node: ast.AST) -> set[str]:
    """Names, and names of methods of ``self``, that a piece of code reads or calls."""
    found = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    own = {
        one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute)
        and isinstance(one.value, ast.Name)
        and one.value.id in ("self", "cls")
    }
    return found | own


def tokens_in(node: ast.AST) -> set[str]:
    """:func:`names_in`, and the names of columns that are read: ``df["ma"]``, ``df.ma``."""
    read = {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
    keys = {
        str(part.value)
        for one in ast.walk(node)
        if isinstance(one, ast.Subscript)
        for part in ast.walk(one.slice)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }
    return names_in(node) | read | keys


def assigned(node: ast.AST) -> set[str]:
    """Names and columns that a statement gives values to, in whole or in part."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For)):
        targets = [node.target]
    elif isinstance(node, ast.FunctionDef):
        return {node.name}
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        # A method that changes what it belongs to: values.append(…), model.fit(…).
        targets = [node.value.func]
    return {name for target in targets for name in _target(target)}


def _target(node: ast.expr) -> set[str]:
    """What a target names: of ``df["ma"]`` the column alone, where it is told."""
    if isinstance(node, ast.Subscript):
        keys = {str(one.value) for one in ast.walk(node.slice) if isinstance(one, ast.Constant)
                and isinstance(one.value, str)}  # fmt: skip
        return keys or _target(node.value)
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _makers(node: ast.AST, column: str) -> Iterator[ast.expr]:
    if isinstance(node, ast.Assign):
        if any(_names(target, column) for target in node.targets):
            yield node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None and _is_text(key, column):
                yield value
    elif isinstance(node, ast.Call):
        yield from (word.value for word in node.keywords if word.arg == column)
        yield from _renamed(node, column)


def _names(target: ast.expr, column: str) -> bool:
    if isinstance(target, ast.Attribute):
        return target.attr == column
    if not isinstance(target, ast.Subscript):
        return False
    inside = target.slice
    parts = inside.elts if isinstance(inside, (ast.Tuple, ast.List)) else [inside]
    return any(_is_text(part, column) for part in parts)


def _renamed(node: ast.Call, column: str) -> Iterator[ast.expr]:
    """Calls that name a series: ``x.rename("c")``, ``x.to_frame("c")``, ``insert(0, "c", x)``."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name == "insert" and len(node.args) > 2 and _is_text(node.args[1], column):
        yield node.args[2]
    elif (name in ("rename", "to_frame") and node.args and _is_text(node.args[0], column)) or any(
        word.arg in ("name", "columns") and _holds_text(word.value, column)
        for word in node.keywords
    ):
        yield node


def _holds_text(node: ast.AST, column: str) -> bool:
    return any(_is_text(one, column) for one in ast.walk(node))


def _is_text(node: Any, column: str) -> bool:
    """Whether a key is this text, or an f-string that could be."""
    if isinstance(node, ast.Constant):
        return bool(node.value == column)
    if not isinstance(node, ast.JoinedStr):
        return False
    parts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".+" for p in node.values]
    return re.fullmatch("".join(parts), column) is not None
