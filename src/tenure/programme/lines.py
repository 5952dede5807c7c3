"""Where a key of a programme file stands: the line of every table, key and list item of a TOML source.

The standard library's TOML reader answers with values and forgets the lines; a person who has to put a
fault right needs them. This page decides nothing else and must never judge a value: it walks a source that
has already been read without error. Read next: ``programme/tables.py``, which asks it for lines.
"""

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''', re.DOTALL
)  # three quotes before one, or the opening of a long string is taken for an empty short one
_SCALAR = re.compile(r"[^,\]}#\n]+")


class Lines:
    """The lines of one source.

    >>> lines = Lines('[offers.pack]\\nname = { en = "Pack" }\\nprices = [\\n  { net = "1" },\\n]\\n')
    >>> lines.of(("offers", "pack", "name", "en")), lines.of(("offers", "pack", "prices", 0, "net"))
    (2, 4)

    What is not there stands where its table stands:

    >>> lines.of(("offers", "pack", "tier"))
    1
    """

    def __init__(self, source: str):
        self._source = source
        self._breaks = [match.start() for match in re.finditer("\n", source)]
        self._starts: dict[Path, int] = {}
        self._items: dict[Path, int] = {}
        self._at = 0
        self._walk()

    @property
    def last(self) -> int:
        return max(1, self._source.count("\n") + (not self._source.endswith("\n")))

    def of(self, path: Path, word: str = "") -> int:
        """The line of a path or of the nearest table above it; with ``word``, of the word inside its value."""
        known = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in self._starts), None)
        start = 0 if known is None else self._starts[known]
        if word:
            start = max(start, self._source.find(word, start))
        return min(bisect_right(self._breaks, start - 1) + 1, self.last)

    def _walk(self) -> None:
        table: Path = ()
        while self._skip():
            if self._source.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        start = self._at
        many = self._source.startswith("[[", start)
        self._at += 2 if many else 1
        self._skip()
        path = self._resolve(self._dotted())
        if many:
            path = self._next_item(path)
        for depth in range(1, len(path) + 1):  # [a.b] may be the first word of a, too
            self._starts.setdefault(path[:depth], start)
        self._skip()
        self._at += 2 if many else 1
        return path

    def _resolve(self, keys: list[str]) -> Path:
        """The path of a header: below a list of tables it means the list's latest entry."""
        path: Path = ()
        for depth, key in enumerate(keys, 1):
            path += (key,)
            if path in self._items and depth < len(keys):
                path += (self._items[path] - 1,)
        return path

    def _next_item(self, path: Path) -> Path:
        index = self._items.get(path, 0)
        self._items[path] = index + 1
        return (*path, index)

    def _pair(self, table: Path) -> None:
        start = self._at
        path = table
        for key in self._dotted():
            path += (key,)
            self._starts.setdefault(path, start)
        self._skip()
        self._at += 1
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip()
        opening = self._source[self._at]
        if opening in "[{":
            self._inside(path, "]" if opening == "[" else "}")
        elif opening in "\"'":
            self._token(_STRING)
        else:
            self._token(_SCALAR)

    def _inside(self, path: Path, closing: str) -> None:
        self._at += 1
        index = 0
        while self._skip() and self._source[self._at] != closing:
            if self._source[self._at] == ",":
                self._at += 1
            elif closing == "}":
                self._pair(path)
            else:
                self._starts.setdefault((*path, index), self._at)
                self._value((*path, index))
                index += 1
        self._at += 1

    def _dotted(self) -> list[str]:
        keys = []
        while True:
            keys.append(next(iter(tomllib.loads(f"{self._token(_KEY)} = 0"))))
            dot = _DOT.match(self._source, self._at)
            if not dot:
                return keys
            self._at = dot.end()

    def _skip(self) -> bool:
        """Step over blanks and comments; whether anything follows."""
        self._token(_BLANK)
        return self._at < len(self._source)

    def _token(self, pattern: re.Pattern[str]) -> str:
        """Step over what stands here. The source has been read before, so something of the kind does."""
        found = pattern.match(self._source, self._at)
        if found is None:
            raise ValueError(f"no {pattern.pattern} at {self._at}")
        self._at = found.end()
        return found.group()
