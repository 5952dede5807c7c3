"""One word for one thing, in both languages, wherever a person reads: screens, letters, programme, these pages.

The catalogue's own gaps are found in ``tests/rules/test_words.py``; here is what may stand nowhere, and that the
glossary, the catalogue and the lists of the tools say the same. Read next: ``docs/glossary.md``.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tenure.programme.vocabulary import SHUNNED
from tenure.programme.vocabulary import shunned as shunned_in_programmes
from tools import words

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tenure"
GLOSSARY = ROOT / "docs" / "glossary.md"
LISTS = {SOURCE / "programme" / "vocabulary.py"}
"""Where the wrong words stand, so that they can be found."""

CHINESE = re.compile(r"[\u4e00-\u9fff]")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?](?!\S)|[\u4e00-\u9fff]\.(?!\w)|！")
LOUD = re.compile(r"\b(please|successfully|oops|sorry)\b|(?<![<=])!(?![=\w])", re.IGNORECASE)
AMERICAN = re.compile(
    r"\b(program|programs|canceled|canceling|organizations?|authorized?|recognized?|"
    r"favorite|color|behavior|center|fulfill|enroll|catalog)\b",
    re.IGNORECASE,
)


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a module a person may read: every string that is no docstring."""
    tree = ast.parse(path.read_text("utf-8"))
    loose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in loose:
            yield node.lineno, node.value


def pairs() -> Iterator[tuple[str, str, str]]:
    """Every text that is written twice: where, English, Chinese."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="Text" | "say"), args=[ast.Constant(str(en)), ast.Constant(str(zh)), *_]
                ):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", en, zh
    for path in sorted((ROOT / "programmes").glob("*.toml")):
        yield from in_table(path.name, tomllib.loads(path.read_text("utf-8")))
    for (_, source), said in words.load().items():
        # What is untranslated is told by the test of the catalogue.
        for each in (source,) if isinstance(source, str) else source:
            yield "django.po", each, said or "無"


def in_table(where: str, value: object) -> Iterator[tuple[str, str, str]]:
    match value:
        case {"en": str(en), "zh-hant": str(zh)}:
            yield where, en, zh
        case dict():
            for name, inner in value.items():
                yield from in_table(f"{where} {name}", inner)
        case list():
            for n, inner in enumerate(value, 1):
                yield from in_table(f"{where}[{n}]", inner)


def told_to_people() -> Iterator[tuple[str, str]]:
    """All Chinese there is: templates, modules, programmes and pages of documentation."""
    for path in sorted(SOURCE.rglob("*")):
        name = str(path.relative_to(ROOT))
        if path in LISTS or "__pycache__" in path.parts:
            continue
        if path.suffix in (".html", ".txt", ".po", ".typ"):
            yield from ((f"{name}:{n}", line) for n, line in enumerate(path.read_text("utf-8").splitlines(), 1))
        elif path.suffix == ".py":
            yield from ((f"{name}:{n}", text) for n, text in literals(path))
    for path in [*(ROOT / "programmes").glob("*.toml"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for n, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{n}", line.rsplit("|", 2)[0] if path == GLOSSARY else line


def glossary() -> list[list[str]]:
    """The rows of the glossary that name a thing in both languages."""
    lines = (line.strip("| ").split("|") for line in GLOSSARY.read_text("utf-8").splitlines() if line.startswith("|"))
    rows = [[cell.strip() for cell in cells] for cells in lines]
    return [row for row in rows if len(row) >= 2 and CHINESE.search(row[1]) and row[0] != "English"]


def test_no_shunned_wording_stands_anywhere():
    found = {where: fault for where, line in told_to_people() if CHINESE.search(line) for fault in words.shunned(line)}
    assert not found


def test_both_languages_are_written_and_keep_their_manners():
    wrong = []
    for where, english, chinese in pairs():
        if not english.strip() or not chinese.strip():
            wrong.append(f"{where}: one language is missing: {english!r} {chinese!r}")
        if found := LOUD.search(english) or AMERICAN.search(english):
            wrong.append(f"{where}: {found[0]!r} in {english!r}")
        if found := HALF_WIDTH.search(chinese):
            wrong.append(f"{where}: {found[0]!r} in {chinese}")
    assert not wrong


def test_what_the_glossary_forbids_is_what_the_tools_look_for():
    looked_for = {**SHUNNED, **words.SHUNNED}
    plain = {re.sub(r"\(.*?\)", "", wrong): right for wrong, right in looked_for.items()}
    forbidden = {wrong: row for row in glossary() if len(row) == 4 for wrong in row[3].split("、") if wrong}
    unknown = sorted(forbidden.keys() - plain.keys())
    assert not unknown, "in the glossary's last column, but nothing looks for them"
    other = {wrong: (plain[wrong], row[1]) for wrong, row in forbidden.items() if plain[wrong] not in row[1]}
    assert not other, "the tools and the glossary say different words are right"


def test_the_screens_use_the_glossary_s_words():
    """Where a message of the catalogue is a term of the glossary, its translation is the glossary's."""
    said = {
        source.lower(): chinese
        for (context, source), chinese in words.load().items()
        if not context and isinstance(source, str)
    }
    other = {}
    for row in glossary():
        english = [term.strip().lower() for term in re.split(r"[,;/]", row[0])]
        chinese = [term.strip() for term in re.split(r"[、；／]", re.sub(r"（.*?）", "", row[1]))]
        if len(english) != len(chinese):
            continue
        for term, right in zip(english, chinese, strict=True):
            if said.get(term) and said[term] != right and f"「{said[term]}」" not in row[1]:
                other[term] = (said[term], right)
    assert not other


def test_the_list_of_the_programme_file_finds_its_own_words():
    for wrong, right in SHUNNED.items():
        plain = re.sub(r"\(.*?\)", "", wrong)
        assert right in shunned_in_programmes(plain).values()
