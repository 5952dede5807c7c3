"""Turns a Typst template and plain data into an archivable, accessible PDF: the same input, the same bytes.

It decides which fonts are used and what happens to a character that none of them has. It must never fetch
anything, use a font of the machine, or fail over what a person is called. Read next:
``billing/documents.py``; why Typst: ``docs/adr/0004-invoice-pdf.md``.
"""

import io
import json
import re
import threading
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pikepdf
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


def compile(template: Path, data: dict[str, Any], timestamp: datetime, xml: bytes = b"") -> Pdf:
    """The template filled with data. Strings are text and never markup, whatever is in them.

    The template finds the data as JSON in ``sys.inputs.data`` with the font families under ``fonts``; it
    sets the title and the language itself. ``timestamp`` is the document's date and carries its zone.
    With ``xml``, a structured invoice, the template attaches ``sys.inputs.xml`` and the document says so
    in its metadata, as Factur-X asks.
    """
    missing: dict[str, None] = {}
    printable = _printable({**data, "fonts": list(FAMILIES)}, missing)
    content = None
    while content is None:
        inputs = {"data": json.dumps(printable)} | ({"xml": xml.decode()} if xml else {})
        try:
            content = _compiler(template).compile(
                sys_inputs=inputs, pdf_standards=["a-3a", "ua-1"], timestamp=timestamp
            )
        except typst.TypstError as error:
            # The compiler knows better than the fonts' tables; each round takes away what it named, or ends here.
            refused = _refused(str(error), missing)
            if not refused:
                raise
            missing.update(dict.fromkeys(refused))
            printable = _without(printable, str.maketrans(dict.fromkeys(refused, GETA)))
    assert isinstance(content, bytes)  # without an output path the compiler returns the one file
    return Pdf(_marked(content) if xml else content, tuple(missing))


REFUSED = re.compile(r'the text `?"(.+?)"`? could not be displayed')


def _refused(message: str, known: dict[str, None]) -> list[str]:
    """The characters beyond ASCII that the compiler named and that have not been taken away yet."""
    named = "".join(REFUSED.findall(message))
    return [char for char in dict.fromkeys(named) if not char.isascii() and char != GETA and char not in known]


def _without(value: Any, table: dict[int, str]) -> Any:
    if isinstance(value, str):
        return value.translate(table)
    if isinstance(value, dict):
        return {key: _without(item, table) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, table) for item in value]
    return value


def _marked(content: bytes) -> bytes:
    """The document with the metadata by which a reader knows that it carries a structured invoice."""
    with pikepdf.open(io.BytesIO(content)) as opened:
        packet = opened.Root.Metadata.read_bytes().decode()
        for end, added in (("</rdf:Bag></pdfaExtension:schemas>", FX_SCHEMA), ("</rdf:RDF>", FX_FACTS)):
            before, found, after = packet.rpartition(end)
            assert found  # what the compiler writes is known; the tests read it back
            packet = before + added + found + after
        # The archive's rules want this one stream readable without unpacking anything.
        opened.Root.Metadata = opened.make_stream(packet.encode(), Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)
        saved = io.BytesIO()
        opened.save(saved, deterministic_id=True)
    return saved.getvalue()


FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
FX_NAMES = {
    "DocumentFileName": ("factur-x.xml", "The name of the embedded structured invoice"),
    "DocumentType": ("INVOICE", "What the embedded document is"),
    "Version": ("1.0", "The version of Factur-X it follows"),
    "ConformanceLevel": ("EN 16931", "The profile of Factur-X it fulfils"),
}
FX_SCHEMA = (
    '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
    f"<pdfaSchema:namespaceURI>{FX}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
    "<pdfaSchema:property><rdf:Seq>"
    + "".join(
        '<rdf:li rdf:parseType="Resource"><pdfaProperty:category>external</pdfaProperty:category>'
        f"<pdfaProperty:description>{says}</pdfaProperty:description><pdfaProperty:name>{name}</pdfaProperty:name>"
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType></rdf:li>"
        for name, (_, says) in FX_NAMES.items()
    )
    + "</rdf:Seq></pdfaSchema:property></rdf:li>"
)
FX_FACTS = (
    f'<rdf:Description rdf:about="" xmlns:fx="{FX}">'
    + "".join(f"<fx:{name}>{value}</fx:{name}>" for name, (value, _) in FX_NAMES.items())
    + "</rdf:Description>"
)


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
