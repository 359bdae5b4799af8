"""Mutants of a module: its functions, each with one small change."""

import ast
import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType
from typing import Any, Final, NamedTuple

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

# Of mutmut only its operators. It cannot run here: it leaves out decorated functions, hence every
# property, and collects all tests anew for each mutant.
from mutmut.mutation.mutators import mutation_operators

# What nothing can notice, or only a type checker.
_NOT_MUTATED: Final = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)
_CALLS_NOT_MUTATED: Final = {"assert_never", "cast"}
_COMPOUND: Final = (cst.BaseCompoundStatement, cst.Match)


class Function(NamedTuple):
    path: str
    name: str
    """With its class."""
    line: int


class Mutant(NamedTuple):
    function: Function | None
    """None: what it changes runs once, at the import, so it cannot be put into a running test."""
    code: CodeType | None
    """Of the function."""
    path: str
    lines: range
    """A test that runs none of them does not see it."""
    is_words: bool
    """Only a text for people is another one, which is for people to judge."""
    diff: str


def _forced(node: cst.If | cst.CompIf) -> Iterator[cst.If | cst.CompIf]:
    """`if` as if its condition always held, and as if it never did."""
    test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    for operator, value in ((cst.And(), "False"), (cst.Or(), "True")):
        yield node.with_changes(
            test=cst.BooleanOperation(left=test, operator=operator, right=cst.Name(value))
        )


def _left_out(node: cst.SimpleStatementLine) -> Iterator[cst.SimpleStatementLine]:
    """What is only done for what it does: not done."""
    match node.body:
        case [cst.Expr(value=cst.Call() | cst.Await()) | cst.Del()]:
            yield node.with_changes(body=[cst.Pass()])


_OPERATORS: Final[Sequence[tuple[type[Any], Callable[[Any], Iterable[cst.CSTNode]]]]] = [
    *mutation_operators,
    (cst.If, _forced),
    (cst.CompIf, _forced),
    (cst.SimpleStatementLine, _left_out),
]


def _changes(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """Each node with what may stand in its place."""
    if isinstance(node, _NOT_MUTATED) or _is_not_mutated(node):
        return
    for kind, operator in _OPERATORS:
        if isinstance(node, kind):
            yield from ((node, new) for new in operator(node) if not _is_nothing(node, new))
    for child in node.children:
        yield from _changes(child)


def _is_not_mutated(node: cst.CSTNode) -> bool:
    match node:
        case cst.Call(func=cst.Name(value=name)):
            return name in _CALLS_NOT_MUTATED
        case cst.SimpleStatementLine(body=[cst.Expr(value=value)]):
            return _is_not_mutated(value)
    return False


def _is_nothing(node: cst.CSTNode, new: cst.CSTNode) -> bool:
    """Whether nothing runs otherwise, unless types lie.

    None stands for False, a dict that is a set has other values, or a `case` is gone to which
    nothing comes.
    """
    match node, new:
        case cst.Match(), cst.Match():
            [gone] = [case for case in node.cases if case not in new.cases]
            return any(_is_not_mutated(statement) for statement in gone.body.body)
        case cst.Assign(
            targets=[cst.AssignTarget(target=cst.Subscript())], value=old
        ), cst.Assign():
            return isinstance(old, cst.Name) and old.value == "None"
        case (
            cst.Assign(value=cst.Name(value="True" | "False"))
            | cst.AnnAssign(value=cst.Name(value="True" | "False")),
            cst.Assign(value=cst.Name(value="None")) | cst.AnnAssign(value=cst.Name(value="None")),
        ):
            return True
    return False


def mutants_of(path: Path) -> Iterator[Mutant]:
    source = path.read_text("utf-8")
    wrapper = MetadataWrapper(cst.parse_module(source))
    module = wrapper.module
    positions = wrapper.resolve(PositionProvider)
    parents = wrapper.resolve(ParentNodeProvider)
    functions = list(_functions(compile(source, str(path), "exec")))
    essences = [_essence(function) for function in functions]
    words = _without_words(source)

    for node, new in _changes(module):
        changed = module.deep_replace(node, new)
        assert isinstance(changed, cst.Module)
        text = changed.code
        try:
            whole = compile(text, str(path), "exec")
        except SyntaxError:
            continue
        function = code = None
        # None is left out or put in but a generator or lambda that the import itself runs.
        now = list(_functions(whole))
        pairs = zip(functions, essences, now, strict=True) if len(now) == len(functions) else ()
        for old, old_essence, mutated in pairs:
            if _essence(mutated) != old_essence:
                function = Function(str(path), old.co_qualname, old.co_firstlineno)
                code = mutated
        if function is None and ast.dump(ast.parse(text)) == ast.dump(ast.parse(source)):
            continue
        diff = difflib.unified_diff(source.splitlines(), text.splitlines(), n=0, lineterm="")
        yield Mutant(
            function=function,
            code=code,
            path=str(path),
            lines=_lines(node, positions, parents),
            is_words=_without_words(text) == words,
            diff="\n".join(line for line in diff if not line.startswith(("---", "+++"))),
        )


def _functions(code: CodeType) -> Iterator[CodeType]:
    """Those that stand in the module or its classes; what is within one is a part of it."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_flags & inspect.CO_OPTIMIZED:
                yield constant
            else:
                yield from _functions(constant)


def _essence(code: CodeType) -> tuple[object, ...]:
    """What it does, wherever it stands."""
    constants = [
        _essence(constant) if isinstance(constant, CodeType) else repr(constant)
        for constant in code.co_consts
    ]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return code.co_code, code.co_exceptiontable, constants, *names


def _lines(
    node: cst.CSTNode, positions: Mapping[cst.CSTNode, Any], parents: Mapping[cst.CSTNode, Any]
) -> range:
    """Those of the statement, and of a compound one only up to the change."""
    statement = node
    while statement in parents and not isinstance(statement, (cst.SimpleStatementLine, *_COMPOUND)):
        statement = parents[statement]
    last = node if isinstance(statement, _COMPOUND) else statement
    return range(positions[statement].start.line, positions[last].end.line + 1)


class _Words(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant(None) if _has_space(node) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        is_text = any(_has_space(value) for value in node.values)
        return ast.Constant(None) if is_text else self.generic_visit(node)


def _has_space(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value


def _without_words(source: str) -> str:
    return ast.dump(_Words().visit(ast.parse(source)))
