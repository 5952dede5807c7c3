"""``tenure demo``: fill an empty database with a living programme, the same for the same seed.

It decides that only an empty database is filled. It must never touch one that holds anything. Read next:
``proof/world.py``, which builds it, and ``proof/story.py``, which says who is in it.
"""

import argparse
import json
import os
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from tenure.cli.main import CannotRun

TEXT = (
    "Fill an empty database with a demonstration: a programme, an office, and firms in every state a partner can be "
    "in on 23 June 2019, built by living from 2016 day by day. The same seed builds the same world."
)


def register(commands: Any) -> None:
    parser = commands.add_parser("demo", help="fill an empty database with a living programme", description=TEXT)
    parser.add_argument(
        "--partners", type=_count, default=0, metavar="N", help="add N generated partners (default 0, at most 20000)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which world (default 1)")
    parser.add_argument("--if-empty", action="store_true", help="do nothing, quietly, when the database is not empty")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    _open_house()
    from django.core.management import call_command

    from tenure.cli.gateway import card_gateway
    from tenure.proof import world

    call_command("migrate", interactive=False, verbosity=0)
    if world.unfinished():
        world.clear()
        call_command("migrate", interactive=False, verbosity=0)
    if not world.empty():
        if args.if_empty:
            return 0
        raise CannotRun("The database is not empty: a demonstration is only built where nothing is.")
    began = time.monotonic()
    with card_gateway(), _no_letters_leave():
        built = world.build(args.seed, extra=args.partners, tell=_teller(args))
    _say(args, built, args.partners, time.monotonic() - began)
    return 0


def _open_house() -> None:
    """Make the folder's key before anything is signed with it, and leave it for commands in other terminals."""
    import django

    from tenure.cli.up import kept, write_private

    if not os.environ.get("TENURE_DATABASE_URL"):
        os.environ.setdefault("TENURE_DEMO", "1")
        data = Path(os.environ.get("TENURE_DATA_DIR") or ".data").resolve()
        data.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("TENURE_SECRET_KEY", kept(data / "secret-key"))
        if not (data / "house.json").exists():
            left = {name: os.environ[name] for name in ("TENURE_DEMO", "TENURE_SECRET_KEY")}
            write_private(data / "house.json", json.dumps(left, indent=1))
    if os.environ.get("TENURE_DEMO") != "1":
        raise CannotRun("A demonstration is only built with TENURE_DEMO=1.")
    django.setup()


class _no_letters_leave:  # noqa: N801  used as a word
    """Letters of the past are put into words and kept, but handed to no mail server."""

    def __enter__(self) -> None:
        from django.conf import settings

        self.before = settings.EMAIL_BACKEND
        settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

    def __exit__(self, *_: object) -> None:
        from django.conf import settings

        settings.EMAIL_BACKEND = self.before


def _teller(args: argparse.Namespace):
    watched = sys.stderr.isatty() and not args.json

    def tell(day: date) -> None:
        if watched:
            print(f"\r{day}", end="", file=sys.stderr, flush=True)

    return tell


def _say(args: argparse.Namespace, built: Any, partners: int, seconds: float) -> None:
    from tenure.proof.world import PASSWORD

    if args.json:
        facts = {"now": built.now.isoformat(), "seed": args.seed, "generated": partners, "seconds": round(seconds, 1)}
        print(json.dumps({**facts, "password": PASSWORD}))
        return
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print(f"A living programme stands at {built.now:%Y-%m-%d %H:%M} {built.zone}, built in {seconds:.0f} s.")
    print(f'Everybody in it signs in with the password "{PASSWORD}", for example mei-ling@fabrik.example.')


def _count(text: str) -> int:
    if not text.isdigit() or int(text) > 20_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 20000")
    return int(text)
