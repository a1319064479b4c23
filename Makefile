# Targets of the suite. A fresh machine needs only Python 3.11 or later and make; nothing here needs root.

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
MEMBERS := libs/common libs/hotline $(addprefix services/,intake dispatch sla review reporting)
PYPROJECTS := pyproject.toml $(addsuffix /pyproject.toml,$(MEMBERS))
EDITABLE := $(addprefix -e ,$(MEMBERS))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
KAFKA_CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hotline

# A mirror that pip is told about serves uv as well; the lock names no index.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
export UV_PYTHON := $(CURDIR)/$(BIN)/python
export UV_LINK_MODE ?= copy
# The machine's own trust store: a city's mirror has a certificate of the city.
export UV_SYSTEM_CERTS ?= 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run lint check test rules rules-mutate demo bench soak lock develop maven

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

install: $(VENV)/.installed ## everything that running needs, into .venv

run: install ## start the suite on the embedded default: make run ARGS="--port 8000"
	@exec $(BIN)/hotline up $(ARGS)

develop: $(VENV)/.developing ## what the tests need besides, into .venv

lint: develop ## ruff, types, import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

check: lint ## lint and the pure tests: no broker, no database
	$(BIN)/pytest -m "not broker and not database and not slow"

test: lint maven ## everything that must hold before a change lands, on real PostgreSQL and real Kafka
	$(BIN)/pytest

rules: develop ## every rule of docs/rules.md, what proves it, and whether it passes: make rules ONLY=SYS
	$(BIN)/python -m tests.rules $(if $(ONLY),--only $(ONLY))

rules-mutate: develop ## change each value of each pack and list those that no scenario notices: make rules-mutate PACK=shuangyashan
	$(BIN)/hotline policy mutate $(PACK)

demo: $(if $(filter kafka,$(BUS)),develop maven,install) ## the real cases of examples/, told by the suite: make demo BUS=kafka BACKTEST=zhenru
	@exec $(BIN)/hotline demo $(if $(BUS),--bus $(BUS)) $(if $(BACKTEST),--backtest $(BACKTEST))

bench: develop ## benchmarks: make bench NAME=p1
	@exec $(BIN)/python -m benchmarks $(NAME)

soak: develop ## long fault runs: make soak MINUTES=30 SEED=1 BUS=kafka, or KILLS=20 for so many on each bus
	@exec $(BIN)/python -m benchmarks.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) \
	    $(if $(BUS),--bus $(BUS)) $(if $(KILLS),--kills $(KILLS))

lock: $(UV) ## write requirements.lock anew, as new as the pyprojects allow
	$(UV) pip compile --universal --upgrade --generate-hashes --no-header --no-annotate --quiet --group dev \
	    $(foreach m,common intake dispatch sla review reporting,--no-emit-package hotline-$(m)) --no-emit-package hotline \
	    $(PYPROJECTS) -o requirements.lock

# Kafka's jars come by Maven, once; where they are cached already Maven is not needed.
maven:
	@ls -d $(KAFKA_CACHE)/kafka-* >/dev/null 2>&1 || command -v mvn >/dev/null || \
	{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends maven >/dev/null; } || \
	{ echo 'Maven is missing, it fetches Apache Kafka for the tests: sudo apt-get install maven' >&2; exit 1; }

# uv itself comes from the lock too, by pip, hash and all.
$(UV):
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or later is missing: apt-get install python3 python3-venv' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo 'Python cannot make environments: apt-get install python3-venv' >&2; exit 1; }
	@awk '/^uv==/ {on = 1} on {print} on && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	@touch $@

$(VENV)/.installed: requirements.lock $(PYPROJECTS) | $(UV)
	$(UV) pip install --quiet --constraints requirements.lock $(EDITABLE)
	@touch $@

$(VENV)/.developing: requirements.lock $(PYPROJECTS) | $(UV)
	$(UV) pip sync --quiet --require-hashes requirements.lock
	$(UV) pip install --quiet --no-deps $(EDITABLE)
	@touch $(VENV)/.installed $@
