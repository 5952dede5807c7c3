"""The house stands as its plan says: what the linters cannot say, and that the linters do bite.

Who may import whom is written once, in ``pyproject.toml``. Here: rows belong to one capability, keys point down,
and three small wrongs, planted in a copy, are each found by name. Read next: ``STYLE.md``.
"""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tenure"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LINE_LIMIT = 400
MAGNETS = {"helper", "helpers", "util", "utils", "manager", "managers", "service", "services", "handler", "handlers"}

FLOORS = [[name.strip(" ()") for name in floor.split("|")] for floor in CONTRACTS[0]["layers"]]
LEVEL = {name: -n for n, floor in enumerate(FLOORS) for name in floor}
"""The higher the number, the higher in the house."""

SHARED_ROWS = {"plumbing"}
"""Events, letters, files and tasks are everybody's furniture: any capability may write one, as part of its verb."""
READS_ALL_ROWS = {"proof"}
"""What recomputes the promises from outside must not trust the queries it checks."""


def files() -> Iterator[Path]:
    return (path for path in sorted(SOURCE.rglob("*.py")) if "migrations" not in path.parts)


def where(path: Path) -> str:
    return str(path.relative_to(SOURCE))


# Rows


def named_as_types(tree: ast.AST) -> set[int]:
    """The places of a file where a name only says what kind of thing is meant."""
    annotations: list[ast.expr | None] = []
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                given = node.args
                every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
                annotations += [node.returns, *(each.annotation for each in every if each)]
            case ast.AnnAssign():
                annotations.append(node.annotation)
    return {id(part) for each in annotations if each for part in ast.walk(each)}


def rows_asked_for(source: str, capability: str) -> list[str]:
    """Rows of other capabilities that a file reads, writes or makes, as ``line: name``."""
    tree = ast.parse(source)
    foreign, found = set(), []
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module)) if module.startswith("tenure.") and module.endswith(".models"):
                if module.split(".")[1] not in {capability, *SHARED_ROWS}:
                    foreign |= {name.asname or name.name for name in node.names}
            case ast.ImportFrom(module=str(module)) if module.startswith("tenure."):
                owner = module.split(".")[1]
                whole = any(name.name == "models" for name in node.names)
                if whole and owner not in {capability, *SHARED_ROWS}:
                    found.append(f"{node.lineno}: {module}.models as a whole")
            case ast.Attribute(attr="get_model"):
                found.append(f"{node.lineno}: get_model")
    types = named_as_types(tree)
    found += [
        f"{node.lineno}: {node.id}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in foreign and id(node) not in types
    ]
    return found


def test_rows_are_private_to_their_capability():
    """Others may name a row as a type and hold a foreign key to it; who wants one asks the owner."""
    found = {}
    for path in files():
        capability = path.relative_to(SOURCE).parts[0]
        if path.name == "models.py" or capability in READS_ALL_ROWS:
            continue
        if asked := rows_asked_for(path.read_text(), capability):
            found[where(path)] = asked
    assert not found


def test_a_row_taken_from_elsewhere_is_noticed():
    source = (
        "from tenure.payments.models import Card\ndef f(card: Card | None) -> Card:\n    return Card.objects.get()\n"
    )
    assert rows_asked_for(source, "renewals") == ["3: Card"]
    assert rows_asked_for(source, "payments") == []


def test_every_foreign_key_points_to_the_same_floor_or_down():
    wrong = []
    for model in apps.get_models():
        if not model.__module__.startswith("tenure."):
            continue
        for field in model._meta.get_fields():
            other = field.related_model if isinstance(field, models.ForeignKey) else None
            if other is None or not other.__module__.startswith("tenure."):
                continue
            mine, theirs = model.__module__.split(".")[1], other.__module__.split(".")[1]
            if LEVEL[theirs] > LEVEL[mine]:
                wrong.append(f"{mine}.{model.__name__}.{field.name} -> {theirs}.{other.__name__}")
    assert not wrong


def test_no_amount_and_no_measure_is_a_float():
    floats = [
        f"{model.__module__}.{model.__name__}.{field.name}"
        for model in apps.get_models()
        if model.__module__.startswith("tenure.")
        for field in model._meta.get_fields()
        if isinstance(field, models.FloatField)
    ]
    assert not floats


def test_every_change_of_a_row_has_its_migration():
    loader = MigrationLoader(None, ignore_no_migrations=True)
    missing = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(loader.graph)
    assert {label: [str(change) for change in changes] for label, changes in missing.items()} == {}


# Files


def test_no_file_has_become_a_magnet():
    long = {where(path): n for path in files() if (n := len(path.read_text().splitlines())) > LINE_LIMIT}
    assert not long, "a capability is hiding in a file of more than 400 lines"
    assert not [where(path) for path in files() if path.stem in MAGNETS]


def test_every_init_is_empty():
    assert not [where(path) for path in SOURCE.rglob("__init__.py") if path.read_text().strip()]


def test_every_module_says_what_it_is_for():
    assert not [where(p) for p in files() if p.stat().st_size and not ast.get_docstring(ast.parse(p.read_text()))]


# The linters bite


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of the source in which wrongs may be planted."""
    house = tmp_path_factory.mktemp("house")
    shutil.copytree(SOURCE, house / "src" / "tenure", ignore=lambda _, names: {n for n in names if n == "__pycache__"})
    shutil.copy(ROOT / "pyproject.toml", house)
    return house


def import_linter(house: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(house / "src"), "COLUMNS": "200"}
    return subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True, timeout=60)


def test_the_plan_holds_and_a_stray_file_or_an_upward_import_breaks_it_by_name(copy):
    as_it_is = import_linter(copy)
    assert as_it_is.returncode == 0, as_it_is.stdout

    (copy / "src/tenure/helpers.py").write_text('"""Everything that had no place."""\n')
    (copy / "src/tenure/renewals/utils.py").write_text('"""And the rest."""\n')
    rules = copy / "src/tenure/memberships/rules.py"
    rules.write_text(rules.read_text() + "\nfrom tenure.renewals.models import Due\n")
    door = copy / "src/tenure/web/portal/planted.py"
    door.write_text('"""A door that looks into a drawer."""\nfrom tenure.purchases.models import Order\n')
    said = import_linter(copy)
    assert said.returncode == 1
    words = " ".join(said.stdout.split())
    for name in (
        "helpers",
        "utils",
        "tenure.memberships.rules -> tenure.renewals.models",
        "tenure.web.portal.planted -> tenure.purchases.models",
    ):
        assert name in words, said.stdout


@pytest.mark.parametrize(
    "planted",
    [
        "from datetime import date\n\nTODAY = date.today()\n",
        "import datetime\n\nNOW = datetime.datetime.now(datetime.UTC)\n",
        "from django.utils import timezone\n\nNOW = timezone.now()\n",
        "from django.utils.timezone import now\n\nNOW = now()\n",
    ],
)
def test_a_clock_read_outside_its_place_is_refused(planted):
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--stdin-filename",
        "src/tenure/renewals/rules.py",
        "-",
    ]
    said = subprocess.run(command, cwd=ROOT, input=planted, capture_output=True, text=True, timeout=60)
    assert said.returncode == 1
    assert "TID251" in said.stdout
