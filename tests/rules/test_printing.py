"""The bench of invoices measures what it says: every document once, all kinds, drawn by processes of their own."""

from tenure.billing.rules import Kind
from tenure.proof.printing import print_all, sales


def test_two_workers_together_write_every_document_once():
    halves = [list(sales(first, 2, 48)) for first in range(2)]
    numbers = [view.number for half in halves for view in half]
    assert len(set(numbers)) == len(numbers) == 48
    kinds = {(view.kind, view.language) for half in halves for view in half}
    assert kinds == {(kind, language) for kind in (Kind.INVOICE, Kind.CREDIT_NOTE) for language in ("en", "zh-hant")}
    assert {line.tax_category for half in halves for view in half for line in view.lines} == {"S", "Z", "E", "AE", "G"}


def test_a_run_tells_what_each_worker_did():
    runs, seconds = print_all(6)
    assert [len(run.seconds) for run in runs] == [3, 3]
    assert all(run.size > 3 * 10_000 and 0 < run.settled_mb <= run.ended_mb * 1.5 for run in runs)
    assert seconds >= max(sum(run.seconds) for run in runs)
