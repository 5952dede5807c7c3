"""Keep the Chinese catalogue in step with the words in code and templates.

    tools/words.py             merge new messages in, drop the ones no longer used, list what is untranslated
    tools/words.py --check     say whether the catalogue is complete and free of shunned wordings (exit status 1 if not)
    tools/words.py --compile   only write the .mo file that is read at run time
    tools/words.py --take F    take translations from another catalogue or from lines of "English<TAB>中文"

It must never invent a translation. Read next: ``docs/glossary.md``.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "tenure"
CATALOGUE = SOURCE / "locale" / "zh_Hant" / "LC_MESSAGES" / "django.po"
HEADER = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Language: zh_Hant\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
GETTEXT = {"gettext": 1, "gettext_lazy": 1, "gettext_noop": 1, "ngettext": 2, "ngettext_lazy": 2}
CONTEXTUAL = {"pgettext": 1, "pgettext_lazy": 1, "npgettext": 2, "npgettext_lazy": 2}

# Shunned beside the programme file's own list (programme/vocabulary.py): words of a screen.
SHUNNED = {
    "登陸": "登入",
    "郵箱": "電子郵件",
    "文件夾": "資料夾",
    "鏈接": "連結",
    "數據": "資料",
    "屏幕": "螢幕",
    "激活": "啟用",
    "成功地": "結果",
    "優點": "權益",
    "活躍": "有效",
    "台北": "臺北",
    "台灣": "臺灣",
}

BLOCK = re.compile(r"\{%-?\s*(.*?)\s*%\}", re.DOTALL)
LITERAL = r"""(?:"(?P<d>(?:[^"\\]|\\.)*)"|'(?P<s>(?:[^'\\]|\\.)*)')"""
INLINE = re.compile(
    rf"(?:translate|trans)\s+{LITERAL}(?:.*?\bcontext\s+(?:\"(?P<cd>[^\"]*)\"|'(?P<cs>[^']*)'))?", re.DOTALL
)
CONSTANT = re.compile(rf"\b_\({LITERAL}\)")
OPENING = re.compile(r"blocktrans(?:late)?\b(.*)", re.DOTALL)
CONTEXT = re.compile(r"\bcontext\s+(?:\"([^\"]*)\"|'([^']*)')")
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
TOKENS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)

Key = tuple[str | None, str | tuple[str, str]]


def _text(found: re.Match[str]) -> str:
    raw = found["d"] if found["d"] is not None else found["s"]
    return re.sub(r"\\(.)", r"\1", raw).replace("%", "%%")


def _body(text: str, trimmed: bool) -> str:
    if trimmed:
        text = " ".join(line.strip() for line in text.splitlines() if line.strip())
    return VARIABLE.sub(r"%(\1)s", text.replace("%", "%%"))


def in_template(text: str) -> Iterator[Key]:
    """The messages of a Django template."""
    text = re.sub(r"\{%\s*comment\b.*?%\}.*?\{%\s*endcomment\s*%\}", "", text, flags=re.DOTALL)
    block: dict | None = None
    at = 0
    for token in TOKENS.finditer(text):
        inside = BLOCK.fullmatch(token[0])
        words = inside[1] if inside else ""
        if block is not None:
            if words == "plural":
                block["one"] = text[at : token.start()]
                at = token.end()
            elif words in ("endblocktranslate", "endblocktrans"):
                last = _body(text[at : token.start()], block["trimmed"])
                one = block.get("one")
                yield block["context"], last if one is None else (_body(one, block["trimmed"]), last)
                block = None
            continue
        if opening := OPENING.match(words):
            context = CONTEXT.search(opening[1])
            block = {"trimmed": "trimmed" in opening[1].split(), "context": context and (context[1] or context[2])}
            at = token.end()
        elif inline := INLINE.match(words):
            yield inline["cd"] or inline["cs"], _text(inline)
        yield from ((None, _text(found)) for found in CONSTANT.finditer(token[0]) if not token[0].startswith("{#"))


def in_python(text: str) -> Iterator[Key]:
    """The messages of a module: calls of gettext and its kin, under whatever name they were imported."""
    tree = ast.parse(text)
    named = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = named.get(called.id, "") if isinstance(called, ast.Name) else getattr(called, "attr", "")
        literals = [arg.value if isinstance(arg, ast.Constant) else None for arg in node.args]
        skip, count = (0, GETTEXT[name]) if name in GETTEXT else (1, CONTEXTUAL.get(name, 0))
        words = literals[skip : skip + count]
        if count and len(words) == count and all(isinstance(word, str) for word in words):
            one, other = str(words[0]), str(words[-1])
            yield (str(literals[0]) if skip else None), (one if count == 1 else (one, other))


