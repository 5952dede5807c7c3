"""The term line: where a term, its last day, its renewal window and today stand on one rule.

It decides places only, in units of a drawing 300 wide, so that no label is cut or touches another whatever the
dates are; a wider drawing moves labels apart, a narrower one shrinks its type (``tenure.css``). The rule is not
to scale: thirty days of window get room enough to be read. It must never know a language or a colour. Read next:
``templatetags/words.py``, which supplies the words, and ``parts/term_line.html``, which draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from unicodedata import east_asian_width

from tenure.kernel.periods import Span

WIDTH = 300.0
GAP = 7.0
EM = 11.0
# Widest common system fonts, in em: ideographs are square, bold capitals come close.
FULL, CAPITAL, SPACE, OTHER = 1.0, 0.78, 0.36, 0.66

TERM_ENDS = 0.66
WINDOW_BEGINS = 0.675
AFTER_BEGINS = 0.93
BEFORE_ENDS = 0.09


class Moment(StrEnum):
    """Where today stands."""

    BEFORE = "before"
    RUNNING = "running"
    LAST_DAY = "last_day"
    WINDOW = "window"
    LAST_CALL = "last_call"
    OVER = "over"


class Row(StrEnum):
    TODAY = "today"
    DATE = "date"
    CAPTION = "caption"


@dataclass(frozen=True, slots=True)
class Label:
    """Words that want to stand at ``at``; the lower ``rank`` gives way last."""

    name: str
    row: Row
    text: str
    at: float
    rank: int = 0
    align: float = 0.5
    """Which part of the words stands at ``at``: 0 their beginning, 1 their end."""
    x: float = 0.0
    """Where their left edge ends up."""

    @property
    def width(self) -> float:
        return text_width(self.text)

    @property
    def right(self) -> float:
        return self.x + self.width


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of the rule: ``elapsed``, ``left``, ``window`` or ``gone`` part of it."""

    name: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Words:
    """What the line says, in one language. An empty word is not written."""

    today: str
    starts_on: str
    expires_on: str
    closes_on: str = ""
    starts: str = ""
    expires: str = ""
    closes: str = ""
    window: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    moment: Moment
    bars: tuple[Bar, ...]
    labels: tuple[Label, ...]
    today: float
    last_day: float


def text_width(text: str) -> float:
    """How wide words are at most, in drawing units.

    >>> text_width("今天"), round(text_width("22 Jul"), 2)
    (22.0, 41.58)
    """
    return EM * sum(map(_letter_width, text))


def _letter_width(letter: str) -> float:
    if east_asian_width(letter) in "WF":
        return FULL
    if letter.isupper() or letter in "mw":
        return CAPITAL
    return SPACE if letter in " .,·" else OTHER


def moment_of(term: Span, window: Span | None, today: date) -> Moment:
    """Which sentence is true today.

    >>> term, window = Span(date(2018, 6, 23), date(2019, 6, 22)), Span(date(2019, 6, 23), date(2019, 7, 22))
    >>> [str(moment_of(term, window, date(2019, m, d))) for m, d in ((6, 21), (6, 22), (6, 23), (7, 22), (7, 23))]
    ['running', 'last_day', 'window', 'last_call', 'over']
    """
    if today < term.first:
        return Moment.BEFORE
    if window and today in window:
        return Moment.LAST_CALL if today == window.last else Moment.WINDOW
    if today == term.last:
        return Moment.LAST_DAY
    return Moment.RUNNING if today < term.last else Moment.OVER


def _between(day: date, first: date, last: date, left: float, right: float) -> float:
    """The middle of a day on a stretch that runs from the morning of ``first`` to the evening of ``last``."""
    share = ((day - first).days + 0.5) / ((last - first).days + 1)
    return left + (right - left) * min(max(share, 0.0), 1.0)


