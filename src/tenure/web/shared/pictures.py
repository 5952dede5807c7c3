"""How large a picture says it is, read from its first bytes: nothing is ever unpacked here.

It decides only what is too large to be looked at by anybody: a file of some kilobytes that unpacks to gigabytes would
fill the memory of whoever opens it. Read next: ``web/shared/forms.py``.
"""

import struct

MOST_PIXELS = 50_000_000
"""More than any camera or scanner of an office makes."""
LONGEST_SIDE = 20_000
FRAMES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
ALONE = frozenset((0x01, *range(0xD0, 0xDA)))


def bursts(content: bytes) -> bool:
    """Whether a picture would be too large once unpacked.

    >>> bursts(b"\\x89PNG\\r\\n\\x1a\\n" + b"\\0\\0\\0\\rIHDR" + struct.pack(">II", 60_000, 60_000))
    True
    >>> bursts(b"GIF89a" + struct.pack("<HH", 640, 480)), bursts(b"%PDF-1.7")
    (False, False)
    """
    size = size_of(content)
    return size is not None and (size[0] * size[1] > MOST_PIXELS or max(size) > LONGEST_SIDE)


def size_of(content: bytes) -> tuple[int, int] | None:
    """Width and height as the head of the file says; ``None`` where it says nothing."""
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack_from(">II", content, 16) if content[12:16] == b"IHDR" else None
        if content.startswith((b"GIF87a", b"GIF89a")):
            return struct.unpack_from("<HH", content, 6)
        if content.startswith(b"\xff\xd8\xff"):
            return _of_jpeg(content)
    except struct.error:
        pass
    return None


def _of_jpeg(content: bytes) -> tuple[int, int] | None:
    """A JPEG is a row of pieces, each with its length; one of them is the frame."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        mark = content[at + 1]
        if mark in FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        # A filling byte and a piece without a length are stepped over.
        at += 1 if mark == 0xFF else 2 if mark in ALONE else 2 + max(2, struct.unpack_from(">H", content, at + 2)[0])
    return None
