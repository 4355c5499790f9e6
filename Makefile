# Two commands do everything on a machine with Python 3.11+, git and make: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)
JOBS ?= 2

# Commands start three times as fast from compiled modules, also where Python is told not to write them by itself.
COMPILE = $(BIN)/python -m compileall -q parsers identity routing ivr gateway

ifdef UV
INSTALL = uv pip install --compile-bytecode --python $(BIN)/python
else
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check
endif

.PHONY: run reset test check lint types contracts torture bench lock

run: .venv/.run        ## set up, then start the demo desk
	@$(BIN)/presa up --demo

reset:                 ## forget the demo's data
	@rm -rf var && echo "The demo's data in ./var is gone; 'make run' starts over."

test: .venv/.test      ## set up, then every test
	@$(COMPILE)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

check: .venv/.test lint types contracts test   ## lint, types, import contracts, tests

lint: .venv/.test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
types: .venv/.test
	@$(BIN)/mypy
contracts: .venv/.test
	@$(BIN)/lint-imports

torture: .venv/.test   ## hundreds of random kills on both databases, and real telephones
	@PRESA_TORTURE=1 $(BIN)/python -m pytest -m torture tests/test_torture.py
	@PRESA_SIP=1 $(BIN)/python -m pytest -rs tests/test_sip_baresip.py

bench: .venv/.test     ## the benchmarks, as ratios
	@$(BIN)/python benchmarks/intake.py && $(BIN)/python benchmarks/webhook.py && $(BIN)/python benchmarks/stamping.py && $(BIN)/python benchmarks/deadlines.py

lock:                  ## renew the locked requirements (needs uv)
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --upgrade pyproject.toml -o requirements.txt
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Presa needs Python 3.11 or newer; found " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11.")'
	@echo "Making the virtual environment in .venv"
	@$(PYTHON) -m venv .venv

.venv/.run: requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing what Presa needs (locked, with hashes)"
	@$(INSTALL) --require-hashes -r requirements.txt
	@$(INSTALL) --no-deps --no-build-isolation -q --config-settings editable_mode=compat -e .
	@$(COMPILE)
	@touch $@

.venv/.test: requirements-dev.txt pyproject.toml | .venv/bin/python
	@echo "Installing what Presa and its tests need (locked, with hashes)"
	@$(INSTALL) --require-hashes -r requirements-dev.txt
	@$(INSTALL) --no-deps --no-build-isolation -q --config-settings editable_mode=compat -e .
	@$(COMPILE)
	@touch $@ .venv/.run
