# Two commands are enough: `make run` and `make test`. The rest is for those who change the code.
# A recipe says no more than what it calls; what is hard to say stands in tools/setup.py and src/tenure/cli/.

PYTHON ?= python3
BIN := .venv/bin
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help setup run test fast check arch lint types maps words tour bench

help:
	@echo "Tenure, the partner programme centre"
	@echo
	@echo "Try it"
	@echo "  make run     everything from an empty checkout to the portal at http://127.0.0.1:8000"
	@echo "  make test    install what is missing and run every test"
	@echo "  make tour    one renewal told in six files, with line numbers"
	@echo
	@echo "Change it"
	@echo "  make setup   the virtual environment .venv, and nothing when it is up to date"
	@echo "  make fast    the rules' tests alone: no database, seconds"
	@echo "  make check   what make test does first: lint, arch, types"
	@echo "  make lint    style and layout (ruff)"
	@echo "  make types   types (mypy)"
	@echo "  make arch    who may import whom"
	@echo "  make words   every sentence in both languages"
	@echo "  make maps    docs/access.md and docs/events.md, written from the code"
	@echo "  make bench   how fast the pages are"
	@echo
	@echo "TENURE_PORT=8001 make run chooses another port, TENURE_DATA_DIR=... another data folder."

setup:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Tenure needs Python 3.11 or newer: install the package python3." >&2; exit 2; }
	@$(PYTHON) tools/setup.py

run: setup
	@exec $(BIN)/tenure up --end-with-parent

test: setup
	@$(PYTHON) tools/setup.py --browser
	@$(MAKE) check
	$(BIN)/pytest -n 2 --dist loadgroup tests

fast: setup
	@PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 $(BIN)/python -m pytest -q -p tests.fast --noconftest tests/rules

check: lint arch types

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	TENURE_DEMO=1 TENURE_DATABASE_URL=postgresql:///types $(BIN)/mypy

maps: setup
	$(BIN)/python tools/access.py
	$(BIN)/python tools/events.py

arch: setup
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/contracts/test_architecture.py

words: setup
	$(BIN)/python tools/words.py

tour: setup
	@$(BIN)/tenure tour

bench: setup
	$(BIN)/tenure bench pages
