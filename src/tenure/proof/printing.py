"""Many invoices written one after another: what one costs, what all cost, and whether the memory stays where it was.

It decides nothing and stores nothing: the sales are made up here, each another company, amount, kind and language.
It must never be a test, because seconds do not travel between machines. Read next: ``cli/bench_invoices.py``.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import psutil

from tenure.billing.documents import draw
from tenure.billing.rules import Bank, InvoiceLine, InvoiceView, Kind, Party, Payment, credit_of, tax_correction
from tenure.kernel.money import Money, TaxedPrice
from tenure.kernel.periods import Span

WORKERS = 2
SETTLED = 10
"""A worker's memory counts as settled after a tenth of its documents: fonts and compiler are read by then."""
SELLER = {
    "en": Party("Aurora Systems Ltd", ("12F, No. 100, Songren Road",), "TW", "24536806", email="bills@aurora.example"),
    "zh-hant": Party(
        "極光系統股份有限公司", ("臺北市信義區松仁路 100 號",), "TW", "24536806", email="bills@aurora.example"
    ),
}
OFFER = {"en": "Action Pack", "zh-hant": "行動套件"}
COMPANY = {"en": "Northwind Trading {n} Ltd", "zh-hant": "北風貿易第 {n} 股份有限公司"}
SALES: tuple[tuple[str, int, str, str], ...] = (
    ("TWD", 500, "S", "TW"),
    ("USD", 0, "Z", "US"),
    ("TWD", 0, "E", "TW"),
    ("EUR", 0, "AE", "FR"),
)
SALES += (("USD", 0, "G", "SG"), ("EUR", 1900, "S", "DE"))


@dataclass(frozen=True, slots=True)
class Run:
    """What one worker did: seconds of each document and of the processor in all, bytes made, and resident megabytes
    settled and at the end."""

    seconds: list[float]
    processor: float
    size: int
    settled_mb: float
    ended_mb: float


def print_all(n: int, workers: int = WORKERS) -> tuple[list[Run], float]:
    """Write ``n`` documents with some workers at once; what each did, and the seconds from first to last."""
    began = time.perf_counter()
    words = [sys.executable, "-m", __name__]
    # Processes of their own: they share neither memory nor an open connection with this one.
    started = [
        subprocess.Popen([*words, str(first), str(workers), str(n)], stdout=subprocess.PIPE) for first in range(workers)
    ]
    said = [worker.communicate()[0] for worker in started]
    if any(worker.returncode for worker in started):
        raise RuntimeError("a worker did not come to its end")
    return [Run(**json.loads(each)) for each in said], time.perf_counter() - began


def sales(first: int, step: int, n: int) -> Iterator[InvoiceView]:
    """Every ``step``-th of ``n`` documents; among twelve, one takes a whole sale back and one its tax."""
    for number in range(first, n, step):
        sold = _sale(number)
        match number % 12:
            case 10:
                yield credit_of(sold, f"CN-2019-{number:05d}", sold.issued_on + timedelta(days=9))
            case 11:
                yield tax_correction(sold, f"CN-2019-{number:05d}", sold.issued_on + timedelta(days=30))
            case _:
                yield sold


def _sale(number: int) -> InvoiceView:
    language = ("en", "zh-hant")[number // 12 % 2]
    currency, rate_bp, category, country = SALES[number % len(SALES)]
    begins = date(2019, 1, 1) + timedelta(days=number % 300)
    price = TaxedPrice.of(Money(15_000 + number, currency), rate_bp)
    term = Span(begins, begins + timedelta(days=364))
    buyer = Party(
        COMPANY[language].format(n=number),
        (f"{number} Harbour Road",),
        country,
        "" if category == "G" else f"{10_000_000 + number}",
        f"{1_234_565 + number}",
    )
    open_until = begins + timedelta(days=14)
    return InvoiceView.of(
        kind=Kind.INVOICE,
        number=f"INV-2019-{number:05d}",
        issued_on=begins,
        language=language,
        seller=SELLER[language],
        bank=Bank("First Moon Bank", "0099-01-118820-6", "FMHBTWTP") if number % 3 == 0 else None,
        buyer=buyer,
        lines=[InvoiceLine.of(OFFER[language], term, price, category)],
        currency=currency,
        tax_name={"en": "Tax", "zh-hant": "稅額"}[language],
        order_number=f"ORD-2019-{number:05d}",
        payment=Payment("bank_transfer", pay_by=open_until)
        if number % 3 == 0
        else Payment("card", paid_on=begins, instrument="Visa 4242"),
    )


def _work(first: int, step: int, n: int) -> Run:
    me = psutil.Process()
    seconds: list[float] = []
    size = 0
    settled = 0.0
    busy = time.process_time()
    for done, view in enumerate(sales(first, step, n)):
        began = time.perf_counter()
        size += len(draw(view)[0])
        seconds.append(time.perf_counter() - began)
        if done == n // step // SETTLED:
            settled = _megabytes(me)
    return Run(seconds, time.process_time() - busy, size, settled, _megabytes(me))


def _megabytes(process: psutil.Process) -> float:
    return process.memory_info().rss / 2**20


if __name__ == "__main__":
    print(json.dumps(asdict(_work(*map(int, sys.argv[1:])))))
