"""Make the virtual environment that every other command uses, with whatever Python 3.11 or newer is found.

It decides how ``.venv`` comes about on machines that lack a part of Python, and does nothing when nothing has
changed. It must never need a package itself, ask a question, or end in a traceback: what is wrong is one sentence
on standard error and exit status 2. Read next: ``Makefile``.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "tenure-setup"
LOG = VENV / "setup.log"
OLDEST = (3, 11)
FREE_BYTES = 1_500_000_000
TIMES = "the first time this takes a few minutes"

# What pip says, and what to do about it; the first that fits is told.
NO_NETWORK = "The packages can't be downloaded: check the network, or pip's proxy and index settings."
BROKEN_OFF = "The download broke off: check the network and run it again."
NO_COMPILER = "A package has to be compiled here: install the packages gcc and python3-dev."
CAUSES = (
    ("No space left on device", "The disk is full: free about 1.5 GB and run it again."),
    ("DO NOT MATCH THE HASHES", "A package is not the one that requirements.lock names, so nothing was installed."),
    ("SSLError", "The package index can't be trusted: check the machine's clock and certificates."),
    ("Failed to establish a new connection", NO_NETWORK),
    ("NameResolutionError", NO_NETWORK),
    ("ConnectTimeout", NO_NETWORK),
    ("ProxyError", NO_NETWORK),
    ("Connection broken", BROKEN_OFF),
    ("Read timed out", BROKEN_OFF),
    ("error: command", NO_COMPILER),
    ("Unknown compiler", NO_COMPILER),
    ("Failed building wheel", NO_COMPILER),
    ("No matching distribution", "A package has no build for this Python or machine, or the package index lacks it."),
)


class CannotSetUp(Exception):
    """One sentence for a person."""


def main() -> None:
    use_a_new_enough_python()
    with open(LOCK) as lock:
        # `make run` and `make test` at once: the second waits and then finds everything done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not up_to_date():
            make_environment()
            install()
            write_launcher()
            STAMP.write_text(state())
        compile_translations()
        if "--browser" in sys.argv:
            find_browser()


def use_a_new_enough_python() -> None:
    if sys.version_info >= OLDEST:
        return
    ask = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    for minor in range(15, OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and subprocess.call([other, "-c", ask], stderr=subprocess.DEVNULL) == 0:
            os.execv(other, [other, *sys.argv])
    found = ".".join(map(str, sys.version_info[:2]))
    raise CannotSetUp(f"Tenure needs Python 3.11 or newer and found {found}: install a newer python3.")


def state() -> str:
    """What the environment was made of; when this line changes, it is made again."""
    parts = [LOCK.read_bytes(), Path(__file__).read_bytes(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def up_to_date() -> bool:
    # PYTHON.exists() follows the link: a Python that was uninstalled or upgraded away counts as a change.
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == state()


# The environment


def make_environment() -> None:
    if works(PYTHON, "import sys, pip; sys.exit(sys.version_info < (3, 11))"):
        return
    if shutil.disk_usage(ROOT).free < FREE_BYTES:
        raise CannotSetUp(f"The disk that holds {ROOT} is full: about 1.5 GB must be free for the packages.")
    say("Making the virtual environment .venv")
    shutil.rmtree(VENV, ignore_errors=True)
    for way in (by_venv, by_venv_and_pip_of_the_system, by_virtualenv, by_installing_venv):
        if way():
            return
    raise CannotSetUp("This Python can't make virtual environments: install the package python3-venv.")


def by_venv() -> bool:
    return has("venv") and has("ensurepip") and quiet(sys.executable, "-m", "venv", str(VENV)) and has_pip()


def by_venv_and_pip_of_the_system() -> bool:
    """Debian ships ``venv`` without the pip that belongs in it; the system's own pip can put one there."""
    if not (has("venv") and has("pip")):
        return False
    made = quiet(sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV))
    return made and quiet(sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "pip") and has_pip()