def arrange(labels: Sequence[Label], width: float = WIDTH) -> tuple[Label, ...]:
    """One row of labels without overlap: each near where it wants to be, inside the drawing.

    What does not fit gives way, the highest rank first.

    >>> row = arrange([Label("a", Row.DATE, "2019年12月22日", 190), Label("b", Row.DATE, "2020年12月22日", 200)])
    >>> row[0].right + GAP <= row[1].x, row[1].right <= WIDTH
    (True, True)
    """
    kept = [label for label in sorted(labels, key=lambda label: label.at) if label.text and label.width <= width]
    while kept and sum(label.width for label in kept) + GAP * (len(kept) - 1) > width:
        kept.remove(max(kept, key=lambda label: label.rank))
    placed: list[Label] = []
    for label in kept:
        floor = placed[-1].right + GAP if placed else 0.0
        placed.append(replace(label, x=max(label.at - label.align * label.width, floor)))
    ceiling = width
    for at in range(len(placed) - 1, -1, -1):
        label = placed[at]
        placed[at] = replace(label, x=min(label.x, ceiling - label.width))
        ceiling = placed[at].x - GAP
    return tuple(placed)


def lay_out(term: Span, window: Span | None, today: date, words: Words) -> Line:
    """Everything to draw. A window inside the term (the old portal's) is drawn upon it.

    >>> term, window = Span(date(2018, 6, 23), date(2019, 6, 22)), Span(date(2019, 6, 23), date(2019, 7, 22))
    >>> line = lay_out(term, window, date(2019, 6, 23), Words("Today", "23 Jun 2018", "22 Jun 2019", "22 Jul"))
    >>> str(line.moment), [bar.name for bar in line.bars], [label.text for label in line.labels]
    ('window', ['gone', 'window'], ['Today', '23 Jun 2018', '22 Jun 2019', '22 Jul'])
    """
    moment = moment_of(term, window, today)
    follows = window is not None and window.last > term.last
    begins = BEFORE_ENDS * WIDTH if moment is Moment.BEFORE else 0.0
    over = moment is Moment.OVER
    ends = (TERM_ENDS if follows else AFTER_BEGINS if over else 1.0) * WIDTH
    opens, closes = WINDOW_BEGINS * WIDTH, (AFTER_BEGINS if over else 1.0) * WIDTH
    if window and not follows:
        opens = _between(window.first, term.first, term.last, begins, ends)
        closes = _between(window.last, term.first, term.last, begins, ends)

    if moment is Moment.BEFORE:
        here = begins / 2
    elif today <= term.last:
        here = _between(today, term.first, term.last, begins, ends)
    elif follows and window and today <= window.last:
        here = _between(today, window.first, window.last, opens, closes)
    else:
        here = (1 + AFTER_BEGINS) / 2 * WIDTH

    return Line(moment, _bars(moment, begins, ends, here, window, opens, closes), _labels(
        words, here, begins, ends, opens, closes, follows), here, ends)  # fmt: skip


def _bars(
    moment: Moment, begins: float, ends: float, here: float, window: Span | None, opens: float, closes: float
) -> tuple[Bar, ...]:
    """Paid days already used, paid days left, and the window; all muted once they are over."""
    bars = []
    if moment in (Moment.RUNNING, Moment.LAST_DAY) or begins <= here < ends:
        bars += [Bar("elapsed", begins, here - begins), Bar("left", here, ends - here)]
    else:
        bars.append(Bar("left" if moment is Moment.BEFORE else "gone", begins, ends - begins))
    if window:
        bars.append(Bar("shut" if moment is Moment.OVER else "window", opens, closes - opens))
    return tuple(bars)


def _labels(
    words: Words, here: float, begins: float, ends: float, opens: float, closes: float, follows: bool
) -> tuple[Label, ...]:
    """Three rows, each arranged by itself: today and the window's name above, dates and what they mean below."""
    middle = (opens + closes) / 2
    now = arrange([Label("today", Row.TODAY, words.today, here)])
    name = arrange(
        [Label("window", Row.TODAY, words.window, closes if follows else middle, 1, 1.0 if follows else 0.5)]
    )
    # Today stands where it is; the window's name is written only where today leaves room.
    free = all(one.right + GAP <= two.x or two.right + GAP <= one.x for one in now for two in name)
    rows = [now + name if free else now]
    for row, start, expiry, close in (
        (Row.DATE, words.starts_on, words.expires_on, words.closes_on),
        (Row.CAPTION, words.starts, words.expires, words.closes),
    ):
        below = [Label("starts", row, start, begins, 2, 0.0), Label("expires", row, expiry, ends, 0, 1.0)]
        if follows:
            below.append(Label("closes", row, close, closes, 1, 1.0))
        rows.append(arrange(below))
    return tuple(label for row in rows for label in row)
