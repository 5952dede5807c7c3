"""A bank's file with everything that goes wrong in one, and the truth about every line, from one seed.

It decides what each line is really for before the program sees it; it must never look at how matching works. Read
next: ``payments/matching.py``, which is measured by it.
"""

import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from xml.sax.saxutils import escape

from django.db import transaction

from tenure.kernel.access import SYSTEM
from tenure.kernel.money import Money, number
from tenure.partners.rules import Company
from tenure.payments.models import BankLine, StatementFile
from tenure.payments.rules import spaced
from tenure.payments.statements.reading import read
from tenure.plumbing.models import Reaction
from tenure.programme.queries import current
from tenure.proof.acts import Acts
from tenure.proof.crowd import Extra, join, order_of
from tenure.purchases.importing import Progress, import_statement
from tenure.purchases.models import Order

HEADS = (
    "Amber Birch Cedar Delta Ember Fjord Granite Harbor Indigo Juniper Kestrel Lumen Maple Nimbus Onyx Quartz Sierra"
).split()
MIDS = "River Stone Field Bridge Light Point Gate Wave Crest Ridge Forge Lake Grove Spring Tower Mill Rock".split()
TAILS = "Systems Software Networks Data Cloud Labs Works Consulting Digital Solutions Analytics Robotics".split()
FORMS = ("Ltd", "Co., Ltd.", "Inc.", "Limited", "Corp.")
HAN_HEADS = "宏達 立德 永新 和平 景明 光華 泰安 嘉禾 鴻運 昱程 翔宇 禾風 清泉 遠山 東昇 明湖".split()
HAN_MIDS = "國際 亞洲 環球 聯合 先進 創新 整合 智慧 全方位 第一".split()
HAN_TAILS = "資訊 科技 軟體 數位 雲端 系統 網路 顧問 自動化 電子".split()

# In a thousand lines: how the payer wrote, or what the line is really.
MIX = {
    "reference": 430, "structured": 130, "slip": 90, "number": 80, "name": 110, "cut_name": 12, "mistyped_name": 8,
    "short": 20, "over": 15, "twice": 15,
    "wrong_currency": 15, "copied_account": 15, "copied_name": 10, "customer_without_order": 10, "stranger": 35,
    "went_out": 5,
}  # fmt: skip
FOR_NOBODY = frozenset("wrong_currency copied_account copied_name customer_without_order stranger went_out".split())
HISTORY = 0.04
"""The share of partners that have paid before, from an account that is known since."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that waits for its money, and who pays it from where."""

    number: str
    reference: str
    name: str
    account: str
    total: Money


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the file, and the order it is really for."""

    kind: str
    amount: Money
    text: str
    reference: str
    payer: str
    payer_account: str
    truth: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How matching did: of the lines that have an order, how many went to it by themselves, and how many elsewhere."""

    lines: int
    due: int
    matched: int
    wrong: int
    missed: dict[str, int]

    @property
    def share(self) -> float:
        return self.matched / self.due if self.due else 1.0


def people_it(world: Acts, size: int, seed: int) -> list[Waiting]:
    """Partners with an unpaid transfer order each, joined and ordering by the steps everybody goes through."""
    dice = random.Random(f"statements {seed}")
    names = _names(dice, size)
    found = []
    for begin in range(0, size, 100):
        with transaction.atomic():
            for n in range(begin, min(begin + 100, size)):
                name, chinese = names[n]
                company = Company(
                    legal_name=name, country="TW", address="1 Market Street", city="臺北市", postcode="",
                    contact_name="A Buyer", contact_email=f"buyer@s{n:05d}.example", contact_phone="02 5550 0100",
                )  # fmt: skip
                firm = Extra(company, "zh-hant" if chinese else "en", "", buys_here=True)
                order, _ = order_of(world, join(firm, world.now), firm)
                found.append(Waiting(order.number, order.reference, name, f"7{n:011d}", order.total))
    Reaction.objects.filter(state="due").delete()
    return found


