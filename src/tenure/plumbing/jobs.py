"""What runs when, and how time is walked forward in a demonstration.

Work that is due is always found by facts and dates ("due on or before now and not done"), never by a timer
that could be missed; the engine only wakes us. It must never hold a rule. The schedule stands in ``wiring.py``.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta

from tenure.kernel.periods import day_of, plus_days, start_of
from tenure.plumbing import clock, mail, outbox
from tenure.plumbing.db import wiring

log = logging.getLogger(__name__)
ROUNDS = 50
# The engine's queue for what may take long and must hold up nothing else.
BESIDE = "beside"


def tick(now: datetime) -> int:
    """Run everything on the schedule once, then what followed from it; returns how much was done."""
    done = 0
    for name, job in wiring().SCHEDULE:
        try:
            done += job(now) or 0
        except Exception:
            # One broken job must not keep the others from running; it comes round again at the next tick.
            log.exception("job %s failed", name)
            wiring().job_failed(name, now)
    return done + settle_down(now)


def settle_down(now: datetime) -> int:
    """Reactions and mail, until nothing is left to do."""
    return outbox.drain() + mail.deliver(now)


def run_until_idle(now: datetime) -> int:
    """Run what is due until a whole round finds nothing; returns how much was done."""
    total = 0
    for _ in range(ROUNDS):
        done = tick(now)
        total += done
        if not done:
            return total
    raise RuntimeError(f"work kept appearing for {ROUNDS} rounds")


def advance(to: datetime, zone: str, *, each_day: Callable[[datetime], None] | None = None) -> int:
    """Walk the demonstration clock to an instant, day by day, running what falls due in order.

    Every day on which something falls due is stopped at just after its start, because the daily run happens then;
    days on which nothing does are passed over. ``each_day`` hears of the days stopped at.
    """
    total, now = 0, clock.now()
    while True:
        day = _next_day(day_of(now, zone))
        dawn = start_of(day, zone) + timedelta(minutes=4)
        stop = min([dawn, *_instants(now)])
        if stop >= to:
            break
        clock.put(stop)
        total, now = total + run_until_idle(stop), stop
        if each_day and stop == dawn:
            each_day(dawn)
    clock.put(to)
    return total + run_until_idle(to)


def _instants(now: datetime) -> list[datetime]:
    """The instants still to come at which something falls due by the hour, not by the day."""
    told = [tell(now) for tell in wiring().COMES_DUE_AT]
    return [at for at in told if at and at > now]


def _next_day(day: date) -> date:
    """The next day on which a job has something to do; a job that can't tell is asked every day."""
    tomorrow = plus_days(day, 1)
    tells = wiring().COMES_DUE
    days = [tells[name](day) if name in tells else tomorrow for name, _ in wiring().SCHEDULE]
    return max(tomorrow, min((day for day in days if day), default=date.max - timedelta(days=1)))


def work() -> None:
    """Run the worker until it is told to stop: woken by the job engine, ticking every minute besides.

    A second one beside it does what waits for others' machines.
    """
    from procrastinate.contrib.django import app  # noqa: PLC0415  needs the app registry

    wiring()  # declares the engine's tasks

    async def run() -> None:
        worker_app = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]
        async with worker_app.open_async():
            given = {"concurrency": 1, "delete_jobs": "always", "fetch_job_polling_interval": 5}
            second = worker_app.run_worker_async(queues=[BESIDE], install_signal_handlers=False, **given)
            beside = asyncio.create_task(second)
            try:
                await worker_app.run_worker_async(queues=["default"], **given)
            finally:
                beside.cancel()
                with suppress(asyncio.CancelledError):
                    await beside

    asyncio.run(run())
