# Everything starts here: `make run` to use the product, `make test` to change it, `make` for a list.

PY = .venv/bin/python
STAMP = .venv/requirements.cksum
PYTHONS = $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)
SUPPORTED = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
# Tests get a cluster of their own (without fsync) unless DATABASE_URL names a server.
WITH_TEST_DB = $(if $(DATABASE_URL),,$(PY) -m opsportal.devpg exec --test --)
PYTEST = $(WITH_TEST_DB) $(PY) -m pytest
SCHEMA = $(PY) manage.py spectacular --format openapi-json --validate --fail-on-warn
PROD = DJANGO_SETTINGS_MODULE=opsportal.settings.prod DATABASE_URL=postgres://nobody@localhost/none \
	ALLOWED_HOSTS=ops.example.org SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))')"

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run worker test lint format types arch check migrate demo schema screenshots \
	docs baseline bench-sla bench-status bench-telemetry check-migrations check-schema check-docs \
	check-deploy check-compose

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## Make .venv with all packages, again when the requirements change (PYTHON=python3.12)
	@want=$$(cat requirements.txt requirements-dev.txt | cksum); \
	if $(PY) -c '' 2>/dev/null; then \
		[ "$$(cat $(STAMP) 2>/dev/null)" = "$$want" ] && exit 0; \
	else \
		python=$$(for one in $(PYTHONS); do \
			$$one -c '$(SUPPORTED)' 2>/dev/null && { echo $$one; break; }; done); \
		[ -n "$$python" ] || { echo "No Python 3.11, 3.12 or 3.13 was found (tried: $(PYTHONS))." \
			"Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }; \
		rm -rf .venv; \
		$$python -m venv .venv >&2 || { rm -rf .venv; echo "$$python cannot make a virtual" \
			"environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
	fi; \
	echo "Installing the Python packages into .venv (about a minute) ..." >&2; \
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt >&2 || exit 1; \
	echo "$$want" > $(STAMP)

run: setup ## Start the product with demo data (PORT=8000 HOST=127.0.0.1 TLS=1 DEMO=0)
	@$(PY) manage.py run

worker: setup ## Start one more worker (engine and background tasks) on the same database
	@$(PY) manage.py worker

test: setup ## Run all tests, or some: make test T="tests/rotations -k handoff"
ifdef T
	@$(PYTEST) $(T)
else
	@$(PYTEST) -n 2 -m "not slow and not flow and not browser"
	@$(PYTEST) -n 2 -m "slow and not flow and not browser"
	@$(PYTEST) -m "flow or browser"
endif

lint: setup ## Look for mistakes and for unformatted code
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

format: setup ## Format the code and mend what ruff can mend
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

types: setup ## Check the types (mypy, strict)
	@$(PY) -m mypy apps opsportal

arch: setup ## Check the layers between and inside the apps
	@PYTHONPATH=. .venv/bin/lint-imports

check: setup lint types arch check-migrations check-schema check-docs check-deploy check-compose test ## All that a change must pass

check-migrations:
	@$(PY) manage.py makemigrations --check --dry-run

check-schema:
	@$(SCHEMA) --file .data/openapi.json
	@cmp -s docs/openapi.json .data/openapi.json || \
		{ echo "docs/openapi.json is out of date: run make schema" >&2; exit 1; }

check-docs:
	@$(PY) manage.py docs --check

check-deploy:
	@$(PROD) $(PY) manage.py check --deploy --fail-level WARNING

check-compose:
	@$(PY) -m check_jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

migrate: setup ## Bring the database up to date
	@$(PY) manage.py migrate

demo: setup ## Load the demo world (again: it is idempotent)
	@$(PY) manage.py demo

schema: setup ## Write docs/openapi.json
	@$(SCHEMA) --file docs/openapi.json

screenshots: setup ## Take the pictures of docs/ with Chromium, from demo data
	@SCREENSHOTS=1 $(PYTEST) -m browser tests/browser/test_screenshots.py

docs: setup schema ## Write the pages of docs/ that come from the code
	@$(PY) manage.py docs

baseline: setup ## Accept the present number of SQL queries per page
	@UPDATE_BASELINE=1 $(PYTEST) tests/architecture

bench-sla: setup ## Measure deadlines, the sweep and the queue at a million tickets (QUICK=1: fewer)
	@$(PY) -m benchmarks.deadline
	@$(WITH_TEST_DB) $(PY) -m benchmarks.sla_sweep
	@$(WITH_TEST_DB) $(PY) -m benchmarks.ticket_queue

bench-status: setup ## Measure the status page under 200 requests a second (QUICK=1: shorter)
	@$(WITH_TEST_DB) $(PY) -m benchmarks.status_page

bench-telemetry: setup ## Measure telemetry at a million runs (QUICK=1: a hundred thousand)
	@$(WITH_TEST_DB) $(PY) -m benchmarks.telemetry
