# Two commands: `make run` needs python3 (3.11 or newer, with venv) and a package index; `make test`
# also installs the tools that tests compare with, where the system's package manager lets it.
PYTHON ?=
VENV := .venv/bin
SET_UP = python=$$(PYTHON="$(PYTHON)" sh scripts/find-python.sh) && "$$python" scripts/setup.py

.PHONY: help run test test-long check bench mutate lock docs
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' Makefile

run: ## set up, run the sample on the bundled model, keep serving until Ctrl-C
	@$(SET_UP) runtime
	@exec $(VENV)/lab up --sample --data-dir .lab

test: ## check, then every kind of test, in minutes
	@$(SET_UP) dev
	@$(VENV)/python scripts/servers.py
	@$(MAKE) --no-print-directory check
	@sh scripts/test.sh "not long"

test-long: ## the same at length: thousands of cases, hundreds of kills
	@$(SET_UP) dev
	@$(VENV)/python scripts/servers.py
	@$(MAKE) --no-print-directory check
	@HYPOTHESIS_PROFILE=long sh scripts/test.sh ""

check: ## format, lint, types, floors: seconds
	@$(SET_UP) dev
	@$(VENV)/ruff format --check --quiet .
	@$(VENV)/ruff check --quiet .
	@$(VENV)/mypy
	@$(VENV)/lint-imports --no-logo 2>/dev/null || $(VENV)/lint-imports

bench: ## measure side by side, and write docs/reference/benchmarks.md
	@$(SET_UP) dev
	@$(VENV)/python -m bench

mutate: ## change the code in small places, and count what the unit tests notice
	@$(SET_UP) dev
	@$(VENV)/python scripts/mutate.py oncall alerting stories/replay --sample 300 --seed 6

lock: ## write requirements/*.txt anew from the newest releases
	@$(SET_UP) dev
	@$(VENV)/python scripts/lock.py

docs: ## write the generated pages of docs/reference anew
	@$(SET_UP) dev
	@$(VENV)/lab reference --write docs/reference
