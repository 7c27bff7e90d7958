# `make help` lists what there is. Stamps of finished steps are in .state/.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements.lock
# `make test T=tests/oci` runs a part of the suite.
T ?=
PYTEST_WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup

# What the tests and the benchmark drive, as PROGRAM:DEBIAN-PACKAGE.
PROGRAMS := initdb:postgresql redis-server:redis-server redis-sentinel:redis-sentinel skopeo:skopeo \
	buildah:buildah podman:podman dockerd:docker.io docker:docker.io docker-registry:docker-registry wrk:wrk nginx:nginx chromium:chromium msgfmt:gettext \
	slapd:slapd ldapsearch:ldap-utils
# What python-ldap is built with; it has no wheels.
BUILD_PACKAGES := gcc libldap-dev libsasl2-dev python3-dev

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Debian puts venv's pip into a package of its own, python3-venv; the system's pip does as well.
$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) > /dev/null || { rm -rf $(VENV) && $(PYTHON) -m venv --without-pip $(VENV) && \
		$(PYTHON) -m pip --python $(VENV)/bin/python install --quiet pip; } || \
		{ rm -rf $(VENV); echo "make: neither python3-venv nor python3-pip is installed" >&2; exit 1; }

.state/run: pyproject.toml $(LOCK) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-binary harbor-py \
		-c $(LOCK) -e .
	@mkdir -p .state && touch $@

.state/dev: pyproject.toml $(LOCK) | $(BIN)/python
	@PACKAGES="$(BUILD_PACKAGES)" .ci/build-packages
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[dev]'
	@mkdir -p .state && touch $@ .state/run

.PHONY: run
run: .state/run ## Start the registry on 127.0.0.1:8080, data in ./data (first start prints admin's password)
	exec $(BIN)/harbor-py up

.PHONY: programs
programs: ## Install the programs that the tests drive (as root on Debian; else say which are missing)
	@PROGRAMS="$(PROGRAMS)" .ci/programs

# The whole suite comes last, so that the last line is the summary of it. Before it PostgreSQL has those tests that
# use Django's database; the others start servers of their own, on PostgreSQL too.
.PHONY: test
test: .state/dev programs ## Run the tests of the database on PostgreSQL, then all of them on SQLite (T=path for a part)
ifeq ($(T),)
	HARBOR_TEST_DATABASE=postgres $(PYTEST) --database-only
endif
	$(PYTEST) $(T)

.PHONY: bench
bench: .state/dev programs ## Measure against Debian's docker-registry, and a collection, a retention and a purge
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.garbage files
	$(BIN)/python -m tests.bench.retention --delete 10000
	$(BIN)/python -m tests.bench.purge

# A font has no program: its file stands for it.
screenshots: PROGRAMS += /usr/share/fonts/truetype/wqy/wqy-microhei.ttc:fonts-wqy-microhei

.PHONY: screenshots
screenshots: .state/dev programs ## Take pictures of the portal's pages, into docs/screenshots
	$(BIN)/python -m tests.screenshots

# With -P, as to the programs in apps/ the folder apps/ldap would be python-ldap's module.
.PHONY: messages
messages: .state/dev ## Collect the texts of the portal for translation (apps/portal/locale), and compile what is translated
	data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && cd apps && \
		export HARBOR_DATA_DIR=$$data DJANGO_SETTINGS_MODULE=harbor_py.settings PYTHONPATH=.. && \
		../$(BIN)/python -P -m django makemessages --locale zh_Hans --no-location --no-obsolete --no-wrap && \
		../$(BIN)/python -P -m django compilemessages --locale zh_Hans

.PHONY: static
static: .state/dev ## Compress the files of others that the portal serves, after one of them changed
	$(BIN)/python -m whitenoise.compress --quiet --no-brotli apps/portal/static/vendor md LICENSE

.PHONY: lint
lint: .state/dev ## Check style, types, imports between the floors, migrations, templates and generated pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy apps harbor_py
	$(BIN)/lint-imports
	data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && \
		HARBOR_DATA_DIR=$$data DJANGO_SETTINGS_MODULE=harbor_py.settings \
		$(BIN)/python -m django makemigrations --check --dry-run
	@if find apps -name '*.html' | grep -q .; then $(BIN)/djlint --check --lint apps; fi
	for page in configuration settings; do $(BIN)/harbor-py config docs $$page | diff -u docs/$$page.md - || exit 1; done

.PHONY: format
format: .state/dev ## Format the code, and make the generated pages anew
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .
	$(BIN)/harbor-py config docs > docs/configuration.md
	$(BIN)/harbor-py config docs settings > docs/settings.md

.PHONY: lock
lock: .state/dev ## Write the versions that are installed now into the lock file
	$(BIN)/python -m pip freeze --exclude-editable | LC_ALL=C sort -f > $(LOCK)

.PHONY: clean
clean: ## Remove everything that make has made, but not the data
	rm -rf $(VENV) .state .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist *.egg-info
	find apps harbor_py tests -name __pycache__ -prune -exec rm -rf {} +
