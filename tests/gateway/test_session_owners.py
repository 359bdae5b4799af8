"""A session is changed by its own methods, and what flow control sets by flow control alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import zchat.gateway
from zchat.gateway.core.session import Session

GATEWAY = Path(zchat.gateway.__file__).parent
OWNERS = {"session.py", "flow_control.py"}
OF_FAN_OUT = {"fetching"}


def assigned(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each slot of a session that something other than `self` is given."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Store):
            continue
        owned = isinstance(node.value, ast.Name) and node.value.id == "self"
        if node.attr in Session.__slots__ and not owned:
            yield node.lineno, node.attr


def test_nobody_else_assigns_what_a_session_has() -> None:
    offences = [
        f"{path.name}:{line} assigns {slot}"
        for path in sorted(GATEWAY.rglob("*.py"))
        if path.name not in OWNERS
        for line, slot in assigned(ast.parse(path.read_text("utf-8")))
        if not (path.name == "fanout.py" and slot in OF_FAN_OUT)
    ]
    assert offences == []


def test_an_assignment_from_elsewhere_would_be_seen() -> None:
    text = "session.blocked = True\nsession.name, other = a, 1\nsession.paid += 1\nself.out = 1"
    found = sorted(assigned(ast.parse(text)))
    assert found == [(1, "blocked"), (2, "name"), (3, "paid")]
