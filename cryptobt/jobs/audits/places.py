"""Places in a user's code that have a shape which looks ahead, keeps or reads something."""

import ast
from collections.abc import Iterable, Iterator

from cryptobt.jobs.audits.advice import BROAD, GENERIC, KEPT, READ, SURE, Shape
from cryptobt.jobs.audits.checks import Place
from cryptobt.jobs.audits.shapes import shape_of, shapes_in
from cryptobt.jobs.audits.source import Source, assigned


def by_shape(source: Source, nodes: Iterable[ast.AST]) -> Place | None:
    """Find the shape that looks ahead, in these pieces of code or in what feeds them."""
    given = list(nodes)
    if not given:
        return None
    names = source.feeding([node for node in given if isinstance(node, ast.expr)])
    feeding = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return, ast.Expr))
        and names & {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    ]
    for nearest in (given, feeding):
        found = best_shape(nearest)
        if found is not None:
            return place_of(source, *found)
    first = given[0]
    return place_of(source, first, GENERIC)


def place_in(file: str, name: str, method: str = "", broad: Shape = GENERIC) -> Place | None:
    """Find the shape that looks ahead in a class, first in one of its methods.

    Parameters
    ----------
    broad : Shape
        Stands in for what is known of a shape that does not look ahead by itself.
    """
    source = Source.of(file)
    if source is None:
        return None
    node = source.classes.get(name) or source.functions.get(name)
    if node is None:
        return Place(file, None, "", broad.mend)
    own = [
        one
        for given in source.reached(node)
        for one in ast.walk(given)
        if isinstance(one, ast.FunctionDef) and one.name == method
    ]
    within = [inner for one in own for inner in source.reached(one)]
    for nodes in (within, source.reached(node)):
        found = best_shape(nodes)
        if found is not None:
            shape = broad if found[1].sure == BROAD and broad is not GENERIC else found[1]
            return place_of(source, found[0], shape)
    return place_of(source, own[0] if own else node, broad)


def place_keeping(file: str, name: str) -> Place | None:
    """Where code keeps something between calls: a cache, a global, a file that it writes."""
    source = Source.of(file)
    if source is None:
        return None
    shared = {one for node in source.tree.body for one in assigned(node)}
    shared |= {*source.functions, *source.classes, *_lasting(source)}
    for nodes in _near(source, name):
        kept = [node for node in nodes if _keeps(node, shared)]
        found = kept or [one for one in nodes if shape_of(one) is KEPT]
        if found:
            return place_of(source, min(found, key=line_of), KEPT)
        read = [one for one in nodes if shape_of(one) is READ]
        if read:
            return place_of(source, min(read, key=line_of), KEPT)
    return None


def place_reading(file: str, name: str, read: str) -> Place | None:
    """Where code reads a file, at best the statement that names it."""
    source = Source.of(file)
    if source is None:
        return None
    for nodes in _near(source, name):
        found = [node for node in nodes if shape_of(node) is READ]
        if found:
            told = [node for node in found if read in ast.dump(node)]
            return place_of(source, min(told or found, key=line_of), READ)
    return None


def _near(source: Source, name: str) -> Iterator[list[ast.AST]]:
    """Pieces of code that a function or class reaches; then the whole file."""
    entry = source.functions.get(name) or source.classes.get(name)
    if entry is not None:
        yield [node for one in source.reached(entry) for node in ast.walk(one)]
    yield list(ast.walk(source.tree))


def _lasting(source: Source) -> set[str]:
    """Arguments whose default outlives the call: ``def f(bars, seen={})``."""
    return {
        argument.arg
        for one in source.functions.values()
        for argument, default in zip(one.args.args[::-1], one.args.defaults[::-1], strict=False)
        if isinstance(default, (ast.Dict, ast.List, ast.Set, ast.Call))
    }


def _keeps(node: ast.AST, shared: set[str]) -> bool:
    """Whether a statement writes into something that outlives the call."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    into = {
        one.value.id
        for one in targets
        if isinstance(one, (ast.Subscript, ast.Attribute)) and isinstance(one.value, ast.Name)
    }
    return bool(into & shared) or isinstance(node, ast.Global)


def best_shape(nodes: Iterable[ast.AST]) -> tuple[ast.AST, Shape] | None:
    """The surest shape, and of those the first."""
    found = [pair for node in nodes for pair in shapes_in(node)]
    return min(found, key=lambda pair: (pair[1].sure, line_of(pair[0])), default=None)


def place_of(source: Source, node: ast.AST, shape: Shape) -> Place:
    """The place of a piece of code."""
    line = line_of(node)
    return Place(source.file, line, source.line(line), shape.mend, shape.sure == SURE)


def place_of_line(source: Source, line: int) -> Place:
    """The place of a line, with what is known of its shape."""
    statement = source.statement(line)
    found = best_shape(said_alone(statement)) if statement is not None else None
    shape = found[1] if found else GENERIC
    return Place(source.file, line, source.line(line), shape.mend, shape.sure == SURE)


def said_alone(statement: ast.stmt) -> list[ast.AST]:
    """What a statement says itself: of a compound one its head, of a loop all."""
    if isinstance(statement, (ast.If, ast.With)):
        head = statement.test if isinstance(statement, ast.If) else statement.items[0].context_expr
        return [head]
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return list(statement.decorator_list)
    return [statement]


def line_of(node: ast.AST) -> int:
    """Line of a piece of code: of a chain of calls, that of its last name."""
    if isinstance(node, ast.Call):
        return line_of(node.func)
    if isinstance(node, ast.Attribute):
        return int(node.end_lineno or node.lineno)
    if isinstance(node, ast.Subscript):
        return int(node.value.end_lineno or node.lineno)
    return int(getattr(node, "lineno", 1))
