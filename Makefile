# `make run` and `make test` set up whatever is missing first; what is there already is not made again.
.DELETE_ON_ERROR:
.NOTPARALLEL:
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := run

PY := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONPATH := $(CURDIR):$(CURDIR)/platform:$(CURDIR)/client
# bytecode is kept wherever it may be written: each test process compiles hundreds of modules without it
export PYTHONDONTWRITEBYTECODE :=

INSTALLED := .venv/installed
MODULES := frontend/node_modules/.installed
DIST := platform/palmares/static/dist/manifest.json
SOURCES := $(shell find frontend -type f -not -path '*/node_modules/*' -not -name '*.test.ts' 2>/dev/null)

.PHONY: run setup quick test lint bench train tables clean

run: setup  ## serve http://localhost:8000, or PORT
	@exec $(PY) manage.py up

setup: $(INSTALLED) $(DIST)  ## everything `run` and `test` need, inside the clone

quick: setup  ## what one runs while working: style and the tests without long fits, servers and browsers
	ruff check .
	npm --prefix frontend test --silent
	# tables are made from the models: 76 migrations for each process take longer than what is tested
	PALMARES_FSYNC=off $(PY) -m pytest -q -n2 --dist loadfile --nomigrations -m "not bench and not slow" --ignore tests/browser --ignore tests/bench

test: setup  ## every test: Python, then TypeScript
	npm --prefix frontend test --silent
	# the browser's event loop occupies its test process, so browser tests have processes of their own;
	# a file's tests share one process, and with it its servers and trained networks
	PALMARES_FSYNC=off $(PY) -m pytest -n2 --dist loadfile -m "not bench" tests/browser
	PALMARES_FSYNC=off $(PY) -m pytest -n2 --dist loadfile -m "not bench" --ignore tests/browser

lint: setup  ## style, types, and who imports whom
	ruff check .
	ruff format --check .
	lint-imports
	mypy
	npm --prefix frontend run --silent lint

bench: setup  ## measure, and print a table
	@$(PY) -m tests.bench

train: setup  ## make the shipped weights again: data, networks, model cards; MOTIONS=DIR adds recorded hand motion
	$(PY) -m ml.training.train_kong2022 --backbone landmarks
	$(PY) -m ml.training.train_on_renders
	$(PY) -m ml.training.train_kong2022 --backbone image --confidence
	$(PY) -m ml.training.train_motion_prior $(if $(MOTIONS),--motions $(MOTIONS))
	$(PY) -m ml.training.train_systems

tables: setup  ## the poster's tables on test people; SEED=n draws others
	$(PY) -m ml.training.tables --seed $(or $(SEED),0)
	$(PY) -m ml.training.hmp_tables --seed $(or $(SEED),0)
	$(PY) -m ml.training.survey_tables --seed $(or $(SEED),0)

clean:  ## remove what `setup` made; data in var/ stays
	rm -rf .venv frontend/node_modules platform/palmares/static/dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks

$(INSTALLED): requirements.lock .ci/venv
	@.ci/venv
	@touch $@

$(MODULES): frontend/package-lock.json $(INSTALLED)
	# not `npm ci`: it refuses a lock made where other systems' optional packages could not be seen; versions are pinned all the same
	npm --prefix frontend install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

$(DIST): $(MODULES) $(SOURCES)
	npm --prefix frontend run --silent build
	@touch $@
