"""Processes that tests start, and when they can be spoken to."""

import time
import urllib.request


def until_it_answers(address: str, what: str, *, seconds: float = 10) -> None:
    """Wait until an address answers; a process that does not come up is named."""
    last = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < last, f"{what} did not start"
            time.sleep(0.02)
