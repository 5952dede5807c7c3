"""``tenure bench invoices``: tax invoices, PDF and data in one, written by two workers; nothing is stored.

It decides nothing. Read next: ``proof/printing.py``.
"""

import argparse
import json
import statistics


def run(args: argparse.Namespace) -> int:
    found = _measure(args.lines)
    print(json.dumps(found) if args.json else _table(found))
    return 0


def _measure(n: int) -> dict:
    from tenure.proof.printing import print_all

    runs, seconds = print_all(n)
    each = sorted(value * 1000 for run in runs for value in run.seconds)
    return {
        "invoices": len(each),
        "workers": len(runs),
        "seconds": round(seconds, 1),
        "median_ms": round(statistics.median(each), 2),
        "p95_ms": round(each[int(len(each) * 0.95) - 1], 2),
        "processor_ms": round(sum(run.processor for run in runs) / len(each) * 1000, 2),
        "kilobytes": round(sum(run.size for run in runs) / len(each) / 1000, 1),
        "settled_mb": [round(run.settled_mb) for run in runs],
        "ended_mb": [round(run.ended_mb) for run in runs],
    }


def _table(found: dict) -> str:
    memory = ", ".join(
        f"{began} to {ended} MB" for began, ended in zip(found["settled_mb"], found["ended_mb"], strict=True)
    )
    return "\n".join(
        [
            f"{found['invoices']:,} tax invoices in {found['seconds']} s by {found['workers']} workers",
            f"  each: median {found['median_ms']} ms, p95 {found['p95_ms']} ms, "
            f"{found['processor_ms']} ms of a processor, {found['kilobytes']} kB",
            f"  memory of each worker, settled to end: {memory}",
        ]
    )
