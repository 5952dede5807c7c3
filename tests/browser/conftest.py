"""The whole house as ``make run`` starts it, and a headless Chromium that visits it.

One house serves all journeys of a process; each journey brings people of its own, so that none depends on another.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

START_SECONDS = 180
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1360, "height": 900}}


class House:
    """A running Tenure with its own data folder and port."""

    def __init__(self, folder: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.address = folder, f"http://127.0.0.1:{self.port}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TENURE_", "DJANGO_"))}
        self.environment = {**kept, "TENURE_DATA_DIR": str(folder), "TENURE_PORT": str(self.port)}
        self.log = (folder / "up.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tenure.cli.main", "up"],
            env=self.environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        last = time.monotonic() + START_SECONDS
        while not self._ready():
            assert self.process.poll() is None, (folder / "up.log").read_text()
            assert time.monotonic() < last, (folder / "up.log").read_text()
            time.sleep(0.2)

    def _ready(self) -> bool:
        try:
            return b"ok" in urllib.request.urlopen(f"{self.address}/healthz", timeout=2).read() and (
                "ready" in (self.folder / "up.log").read_text()
            )
        except OSError:
            return False

    def tenure(self, *words: str) -> str:
        """A command in another terminal."""
        done = subprocess.run(
            [sys.executable, "-m", "tenure.cli.main", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def letter(self, to: str, says: str) -> str:
        """The text of the newest letter to an address that says something, as soon as it has been sent."""
        last = time.monotonic() + 20
        while True:
            for file in sorted((self.folder / "mail").glob("*"), reverse=True):
                for raw in re.split(rb"(?m)^-{79}\n", file.read_bytes()):
                    message = message_from_bytes(raw.strip(), policy=policy.default)
                    if to in str(message["To"]) and (text := message.get_content()) and says in text:
                        return text
            assert time.monotonic() < last, f"no letter to {to} that says {says!r}"
            time.sleep(0.2)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)
        self.log.close()


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("house"))
    yield house
    house.stop()


@pytest.fixture(scope="session")
def chromium():
    assert CHROMIUM, "the journeys need Debian's chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """Somebody with a browser: a language, a screen, a light or dark room."""

    def __init__(self, browser: Browser, house: House, language: str, size: str = "desk", scheme: str = "light"):
        self.house, self.language = house, language
        self.context = browser.new_context(
            viewport=SIZES[size],
            color_scheme=scheme,
            locale="zh-TW" if language == "zh-hant" else "en-GB",
            base_url=house.address,
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.errors: list[str] = []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def go(self, path: str) -> Page:
        self.page.goto(path)
        return self.page

    def reads_own_language(self) -> None:
        """Switch the page to the visitor's language where somebody left it in the other."""
        if not self.page.evaluate("document.documentElement.lang").lower().startswith(self.language[:2]):
            self.press(self.page.get_by_role("button", name=re.compile("繁體中文|English")).first)

    def say(self, english: str, chinese: str) -> str:
        """The words this visitor reads."""
        return chinese if self.language == "zh-hant" else english

    def press(self, button: Locator, seconds: float = 20) -> None:
        """Press what leads to another page, and wait until it is there."""
        with self.page.expect_navigation(timeout=seconds * 1000):
            button.click(timeout=seconds * 1000)

    def sees(self, english: str, chinese: str) -> None:
        self.page.get_by_text(self.say(english, chinese)).first.wait_for()

    def is_sound(self) -> None:
        """Nothing for axe to find, nothing wider than the screen, the language told, no error in the console."""
        found = Axe().run(self.page).response["violations"]
        told = [(v["id"], [n["html"][:140] for n in v["nodes"]][:3]) for v in found]
        assert told == [], f"{self.page.url}: {told}"
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{self.page.url} is {wide} px wider than the screen"
        language = self.page.evaluate("document.documentElement.lang")
        assert language.lower().startswith("zh" if self.language == "zh-hant" else "en"), language
        assert self.errors == [], self.errors

    def close(self, seen: Path) -> None:
        """Leave; the last thing seen is kept, for whoever has to find out what went wrong."""
        self.page.screenshot(path=seen, full_page=True)
        self.context.close()


@pytest.fixture
def visit(chromium, house, tmp_path):
    """Make visitors; they leave when the journey is over."""
    came: list[Visitor] = []

    def arrive(language: str, size: str = "desk", scheme: str = "light") -> Visitor:
        came.append(Visitor(chromium, house, language, size, scheme))
        return came[-1]

    yield arrive
    for n, visitor in enumerate(came):
        visitor.close(tmp_path / f"last-seen-{n}.png")