def _names(dice: random.Random, size: int) -> list[tuple[str, bool]]:
    western = [f"{a} {b} {c}" for a in HEADS for b in MIDS for c in TAILS]
    han = [f"{a}{b}{c}" for a in HAN_HEADS for b in HAN_MIDS for c in HAN_TAILS]
    # Some firms have a sister whose name is theirs and one word more.
    western += [f"{name} Asia" for name in dice.sample(western, len(western) // 20)]
    every = [(f"{name} {dice.choice(FORMS)}", False) for name in western] + [(f"{n}股份有限公司", True) for n in han]
    if size > len(every):
        raise ValueError(f"there are {len(every)} names, not {size}")
    return dice.sample(every, size)


def lines(waiting: list[Waiting], n: int, seed: int) -> tuple[list[Told], list[Told]]:
    """The earlier file, from which accounts become known, and the noisy one of ``n`` lines."""
    dice = random.Random(f"lines {seed}")
    pool = list(waiting)
    dice.shuffle(pool)
    old = [pool.pop() for _ in range(max(2, int(len(pool) * HISTORY)))]
    before = [Told("reference", o.total, o.reference, "", o.name, o.account, o.number) for o in old]
    kinds = dice.choices(list(MIX), weights=list(MIX.values()), k=n)
    found: list[Told] = []
    for kind in kinds:
        if len(found) >= n or not pool:
            break
        if kind in FOR_NOBODY:
            found.append(_for_nobody(kind, dice.choice(pool), dice.choice(old), dice))
        else:
            order = pool.pop()
            found += [_for_its_order(kind, order, dice)] * (2 if kind == "twice" else 1)
    dice.shuffle(found)
    return before, found[:n]


def _for_its_order(kind: str, order: Waiting, dice: random.Random) -> Told:
    written = {
        "number": dice.choice(
            [order.number, order.number.replace("-", " "), order.number[2:], f"order {order.number}"]
        ),
        "slip": _slip(order.reference, dice),
        "structured": dice.choice(["年費", "annual fee", ""]),
    }.get(kind, _as_people_write(order.reference, dice))
    if kind in ("name", "cut_name", "mistyped_name"):
        written = dice.choice(["membership fee", "年費", "invoice", "payment for partner programme", ""])
    amount = order.total
    if kind in ("short", "over"):
        amount = Money(amount.minor + (1 if kind == "over" else -1) * dice.choice([15, 30, 100, 1000]), amount.currency)
    structured = order.reference if kind == "structured" else ""
    payer = _as_banks_write(order.name, dice)
    if kind == "cut_name":
        payer = payer[: max(12, len(payer) - dice.randrange(3, 9))]
    if kind == "mistyped_name":
        spot = dice.randrange(len(payer) // 2)
        payer = payer[:spot] + payer[spot + 1 :]
    if kind in ("reference", "structured") and dice.random() < 0.2:
        payer = dice.choice(["", "J. SMITH", "ACCOUNTANTS & CO", "王小明"])
    return Told(kind, amount, written, structured, payer, order.account, order.number)


def _for_nobody(kind: str, victim: Waiting, known: Waiting, dice: random.Random) -> Told:
    strange = f"9{dice.randrange(10**10):010d}"
    copied = _as_people_write(victim.reference, dice)
    match kind:
        case "wrong_currency":
            return Told(kind, Money(dice.randrange(40_000, 60_000), "USD"), copied, "", victim.name, strange)
        case "copied_account":
            return Told(kind, victim.total, copied, "", "", known.account)
        case "copied_name":
            return Told(kind, victim.total, copied, "", _as_banks_write(known.name, dice), strange)
        case "customer_without_order":
            return Told(kind, victim.total, "thank you", "", _as_banks_write(known.name, dice), known.account)
        case "went_out":
            return Told(kind, Money(-dice.randrange(500, 90_000), "TWD"), "rent", "", "LANDLORD", strange)
    text = dice.choice(["rent", "RF18 5390 0754 7034", "interest", "2019 000", "invoice 20190623", "refund RF00"])
    amount = victim.total if dice.random() < 0.5 else Money(dice.randrange(10, 90_000), "TWD")
    return Told(
        kind, amount, text, "", dice.choice(["CITY WATER", "臺灣電力", "TAX OFFICE", "GLOBAL TRADING"]), strange
    )


def _as_people_write(reference: str, dice: random.Random) -> str:
    form = dice.choice([reference, spaced(reference), reference.lower(), "-".join(spaced(reference).split())])
    return dice.choice(["{}", "Action Pack {}", "{} thanks", "年費 {}", "fee/{}/2019", "REF:{}"]).format(form)


def _slip(reference: str, dice: random.Random) -> str:
    """One slip of a scanner or a finger."""
    at = dice.randrange(4, len(reference) - 1)
    match dice.randrange(4):
        case 0 if "0" in reference[4:]:
            return reference[:4] + reference[4:].replace("0", "O", 1)
        case 1:
            return reference[:at] + str((int(reference[at]) + dice.randrange(1, 10)) % 10) + reference[at + 1 :]
        case 2:
            return reference[:at] + reference[at + 1] + reference[at] + reference[at + 2 :]
    return reference[:at] + reference[at + 1 :]


def _as_banks_write(name: str, dice: random.Random) -> str:
    bare = name.removesuffix("股份有限公司")
    if bare != name:
        return dice.choice([name, bare, f"{bare}(股)公司", f"{bare}有限公司"])
    first = name.rsplit(" ", 1)[0] if name.endswith(("Ltd", "Inc.", "Limited", "Corp.")) else name
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name.upper())
    return dice.choice([name, name.upper(), first.upper(), f"{first} LTD", name.replace(" ", "  ").upper(), wide])


def as_camt(told: list[Told], accounts: dict[str, str], day: date) -> bytes:
    """The lines as a camt.053 file, one statement to an account, spread over the days before."""
    parts = ['<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>']
    for currency in dict.fromkeys(line.amount.currency for line in told):
        mine = [(n, line) for n, line in enumerate(told) if line.amount.currency == currency]
        total = Money(sum(line.amount.minor for _, line in mine), currency)
        parts.append(f"<Stmt><Acct><Id><Othr><Id>{escape(accounts[currency])}</Id></Othr></Id></Acct>")
        parts += [_balance("OPBD", Money(0, currency)), _balance("CLBD", total)]
        parts += [_entry(n, line, day - timedelta(days=n % 9)) for n, line in mine]
        parts.append("</Stmt>")
    return ("".join(parts) + "</BkToCstmrStmt></Document>").encode()


def _amount(money: Money) -> str:
    side = "CRDT" if money.minor >= 0 else "DBIT"
    figure = number(Money(abs(money.minor), money.currency)).replace(",", "")
    return f'<Amt Ccy="{money.currency}">{figure}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def _balance(code: str, money: Money) -> str:
    return f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(money)}</Bal>"


def _entry(n: int, line: Told, day: date) -> str:
    side = "Dbtr" if line.amount.minor > 0 else "Cdtr"
    structured = f"<Strd><CdtrRefInf><Ref>{line.reference}</Ref></CdtrRefInf></Strd>" if line.reference else ""
    return (
        f"<Ntry>{_amount(line.amount)}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt>"
        f"</ValDt><AcctSvcrRef>{day:%y%m%d}{n:07d}</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED"
        f"</EndToEndId></Refs><RltdPties><{side}><Pty><Nm>{escape(line.payer)}</Nm></Pty></{side}><{side}Acct><Id><Othr>"
        f"<Id>{line.payer_account}</Id></Othr></Id></{side}Acct></RltdPties><RmtInf><Ustrd>{escape(line.text)}</Ustrd>"
        f"{structured}</RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def in_order(told: list[Told]) -> list[Told]:
    """The lines as they stand in the file: account after account."""
    return [line for c in dict.fromkeys(x.amount.currency for x in told) for line in told if line.amount.currency == c]


def take_in(told: list[Told], world: Acts, name: str, progress: Progress | None = None) -> StatementFile:
    """Import the lines, dated within the days the orders wait, as finance does."""
    content = as_camt(told, current().seller.bank_accounts, world.today)
    return import_statement(SYSTEM, None, content=content, name=name, now=world.now, progress=progress)


def in_two_steps(content: bytes, world: Acts) -> tuple[StatementFile, float, float]:
    """Import a file; beside it the seconds for entering and matching it all, and for giving the lines away."""
    began, first = time.perf_counter(), 0.0

    def note(n: int, of: int) -> None:
        nonlocal first
        first = first or time.perf_counter()

    file = import_statement(SYSTEM, None, content=content, name="noisy.xml", now=world.now, progress=note)
    ended = time.perf_counter()
    return file, (first or ended) - began, ended - (first or ended)


def judge(told: list[Told], content: bytes) -> Verdict:
    """Hold what stands in the database against the truth. A line given to another partner is wrong, held or not."""
    keys = [line.line_key for line in read(content).lines]
    numbers = dict(Order.objects.values_list("pk", "number"))
    owners = dict(Order.objects.values_list("number", "partner_id"))
    rows = BankLine.objects.filter(line_key__in=keys).prefetch_related("allocations")
    given = {row.line_key: list(row.allocations.all()) for row in rows}
    due = matched = wrong = 0
    missed: Counter[str] = Counter()
    for line, key in zip(in_order(told), keys, strict=True):
        parts = given.get(key, [])
        due += bool(line.truth)
        right = bool(line.truth) and all(
            part.partner_id == owners[line.truth] and numbers.get(part.order_id, line.truth) == line.truth
            for part in parts
        )
        matched += bool(parts) and right
        wrong += bool(parts) and not right
        if line.truth and not parts:
            missed[line.kind] += 1
    return Verdict(len(told), due, matched, wrong, dict(missed))
