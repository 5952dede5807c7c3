"""Every worked example in the source still comes out as written, and every rule has one.

Read next: ``STYLE.md``, rule 3.
"""

import ast
import doctest
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
FILES = [path for path in sorted((SOURCE / "tenure").rglob("*.py")) if ">>> " in path.read_text("utf-8")]
RULES = sorted((SOURCE / "tenure").glob("*/rules.py"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_the_examples_of_a_module_come_out(path):
    found = doctest.testmod(import_module(module_of(path)))
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize("path", RULES, ids=module_of)
def test_the_rules_of_a_capability_show_an_example(path):
    """One that only looks a value up may do without; a file of rules may not."""
    tree = ast.parse(path.read_text("utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    shown = [node.name for node in functions if ">>> " in (ast.get_docstring(node) or "")]
    assert shown or not functions
