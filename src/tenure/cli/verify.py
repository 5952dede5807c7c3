"""Recompute every promise and list what is broken. It decides nothing; read next: ``proof/verify.py``."""

import argparse
import json
from contextlib import nullcontext
from typing import Any

from tenure.cli.main import COULD_NOT_RUN, FAILED, CannotRun
from tenure.kernel.refusals import Refusal

NEEDS_DJANGO = True


def register(commands: Any) -> None:
    text = "Recompute every invariant from the rows and list what is not as promised."
    ends = "Exit status: 0 all hold, 1 one is violated, 2 one could not be checked."
    parser = commands.add_parser("verify", help="recompute every promise", description=text, epilog=ends)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--offline", action="store_true", help="do not ask the card gateway for its charges")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tenure.cli.gateway import card_gateway
    from tenure.proof import verify

    try:
        with nullcontext() if args.offline else card_gateway():
            report = verify.run(ask_gateways=not args.offline)
    except Refusal as refusal:
        raise CannotRun("No programme is in force yet: apply one first.") from refusal
    print(json.dumps(report.plain(), ensure_ascii=False) if args.json else told(report))
    return FAILED if report.violated else COULD_NOT_RUN if report.unable else 0


def told(report: Any) -> str:
    """One line for each invariant, and below it what is broken."""
    lines = []
    for finding in report.findings:
        state = f"{finding.count} broken" if finding.count else finding.note or "holds"
        lines.append(f"{finding.invariant.id:>5}  {state:<10}  {finding.invariant.statement}")
        for violation in finding.violations:
            plain = violation.plain()
            facts = "  ".join(f"{name}={value}" for name, value in plain["facts"].items())
            lines.append(f"         {plain['object']}  {facts}")
        if finding.more:
            lines.append(f"         and {finding.more} more")
    broken = len(report.violated)
    unchecked = sum(1 for finding in report.findings if finding.note)
    lines.append(f"{len(report.findings)} invariants: {broken} violated, {unchecked} not checked")
    return "\n".join(lines)
