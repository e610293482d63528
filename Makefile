# Everything a newcomer needs is Python 3.11 to 3.13 and make; the rest is fetched, pinned and hashed, into .venv.
#
#   PYTHON=python3.12   the interpreter that .venv is made from
#   DATA=folder         the reviews and the GloVe vectors, already downloaded (make study)
#   SOURCE=archives     where to fetch them from instead: kaggle, archives or sample (make study)
#   PROFILE=quick       full, quick or custom (make study)
#   PARAMS='{...}'      more fields of the trigger form, as JSON (make demo, make study)

PYTHON ?= python3
PROFILE ?= full
PARAMS ?= {}

BIN := .venv/bin
NEXT := .local/next-airflow/bin/python
AIRFLOW_ITSELF := apache-airflow apache-airflow-core apache-airflow-task-sdk
RUN_READY := .venv/.ready-to-run
DEV_READY := .venv/.ready-to-develop
OWN_UV := .local/uv/bin/uv
# The uv of this machine if it works, else one of our own.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo $(OWN_UV))
UV_NEEDED := $(filter $(OWN_UV),$(UV))
# The project itself, in place: its code is that of this folder. What builds it is among the requirements.
INSTALL_PROJECT = $(UV) pip install --python $(BIN)/python --offline --no-deps --no-build-isolation --editable .

# An environment of another version than the one asked for by name would be used silently.
version = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifneq ($(origin PYTHON),file)
ifneq ($(wildcard $(BIN)/python),)
ifneq ($(call version,$(PYTHON)),$(call version,$(BIN)/python))
ifneq ($(filter-out help clean purge,$(MAKECMDGOALS)),)
$(error .venv has Python $(call version,$(BIN)/python), PYTHON=$(PYTHON) is $(call version,$(PYTHON)); "make clean" first)
endif
endif
endif
endif

ROOMS := study store sources corpus training analysis report pipeline ui
# What computes with Keras is tested on its other backend, too.
BOTH_BACKENDS := $(addprefix tests/training/test_,fast_layers.py engine.py fit.py evaluation.py model.py)
# One process per core. Each may need 2 GB, and the Airflow of the tests 3 more.
PYTEST = $(BIN)/python -m pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile \
	--ignore=tests/cluster --ignore=tests/containers --ignore=tests/helm

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo study ui env test test-all test-thorough test-cluster test-compose test-helm test-next coverage check lint audit
.PHONY: fix bench pictures lock clean purge

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV_READY) ## .venv with every dependency and tool, and this project in place

demo: $(RUN_READY) ## a short study on the bundled sample, on a real Airflow, to the report and the mail
	@exec $(BIN)/python -m scripts.run_study --profile quick --source sample --params '$(PARAMS)' --assert

study: $(RUN_READY) ## the whole study: DATA=folder, else Kaggle if you have credentials, else the public archives
	@exec $(BIN)/python -m scripts.run_study --profile '$(PROFILE)' --params '$(PARAMS)' \
		$(if $(DATA),--data '$(DATA)') $(if $(SOURCE),--source '$(SOURCE)')

ui: $(RUN_READY) ## Airflow in your browser, until Ctrl-C
	@exec $(BIN)/python -m scripts.local_airflow

env: ## write .env for docker compose, with random secrets, or bring it up to date; needs nothing but Python
	@exec $(PYTHON) -m scripts.make_env

test: $(DEV_READY) ## the fast tests, a study on a real Airflow with mail and browser among them: ten minutes on two cores
	$(PYTEST) -m 'not slow and not thorough'

test-all: $(DEV_READY) ## the slow tests, too, and the tests of the training on JAX
	$(PYTEST) -m 'not thorough'
	KERAS_BACKEND=jax $(PYTEST) -m 'not thorough' $(BOTH_BACKENDS)

test-thorough: $(DEV_READY) ## before a release: also the further cases of each kind, and more examples for each property
	$(PYTEST) --hypothesis-profile=thorough
	KERAS_BACKEND=jax $(PYTEST) --hypothesis-profile=thorough $(BOTH_BACKENDS)

