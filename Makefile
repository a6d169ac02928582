# One way in. Everything that these commands make lies in .venv, node_modules and .hopslab of this folder.
PYTHON ?= python3
BENCH ?= driver_start
VENV := .venv/bin
# The platform's programs first, and the Node that `make up` installs where the system has none.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.hopslab/tools/node/bin:$(PATH)
export UV_CACHE_DIR ?= $(CURDIR)/.hopslab/cache/uv
export npm_config_cache ?= $(CURDIR)/.hopslab/cache/npm
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade
.DEFAULT_GOAL := help
.PHONY: help up down dev test check types docs bench lock

help: ## What there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

up: ## Prepare what is missing, start everything, wait until it answers
	@$(PYTHON) bootstrap
	@$(VENV)/hopslab up --detach

down: ## Stop everything
	@if [ -x $(VENV)/hopslab ]; then $(VENV)/hopslab down; else echo "Nothing runs: the platform was never started here."; fi

dev: ## What tests, checks and documentation need, on top of what `make up` prepares
	@$(PYTHON) bootstrap --dev
	@$(VENV)/hopslab prepare

test: dev ## All tests, the front end's and those with real engines among them
	@$(PYTHON) .ci/machine
	python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadscope --no-loadscope-reorder --durations=25

check: dev ## Types, lint, contracts between the products, documentation
	ruff check
	ruff format --check
	mypy hops_contract hops_platform hops_livy hops_spawner hopslab jupyterhub_config server_extension/jupyterlab_hops kernels/hops_kernels user_library/hops
	PYTHONPATH=kernels:user_library:server_extension lint-imports
	interrogate --quiet hops_contract hops_platform hops_livy hops_spawner hopslab jupyterhub_config server_extension/jupyterlab_hops kernels/hops_kernels user_library/hops
	python -m hops_platform openapi --check
	npm run types:check
	npm run lint
	sphinx-build -W --keep-going -q -b html docs docs/_build/html

docs: dev ## The documentation, below docs/_build/html
	sphinx-build -W --keep-going -b html docs docs/_build/html

bench: dev ## One benchmark with its peer: make bench BENCH=driver_start
	@python bench/$(BENCH).py

lock: ## Compile requirements/*.in to locked versions with their hashes
	@$(PYTHON) bootstrap --dev
	$(COMPILE) --overrides requirements/overrides.txt requirements/dev.in --output-file requirements/dev.txt
	$(COMPILE) --overrides requirements/overrides.txt --constraints requirements/dev.txt requirements/platform.in --output-file requirements/platform.txt
	$(COMPILE) --overrides requirements/overrides.txt requirements/project.in --output-file requirements/project.txt
	$(COMPILE) requirements/node.in --output-file requirements/node.txt
	$(COMPILE) requirements/java.in --output-file requirements/java.txt
