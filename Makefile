.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

help: ## what there is to make
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-6s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

run: $(READY) ## fetch MovieLens-100K and run the whole pipeline on it
	$(BIN)/sidflow fetch movielens-100k
	$(BIN)/sidflow run

test: $(READY) ## run the tests; no network
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(READY) ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## the benchmark of the README, on Amazon Beauty
	$(BIN)/sidflow fetch amazon-beauty
	$(BIN)/python benchmarks/amazon.py

serve: $(READY) ## Prefect server and UI on 127.0.0.1, with the deployments of pipeline.yaml
	@$(BIN)/sidflow serve

.PHONY: help run test check bench serve
