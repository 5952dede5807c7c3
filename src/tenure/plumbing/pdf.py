"""Turns a Typst template and plain data into an archivable, accessible PDF: the same input, the same bytes.

It decides which fonts are used and what happens to a character that none of them has. It must never fetch
anything, use a font of the machine, or fail over what a person is called. Read next:
``billing/documents.py``; why Typst: ``docs/adr/0004-invoice-pdf.md``.
"""

import json
import threading
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst
from fontTools.ttLib import TTFont

FONT_PACKAGES = ("justmytype_western_core", "justmytype_intl_cjk")
FAMILIES = ("Inter", "Noto Sans", "Noto Sans TC", "Noto Sans JP", "Noto Sans SC", "Noto Sans KR")
"""In the order in which they are tried: names from the neighbours must print too, and 𠮷 is in JP only."""
GETA = "\u3013"
"""〓, which printers set for a character they do not have."""

_here = threading.local()


@dataclass(frozen=True, slots=True)
class Pdf:
    """A document, and the characters that no font had and 〓 stands for."""

    content: bytes
    substituted: tuple[str, ...] = ()


def compile(template: Path, data: dict[str, Any], timestamp: datetime) -> Pdf:
    """The template filled with data. Strings are text and never markup, whatever is in them.

    The template finds the data as JSON in ``sys.inputs.data`` with the font families under ``fonts``; it
    sets the title and the language itself. ``timestamp`` is the document's date and carries its zone.
    """
    missing: dict[str, None] = {}
    inputs = {"data": json.dumps(_printable({**data, "fonts": list(FAMILIES)}, missing))}
    content = _compiler(template).compile(sys_inputs=inputs, pdf_standards=["a-3a", "ua-1"], timestamp=timestamp)
    assert isinstance(content, bytes)  # without an output path the compiler returns the one file
    return Pdf(content, tuple(missing))


def _compiler(template: Path) -> typst.Compiler:
    """One compiler per thread and template: it is not to be shared, and making one costs the parsing."""
    kept = _here.__dict__.setdefault("compilers", {})
    if template not in kept:
        kept[template] = typst.Compiler(str(template), font_paths=_fonts(), ignore_system_fonts=True)
    return kept[template]


def _font_folders() -> list[Path]:
    return [Path(str(files(package) / "fonts")) for package in FONT_PACKAGES]


@cache
def _fonts() -> typst.Fonts:
    folders = [str(folder) for folder in _font_folders()]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


@cache
def _characters() -> frozenset[int]:
    """Every character that one of the fonts has. Read once, and only when a text is not plain ASCII."""
    found: set[int] = set()
    for path in (path for folder in _font_folders() for path in folder.rglob("*.ttf")):
        with TTFont(path, lazy=True) as font:
            found.update(font.getBestCmap())
    return frozenset(found)


def _printable(value: Any, missing: dict[str, None]) -> Any:
    if isinstance(value, str):
        return _printable_text(value, missing)
    if isinstance(value, dict):
        return {key: _printable(item, missing) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(item, missing) for item in value]
    return value


def _printable_text(text: str, missing: dict[str, None]) -> str:
    if text.isascii() and text.isprintable():
        return text
    # A letter sent as two code points has its glyph under the composed one.
    return "".join(_printable_character(char, missing) for char in unicodedata.normalize("NFC", text))


def _printable_character(char: str, missing: dict[str, None]) -> str:
    category = unicodedata.category(char)
    if category in ("Zs", "Zl", "Zp") or char in "\t\n\r":
        return char if char == "\u3000" else " "
    # Joiners, direction marks, variation selectors and controls have no shape of their own.
    if category in ("Cc", "Cf") or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        return ""
    # A private character means nothing to another reader, and PDF/A-3a forbids it.
    if category == "Co" or ord(char) not in _characters():
        missing[char] = None
        return GETA
    return char