test-cluster: $(DEV_READY) ## the services of docker-compose.yaml as processes, and what dies; needs redis and postgresql
	$(BIN)/python -m pytest tests/cluster

test-compose: $(DEV_READY) ## docker-compose.yaml brought up for real, and the study on it; needs a container engine
	$(BIN)/python -m pytest tests/containers

test-helm: $(DEV_READY) ## deploy/helm as helm renders it; needs helm, and the folder of Airflow's chart in AIRFLOW_CHART
	$(BIN)/python -m pytest tests/helm

test-next: | $(UV_NEEDED) ## the fast tests of dags and plugins with the newest pre-release of Airflow, in its own environment
	@$(call require_python)
	$(UV) venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .local/next-airflow
	$(UV) pip install --python $(NEXT) --require-hashes -r requirements-dev.txt
	$(UV) pip install --python $(NEXT) --prerelease=allow $(addprefix --upgrade-package=,$(AIRFLOW_ITSELF)) apache-airflow
	$(subst $(BIN)/python,$(NEXT),$(INSTALL_PROJECT))
	$(NEXT) -m pytest -m 'not slow and not thorough' tests/dags tests/plugins

coverage: $(DEV_READY) ## the tests of make test, and which lines and branches they do not reach, by file and by room
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "not slow and not thorough" --ignore=tests/cluster --ignore=tests/containers --ignore=tests/helm
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
	@for room in $(ROOMS); do \
		printf '%-12s %s %%\n' "$$room" "$$($(BIN)/coverage report --include "imdb_tasks/$$room/*" --format=total)"; \
	done

check: lint audit test-all ## what must hold before a change goes in; AUDIT=optional: also where audit cannot happen
	@cat .venv/.audit

lint: $(DEV_READY) ## style, types, architecture, and that the files which name dependencies agree
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m scripts.lock --check

audit: $(DEV_READY) ## known vulnerabilities of the dependencies; fails where they cannot be looked up
	$(BIN)/python -m scripts.audit $(if $(filter optional,$(AUDIT)),--optional)

fix: $(DEV_READY) ## format the code, and mend what ruff can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(DEV_READY) ## measure everything (about 40 minutes); figures go to docs/performance.md
	$(BIN)/python -m bench.preprocessing
	$(BIN)/python -m bench.overhead
	$(BIN)/python -m bench.growth
	$(BIN)/python -m bench.checkpoint
	$(BIN)/python -m bench.training
	$(BIN)/python -m bench.training --name training-full-size --rows 32000 --repeats 1 --epochs 1 \
		--variants 128_GRU_32 64_LSTM_64 32_LSTM_128
	$(BIN)/python -m bench.parts
	$(BIN)/python -m bench.tables

pictures: $(DEV_READY) ## the pictures of the README, from real runs; they need Chromium
	@exec $(BIN)/python -m scripts.take_pictures

lock: $(DEV_READY) ## resolve the dependencies again, after a change of pyproject.toml; UPGRADE=1: the newest versions
	$(BIN)/python -m scripts.lock $(if $(UPGRADE),--upgrade)

clean: ## remove the environment and the caches; results stay
	rm -rf .venv .local dist .coverage* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

purge: clean ## and the local Airflow with every result
	rm -rf .airflow

# Only what is missing is installed here, so that a developer's environment keeps its tools.
$(RUN_READY): requirements.txt pyproject.toml | $(BIN)/python
	$(UV) pip install --python $(BIN)/python --require-hashes -r requirements.txt
	$(INSTALL_PROJECT)
	@touch $@

$(DEV_READY): requirements-dev.txt pyproject.toml | $(BIN)/python
	$(UV) pip sync --python $(BIN)/python --require-hashes requirements-dev.txt
	$(INSTALL_PROJECT)
	@touch $@ $(RUN_READY)

$(BIN)/python: | $(UV_NEEDED)
	@$(call require_python)
	$(UV) venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv

$(OWN_UV): requirements-uv.txt
	@$(call require_python)
	$(PYTHON) -m venv --clear .local/uv
	.local/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@touch $@

define require_python
$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	{ echo 'This project needs Python 3.11, 3.12 or 3.13, and "$(PYTHON)" is not: $(shell $(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 1; }
endef
