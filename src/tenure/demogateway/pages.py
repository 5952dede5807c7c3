"""The pretend card page: a choice of test cards where a real processor would ask for a number.

It decides what the customer sees in either language and where the browser goes next. It must never offer
a field for a card number, nor say in an address what became of the payment. Read next: ``demogateway/words.py``.
"""

from html import escape

from tenure.demogateway.book import Book
from tenure.demogateway.cards import CARDS, PretendCard
from tenure.demogateway.keeping import Keeping
from tenure.demogateway.words import WORDS
from tenure.kernel.money import Money, say

# Added to the portal's own sheet, which does not know this page.
SHEET = """\
main.page { margin-inline: auto; max-inline-size: 64rem; }
fieldset { border: 0; margin: 0; padding: 0; min-inline-size: 0; }
legend { padding: 0; margin-block-end: 0.75rem; font-weight: 650; }
dd { overflow-wrap: anywhere; min-inline-size: 0; }
label.choice > :last-child { white-space: nowrap; }
form footer .button { max-inline-size: 100%; }
"""

Answer = tuple[int, str, str]


def answer(book: Book, page: str, method: str, form: dict[str, str]) -> Answer:
    """Status, page and where to go instead. Deciding happens in one transaction: twice pressed is once paid."""
    keeping = Keeping(book)
    if method == "GET":
        intent = book.at_page(page) or keeping.at_page(page)
        return (200, shown(intent), "") if intent else (404, missing(), "")
    with book.change():
        if intent := book.at_page(page):
            return pressed(book, intent, form)
        if row := keeping.at_page(page):
            return kept(keeping, row, form)
        return 404, missing(), ""


def pressed(book: Book, intent: dict, form: dict[str, str]) -> Answer:
    """What a button does. A payment that is decided ignores it: the browser just goes home."""
    done, here = form.get("do"), f"/pay/{intent['page']}"
    lost = False
    if intent["status"] not in ("unconfirmed", "needs_action"):
        return 303, "", intent["return_path"]
    if done == "cancel":
        book.cancel(intent["id"])
    elif intent["status"] == "needs_action":
        if done not in ("approve", "refuse"):
            return 303, "", here
        intent, lost = book.answer_bank(intent, done == "approve")
    elif form.get("card") in CARDS:
        intent, lost = book.choose(intent, form["card"])
        if intent["status"] == "needs_action":
            return 303, "", here
    else:
        return 422, choose(intent, error=True), ""
    return (504, lost_line(intent), "") if lost else (303, "", intent["return_path"])


def kept(keeping: Keeping, row: dict, form: dict[str, str]) -> Answer:
    """What a button does on a page that only keeps a card: another card may be tried until one is kept."""
    status = keeping.pressed(row, form)
    if status in ("succeeded", "cancelled"):
        return 303, "", row["return_path"]
    return (303, "", f"/pay/{row['page']}") if status else (422, choose(row, error=True), "")


def words_of(intent: dict) -> dict[str, str]:
    """The words of a page; where nothing is paid, some are others."""
    words = WORDS[intent["language"]]
    return (
        words if intent["amount"] else words | {name: words.get(f"keep_{name}", said) for name, said in words.items()}
    )


def choosable(intent: dict) -> bool:
    """Whether a card can be named: once for a payment, again and again for a card that is only kept."""
    unused = intent["status"] == "unconfirmed" and not intent["card"]
    return unused or (intent["status"] == "declined" and not intent["amount"])


def shown(intent: dict) -> str:
    """The page of a payment as it stands."""
    if choosable(intent):
        return choose(intent)
    if intent["status"] == "needs_action":
        return ask_bank(intent)
    return finished(intent)


def amount_of(intent: dict) -> str:
    return say(Money(intent["amount"], intent["currency"])) if intent["amount"] else ""


