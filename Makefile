# What people run. `make serve` and `make test` need Python 3.11 or newer, make and git; nothing else.
# Everything is installed below this folder: .venv (the virtualenv), .cache (client libraries), tests/node/node_modules.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: help python install serve test test-failed test-long coverage reconcile foreign-clients check bench sbom test-image fmt lock clean

# The interpreter that .venv is made with, the first of these that is complete; `make install PYTHON=...` names another.
PYTHON ?= $(shell for python in python3.12 python3.13 python3.11 python3.14 python3; do \
	$$python -c 'import sys, ensurepip, sqlite3, ssl; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
# Isolated installations for tests, from tests/clients/NAME.lock: official clients, and the pips that locks are tried with.
CLIENTS := openai-1 openai-2 openai-3 pip-23 pip-26
WORKERS ?= auto

help:
	@echo "make serve    the demo server: prints a key and lines to paste"
	@echo "make test     every test of up to 30 s; what this machine lacks is skipped with its reason (with CI set: fails)"
	@echo "make test-failed  the tests that failed in the last run, once more and one at a time"
	@echo "make test-long  the tests of more than 30 seconds each"
	@echo "make test-image  the image, built and run (as root, with Debian's buildah and debootstrap; minutes)"
	@echo "make coverage   the tests of make test with the lines that none of them reaches; takes twice as long"
	@echo "make reconcile  20,000 calls with faults, every ledger line compared with the upstream's report"
	@echo "make foreign-clients  30 clients of other makers, installed and tried; written to docs/conformance.md"
	@echo "make check    linter, formatter, types, import contracts"
	@echo "make fmt      format and fix what can be fixed by itself"
	@echo "make bench    side-by-side benchmarks, written to docs/benchmarks.md"
	@echo "make install  .venv with the llmproxy command"
	@echo "make sbom     the bill of materials of the image (CycloneDX), in build/sbom.json; EXTRAS=otel for an extra"
	@echo "make lock     resolve the lock files anew"
	@echo "make clean    remove everything that was installed or built"

# The interpreter that was found, for .ci/run.
python:
	@echo $(PYTHON)

install: .venv/runtime.stamp

serve: install
	$(BIN)/llmproxy serve --demo

test: .venv/dev.stamp $(CLIENTS:%=.cache/clients/%.stamp) node
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(TESTS)

# Real servers that share few cores can miss a deadline of a test: what fails only beside others passes here, a fault fails again.
test-failed: .venv/dev.stamp
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none

# Tracing makes servers several times slower, so that they no longer behave as those of users do.
coverage: .venv/dev.stamp $(CLIENTS:%=.cache/clients/%.stamp) node
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" --cov --cov-report=term:skip-covered $(TESTS)

# Tests of more than 30 seconds each.
test-long: .venv/dev.stamp $(CLIENTS:%=.cache/clients/%.stamp) node
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m slow $(TESTS)

# 20,000 mixed calls with faults and a killed server: every ledger line is compared with what the upstream reports.
reconcile: .venv/dev.stamp
	$(BIN)/python -m pytest -m slow tests/e2e/test_reconciliation.py

# Clients of other makers, each in a folder of its own below .cache/foreign (gigabytes).
foreign-clients: .venv/dev.stamp
	$(BIN)/python -m tests.foreign_clients.run

check: .venv/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/lock_check.py
	$(PIP) check

fmt: .venv/dev.stamp
	$(BIN)/ruff check --fix-only --exit-zero
	$(BIN)/ruff format

bench: .venv/dev.stamp
	$(BIN)/python -m bench $(BENCH)

# The image of the Dockerfile, built on a stand-in for its base and run; apart, because it would slow down the tests beside it.
test-image: .venv/dev.stamp
	TEST_IMAGE=1 $(BIN)/python -m pytest -m slow tests/e2e/test_image.py

sbom: .venv/dev.stamp
	@mkdir -p build
	$(BIN)/python -m tests.sbom $(EXTRAS) > build/sbom.json

# One resolution for every platform and Python version that we support, with the hashes of every file of a release.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links $(UPGRADE)

lock: .venv/uv.stamp
	$(LOCK) requirements.in -o requirements.lock
	$(LOCK) requirements-build.in -o requirements-build.lock
	for n in otel appinsights keyvault xlsx; do $(LOCK) -c requirements.lock requirements-$$n.in -o requirements-$$n.lock || exit 1; done
	$(LOCK) requirements-dev.in -o requirements-dev.lock
	for n in $(CLIENTS); do $(LOCK) tests/clients/$$n.in -o tests/clients/$$n.lock || exit 1; done

clean:
	rm -rf .venv .cache build dist *.egg-info tests/node/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv was found: install one (Debian, Ubuntu:" \
		"apt-get install python3-venv), or name it: make install PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is too old: LLM Proxy needs Python 3.11 or newer (make install PYTHON=...)" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/runtime.stamp: requirements.lock requirements-build.lock requirements.in pyproject.toml | .venv/bin/python
	@echo "Installing LLM Proxy into .venv (once; takes a minute) ..."
	@$(PIP) install --no-deps --require-hashes -r requirements-build.lock -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: requirements-dev.lock .venv/runtime.stamp
	@echo "Installing what tests and linters need ..."
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

# Only the resolver: it has to work when the other lock files do not.
.venv/uv.stamp: | .venv/bin/python
	@grep -A 40 '^uv==' requirements-dev.lock | awk 'NR > 1 && !/^ / { exit } { print }' > .venv/uv.lock
	@$(PIP) install --no-deps --require-hashes -r .venv/uv.lock
	@touch $@

.cache/clients/%.stamp: tests/clients/%.lock | .venv/dev.stamp
	@echo "Installing $* for the tests ..."
	@rm -rf .cache/clients/$* && mkdir -p .cache/clients
	@$(PIP) install --no-deps --require-hashes --target .cache/clients/$* -r $<
	@touch $@

.PHONY: node
node:
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory tests/node/node_modules/stamp || test -z "$$CI"; \
	elif test -n "$$CI"; then echo "npm is missing and CI is set" >&2; exit 1; \
	else echo "npm is missing: tests that need Node.js are skipped"; fi

tests/node/node_modules/stamp: tests/node/package-lock.json tests/node/package.json
	@echo "Installing the Node.js client and the vendor mock for tests ..."
	@cd tests/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