def used() -> set[Key]:
    """Every message under src/tenure."""
    found: set[Key] = set()
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix in (".html", ".txt") and "templates" in path.parts:
            found |= set(in_template(path.read_text("utf-8")))
        elif path.suffix == ".py":
            found |= set(in_python(path.read_text("utf-8")))
    return {(context, words) for context, words in found if words}


def _key(message: Message) -> Key:
    return message.context, message.id if isinstance(message.id, str) else (message.id[0], message.id[1])


def _said(message: Message) -> str:
    return message.string if isinstance(message.string, str) else "".join(message.string[:1])


def load(path: Path = CATALOGUE) -> dict[Key, str]:
    """Translations by message."""
    if not path.exists():
        return {}
    if path.suffix == ".tsv":
        lines = (line.split("\t") for line in path.read_text("utf-8").splitlines() if "\t" in line)
        return {(None if len(cells) == 2 else cells[0], cells[-2]): cells[-1] for cells in lines}
    with path.open("rb") as file:
        return {_key(message): _said(message) for message in read_po(file, locale="zh_Hant") if message.id}


def catalogue(words: dict[Key, str]) -> Catalog:
    made = Catalog(locale="zh_Hant", charset="utf-8")
    for context, words_id in sorted(words, key=lambda key: (key[0] or "", str(key[1]))):
        said = words[context, words_id]
        made.add(words_id, said if isinstance(words_id, str) else (said,), context=context)
    return made


def save(words: dict[Key, str]) -> None:
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    with CATALOGUE.open("wb") as file:
        file.write(HEADER.encode())
        write_po(file, catalogue(words), width=110, no_location=True, omit_header=True)


def compile_catalogue() -> None:
    with CATALOGUE.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue({key: said for key, said in load().items() if said}))


def shunned(text: str) -> Iterator[str]:
    """The wordings of a text that a Taiwanese reader would stumble over, each with the right one."""
    from tenure.programme import vocabulary

    for bad, good in {**vocabulary.shunned(text), **{b: g for b, g in SHUNNED.items() if b in text}}.items():
        yield f"{bad}, write {good}"
    if letters := vocabulary.simplified(text):
        yield f"simplified characters {letters}"


def faults(words: dict[Key, str]) -> Iterator[str]:
    """What keeps the catalogue from being right: gaps, wordings to avoid, placeholders lost, English punctuation."""
    wanted = used()
    for context, source in sorted(wanted - words.keys(), key=str):
        yield f"not in the catalogue, run tools/words.py: {context or ''} {source!r}"
    for context, source in sorted(words.keys() - wanted, key=str):
        yield f"no longer used, run tools/words.py: {context or ''} {source!r}"
    names = re.compile(r"%\(\w+\)[sd]")
    for (_context, source), said in words.items():
        many = source if isinstance(source, str) else source[1]
        if not said:
            yield f"untranslated: {source!r}"
            continue
        if set(names.findall(said)) != set(names.findall(many)):
            yield f"other placeholders than {source!r}: {said}"
        if re.search(r"[\u4e00-\u9fff][,;:!?](?!\S)|[\u4e00-\u9fff]\.(?!\w)|！", said):
            yield f"half-width or loud punctuation: {said}"
        yield from (f"{fault}: {said}" for fault in shunned(said))
    for path in sorted(SOURCE.rglob("*.html")):
        yield from (f"{path.relative_to(ROOT)}: {fault}" for fault in shunned(path.read_text("utf-8")))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--take", type=Path)
    asked = parser.parse_args()
    if asked.compile:
        compile_catalogue()
        return 0
    if asked.check:
        found = list(faults(load()))
        print("\n".join(found) or "The catalogue is complete.")
        return 1 if found else 0
    before, more = load(), load(asked.take) if asked.take else {}
    # A plural is found by its plural form too, so that a line of a .tsv file can translate it.
    words = {
        (context, source): more.get((context, source))
        or (more.get((context, source[1])) if isinstance(source, tuple) else None)
        or before.get((context, source), "")
        for context, source in used()
    }
    save(words)
    compile_catalogue()
    empty = [source for (_context, source), said in sorted(words.items(), key=str) if not said]
    print("\n".join(["untranslated:", *map(repr, empty)] if empty else [f"{len(words)} messages, all translated."]))
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    sys.exit(main())