def by_virtualenv() -> bool:
    if has("virtualenv"):
        return quiet(sys.executable, "-m", "virtualenv", "--clear", str(VENV)) and has_pip()
    program = shutil.which("virtualenv") or ""
    return bool(program) and quiet(program, "-p", sys.executable, "--clear", str(VENV)) and has_pip()


def by_installing_venv() -> bool:
    if not apt_install("python3-venv"):
        return False
    return quiet(sys.executable, "-m", "venv", "--clear", str(VENV)) and has_pip()


def install() -> None:
    say(f"Installing the packages of requirements.lock ({TIMES})")
    command = [str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-deps"]
    # A person's own settings for other environments would only get in the way of this one.
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET")}
    with open(LOG, "w") as log:
        wanted = [*command, "--require-hashes", "-r", str(LOCK)]
        done = subprocess.call(wanted, stdout=log, stderr=log, env={**env, "PIP_USER": "0"})
    if done:
        said = LOG.read_text(errors="replace")
        why = next((words for sign, words in CAUSES if sign in said), "The packages could not be installed.")
        raise CannotSetUp(f"{why} (pip's own words are in {LOG.relative_to(ROOT)})")


def write_launcher() -> None:
    """The checkout on the path and a ``tenure`` command, without a build: nothing to download, nothing to go stale."""
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([str(PYTHON), "-c", where], check=True, capture_output=True, text=True).stdout.strip()
    (Path(packages) / "tenure-checkout.pth").write_text(f"{ROOT / 'src'}\n")
    launcher = VENV / "bin" / "tenure"
    # By way of the shell, because a first line holds neither a long path nor one with spaces.
    quoted = str(PYTHON).replace("'", "'\"'\"'")
    launcher.write_text(f"""#!/bin/sh
'''exec' '{quoted}' "$0" "$@"
' '''
import sys

from tenure.cli.main import main

sys.exit(main())
""")
    launcher.chmod(0o755)


def compile_translations() -> None:
    for source in sorted((ROOT / "src" / "tenure" / "locale").glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        if not quiet(str(VENV / "bin" / "python"), str(ROOT / "tools" / "words.py"), "--compile"):
            raise CannotSetUp(f"The translation {source.relative_to(ROOT)} can't be compiled: its syntax is broken.")


def find_browser() -> None:
    """The browser tests need Chromium, and a font with Chinese characters for what they photograph."""
    wanted = [] if shutil.which("chromium") else ["chromium"]
    if not fonts_for_chinese():
        wanted += ["fonts-noto-cjk", "fontconfig"]
    if wanted and not apt_install(*wanted) and "chromium" in wanted:
        raise CannotSetUp("The browser tests need Chromium: install the packages chromium and fonts-noto-cjk.")


def fonts_for_chinese() -> bool:
    lister = shutil.which("fc-list")
    return bool(lister and subprocess.run([lister, ":lang=zh-tw"], check=False, capture_output=True).stdout.strip())


# Small words


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def has_pip() -> bool:
    return works(PYTHON, "import pip")


def works(python: Path, program: str) -> bool:
    return python.exists() and quiet(str(python), "-c", program)


def quiet(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def apt_install(*packages: str) -> bool:
    """Install with Debian's packager when that asks nobody anything."""
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (prefix and not (shutil.which("sudo") and quiet(*prefix, "true"))):
        return False
    say(f"Installing {' '.join(packages)} with apt-get")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    quiet(*apt, "update")
    return quiet(*apt, "install", "--no-install-recommends", *packages)


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    try:
        main()
    except CannotSetUp as reason:
        sys.exit(print(reason, file=sys.stderr) or 2)
    except KeyboardInterrupt:
        sys.exit(print("Stopped.", file=sys.stderr) or 130)
    except OSError as error:
        full = "The disk is full: free about 1.5 GB and run it again."
        told = full if error.errno == 28 else f"{error.filename or 'The setup'} can't be used: {error.strerror}."
        sys.exit(print(told, file=sys.stderr) or 2)
