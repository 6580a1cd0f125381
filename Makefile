# denbao needs Linux, Python 3.11 or newer and make; everything else it fetches into .tools and .venv, checked by hash.
#
#   make run [SITE=dir]   start the service (default: the site in this folder)
#   make stack            the same with Prometheus beside it     make boards   Grafana's boards anew from their code
#   make test             the whole suite; installs what it needs where it may
#   make test-fast        the part without real servers and browsers
#   make check            format, lint, types, layers     make format   puts format and imports right
#   make bench            the benchmarks                  make nightly  the long runs, bounded by NIGHTLY_LIMIT
#   make mutants [MUTANTS=monitor.engine.judge.*]         which small changes of the engine no test would notice
#
# PYTHON=/path/to/python3.12 chooses another interpreter.

PYTHON ?= python3
SITE ?= .
NIGHTLY_LIMIT ?= 8h
# Names of mutants, with stars; all of the engine when it is empty.
MUTANTS ?=
MUTANTS_LIMIT ?= 40m
# Files of tests side by side and in their order: the long ones come first, and the many short ones fill up the end.
SIDE_BY_SIDE := --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder
# What the suite runs besides Python: Debian packages, each with a command of the same name; the library is playwright's.
SUITE_PACKAGES := prometheus victoria-metrics nginx postgresql openssl chromium faketime libatomic1 npm docker-compose

INTERPRETER := $(shell $(PYTHON) -c 'import os, sys; sys.version_info < (3, 11) or print(os.path.realpath(sys._base_executable))' 2>/dev/null)
ifeq ($(INTERPRETER),)
$(error denbao needs Python 3.11 or newer, and "$(PYTHON)" is not; name one with: make PYTHON=/path/to/python3.12)
endif
export UV_PYTHON := $(INTERPRETER)
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
# A shell with another environment switched on must not redirect ours.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH
# The suite starts hundreds of processes: without bytecode each would compile 50,000 lines anew.
unexport PYTHONDONTWRITEBYTECODE

SYNC := .tools/bin/uv sync --frozen --quiet --compile-bytecode
RUN_READY := .venv/.ready-run
DEV_READY := .venv/.ready-dev

.PHONY: run stack boards test test-fast bench nightly mutants check format clean anew
.DEFAULT_GOAL := run

run: $(RUN_READY)
	@exec .venv/bin/denbao run "$(SITE)"

stack: $(RUN_READY)
	@.ci/packages prometheus
	@exec deploy/stack "$(SITE)"

# Commit what it writes: grafana/dashboards and grafana/provisioning/alerting; a test compares. `docs/boards.md` is made
# by .venv/bin/python -m grafana.page
boards: $(DEV_READY)
	@.venv/bin/python -m grafana

test: $(DEV_READY)
	@.ci/packages $(SUITE_PACKAGES)
	@.venv/bin/pytest $(SIDE_BY_SIDE) -m "not nightly"

test-fast: $(DEV_READY)
	@.venv/bin/pytest $(SIDE_BY_SIDE) -m "not integration and not browser and not simulation_long and not nightly"

bench: $(DEV_READY)
	@.ci/packages prometheus prometheus-blackbox-exporter prometheus-pushgateway prometheus-alertmanager
	@.venv/bin/python -m bench

nightly: $(DEV_READY)
	@.ci/packages $(SUITE_PACKAGES) libreoffice-calc-nogui
	@timeout --foreground --signal=INT $(NIGHTLY_LIMIT) .venv/bin/pytest --hypothesis-profile=nightly --durations=20

# What was found stays in mutants/: a second call goes on where the first one was ended.
mutants: $(DEV_READY)
	@HYPOTHESIS_PROFILE=mutants timeout --foreground --signal=INT $(MUTANTS_LIMIT) \
		nice .venv/bin/mutmut run --max-children 2 $(MUTANTS) || true
	@.venv/bin/mutmut results

check: $(DEV_READY)
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo

format: $(DEV_READY)
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

clean:
	rm -rf .tools .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .fuzz mutants

# An environment knows its folder and its interpreter by absolute path: after a move or a new Python it is made anew.
MADE_FOR := $(CURDIR) $(INTERPRETER)
ifneq ($(wildcard .venv/.made-for),)
ifneq ($(file < .venv/.made-for),$(MADE_FOR))
$(RUN_READY) $(DEV_READY): anew
endif
endif
anew:
	@rm -rf .venv

# Compiled at once: it costs two seconds here, and a service that may not write into its own folder would pay
# them at every start. A full environment serves `make run` as well, so that one never takes packages away.
$(RUN_READY): uv.lock pyproject.toml .tools/.ready
	@echo "denbao: making the environment in .venv" >&2
	@$(SYNC) --no-dev --inexact
	@printf '%s\n' "$(MADE_FOR)" >.venv/.made-for
	@touch $@

$(DEV_READY): uv.lock pyproject.toml .tools/.ready
	@echo "denbao: making the environment with the development tools in .venv" >&2
	@$(SYNC) --all-groups
	@printf '%s\n' "$(MADE_FOR)" >.venv/.made-for
	@touch $@ $(RUN_READY)

.tools/.ready: .ci/uv.txt .ci/tools
	@.ci/tools "$(INTERPRETER)"
	@touch $@
