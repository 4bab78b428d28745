# Each target does all of its own set-up; the second time it is quick. Nothing is installed outside .venv and the cache
# folder, but for the Debian packages of `make test`, and those only where that needs no asking.

PYTHON ?= python3
WORKERS ?= 5

VENV := .venv
BIN := $(VENV)/bin
PACKAGE := $(VENV)/.package
TOOLS := $(VENV)/.tools
SYSTEM := $(VENV)/.system

# Installs Debian packages as root or by a sudo that asks for no password; anywhere else it does nothing.
apt_install = if command -v apt-get; then \
	  root=; test "$$(id -u)" = 0 || root="sudo -n"; \
	  apt="$$root env DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -qq -o Acquire::Retries=1 -o DPkg::Lock::Timeout=60"; \
	  $$apt update; $$apt install -y --no-install-recommends $(1); \
	fi </dev/null >/dev/null 2>&1 || true

.PHONY: demo test lint types contracts pytest soak screenshots clean

demo: $(PACKAGE)  ## The program on a storage account of its own, filled with samples.
	@$(BIN)/lyazure-tui --demo

# Every check runs, so that one round shows all there is to mend.
test: $(TOOLS) $(SYSTEM)  ## Everything that must hold.
	@failed=; for check in lint types contracts pytest; do \
	  $(MAKE) --no-print-directory $$check || failed="$$failed $$check"; \
	done; \
	test -z "$$failed" || { echo "Failed:$$failed"; exit 1; }

lint: $(TOOLS)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(TOOLS)
	@$(BIN)/mypy

contracts: $(TOOLS)
	@$(BIN)/lint-imports --no-logo

pytest: $(TOOLS)
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal </dev/null

soak: $(TOOLS)  ## The tests that take minutes: the same crash again and again.
	@$(BIN)/pytest -m soak </dev/null

screenshots: $(TOOLS)  ## Draws the pictures of the README anew.
	@$(BIN)/python -m lytics_azure_tui.sandbox.screenshots screenshots

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache snapshot_report.html

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "This needs Python 3.11 or newer, and $(PYTHON) is older or not there: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(call apt_install,python3-venv); }
	@echo "Setting up $(VENV)…"
	@$(PYTHON) -m venv $(VENV)

$(PACKAGE): pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[sandbox]' </dev/null
	@touch $@

# Dependency groups came with pip 25.1.
$(TOOLS): pyproject.toml $(PACKAGE)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' </dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev </dev/null
	@touch $@

$(SYSTEM): | $(VENV)/bin/python
	@command -v gnome-keyring-daemon >/dev/null && command -v dbus-run-session >/dev/null && command -v gpg >/dev/null \
	  && command -v tsql >/dev/null || { $(call apt_install,gnome-keyring dbus gnupg freetds-bin); }
	@touch $@