def choose(intent: dict, error: bool = False) -> str:
    words = words_of(intent)
    told = words["choose_card"] if error else words["keep_no"] if intent["status"] == "declined" else ""
    alert = f'<p class="note danger" id="error" role="alert">{told}</p>' if told else ""
    described = ' aria-describedby="error"' if told else ""
    choices = "".join(choice(card, words, error) for card in CARDS.values())
    kept = f'<p class="hint">{words["kept"]}</p>' if intent["save_card"] or not intent["amount"] else ""
    body = f"""
<form class="card" method="post" novalidate>
{alert}<fieldset class="stack"{described}><legend>{words["which"]}</legend>{choices}</fieldset>
{kept}<footer><button class="button primary" name="do" value="pay">{words["pay"]} {amount_of(intent)}</button>
<button class="button" name="do" value="cancel">{words["cancel"]}</button></footer>
</form>"""
    return framed(intent, words["heading"], body, error=error)


def choice(card: PretendCard, words: dict[str, str], error: bool) -> str:
    invalid = ' aria-invalid="true"' if error else ""
    name = escape(words[card.token])
    ending = f'<span class="unseen">{words["ending"]}</span><span aria-hidden="true">····</span>'
    return (
        f'<label class="choice"><input type="radio" name="card" value="{card.token}"{invalid}>'
        f'<strong>{name}</strong><span class="hint">{card.brand} {ending} {card.last4}</span></label>\n'
    )


def ask_bank(intent: dict) -> str:
    words = words_of(intent)
    body = f"""
<form class="card" method="post">
<p>{words["bank_why"]}</p>
<footer><button class="button primary" name="do" value="approve">{words["approve"]} {amount_of(intent)}</button>
<button class="button" name="do" value="refuse">{words["refuse"]}</button></footer>
</form>"""
    return framed(intent, words["bank_asks"], body)


def finished(intent: dict) -> str:
    words = words_of(intent)
    status = intent["status"] if intent["status"] in ("succeeded", "declined", "cancelled") else "processing"
    return framed(intent, words[status], closing(intent, words[f"{status}_why"]))


def lost_line(intent: dict) -> str:
    words = words_of(intent)
    return framed(intent, words["lost"], closing(intent, words["lost_why"], "warn"))


def closing(intent: dict, why: str, mood: str = "") -> str:
    words, back = words_of(intent), escape(intent["return_path"])
    return f"""
<div class="card"><p class="note {mood}">{why}</p>
<footer><a class="button primary" href="{back}">{words["back"]}</a></footer></div>"""


def framed(intent: dict, heading: str, body: str, error: bool = False) -> str:
    """The page around the choice: what is pretend says so, and what is being paid stands beside it."""
    words = words_of(intent)
    rows = "".join(
        f"<dt>{words[name]}</dt><dd>{escape(value)}</dd>"
        for name, value in (
            ("merchant", intent["merchant"]),
            ("order", intent["order_no"]),
            ("item", intent["description"]),
            ("payer", intent["payer_name"]),
        )
        if value
    )
    total = f'<p class="row between"><span>{words["total"]}</span> <span class="total">{amount_of(intent)}</span></p>'
    total = total if intent["amount"] else ""
    summary = f"""
<aside class="card" aria-labelledby="summary"><h2 id="summary">{words["summary"]}</h2><dl>{rows}</dl>
{total}</aside>"""
    choosing = choosable(intent)
    pretend = f"<strong>{words['pretend']}</strong> {words['choose' if choosing else 'nothing']}"
    title = f"{words['error'] if error else ''}{heading} · {words['pretend'].rstrip('.。')}"
    return document(words["lang"], title, f"""
<div class="stack"><h1>{heading}</h1><p class="note warn">{pretend}</p></div>
<div class="split">{body}{summary}
</div>""")  # fmt: skip


def missing() -> str:
    """No such page: its language is not known, so it speaks both."""
    return document("en", f"{WORDS['en']['missing']} · {WORDS['zh-hant']['missing']}", f"""
<div class="card"><h1>{WORDS["en"]["missing"]}</h1><p>{WORDS["en"]["missing_why"]}</p></div>
<div class="card" lang="zh-Hant"><h2>{WORDS["zh-hant"]["missing"]}</h2><p>{WORDS["zh-hant"]["missing_why"]}</p></div>
<p><a href="/">Tenure</a></p>""")  # fmt: skip


def document(language: str, title: str, main: str) -> str:
    return f"""<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title>
<link rel="icon" href="/static/img/mark.svg">
<link rel="stylesheet" href="/static/css/tenure.css"><link rel="stylesheet" href="/pay/page.css"></head>
<body><main class="page" id="main">{main}
</main></body>
</html>
"""
