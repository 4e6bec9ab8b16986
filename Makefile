# One menu for the developer and for any automation: `make` lists the commands.
.DEFAULT_GOAL := help
.PHONY: help run stop clean test check format render lock bench soak fuzz conformance seed
bin := .venv/bin

help: ## list these commands
	@sed -nE 's/^([a-z]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

run: ## set the machine up, start the store, load the layers, serve on http://127.0.0.1:8000
	@scripts/bootstrap run
	@scripts/page || true
	@$(bin)/cop run

stop: ## stop the server and the private store
	@if [ -x $(bin)/cop ]; then $(bin)/cop stop; else echo "· nothing was installed here, so nothing runs"; fi

clean: ## delete the private store; with records of the real world in it: make clean ACTUAL=<their count>
	@if [ -x $(bin)/cop ]; then $(bin)/cop clean $(if $(ACTUAL),--actual $(ACTUAL)); else echo "· nothing was installed here"; fi

test: ## set the machine up, check the code, build the page, run every suite
	@scripts/bootstrap test
	@$(MAKE) --no-print-directory check
	@$(bin)/python scripts/test.py

check: ## format, lint, types, room imports, rendered files
	$(bin)/ruff format --check
	$(bin)/ruff check
	$(bin)/mypy
	$(bin)/lint-imports
	$(bin)/cop render --check

format: ## put the code into its form
	$(bin)/ruff format
	$(bin)/ruff check --fix

render: ## write pygeoapi-config.yml and openapi/ from layers/
	$(bin)/cop render

lock: ## choose the newest allowed versions of all packages and write their hashes
	@scripts/bootstrap tools
	var/tools/bin/uv pip compile --quiet --generate-hashes --no-header --upgrade --python-version 3.12 \
		--group dev --output-file requirements.lock pyproject.toml
	var/tools/bin/uv pip compile --quiet --generate-hashes --no-header --upgrade --python-version 3.12 \
		--output-file scripts/tools.lock scripts/tools.in

bench: ## measure speed and memory against stock pygeoapi, as ratios
	@scripts/bootstrap test
	@$(bin)/python bench/run.py

soak: ## the long run under load; hours
	@scripts/bootstrap test
	@$(bin)/python scripts/test.py --long --only soak

fuzz: ## bad input at length
	@scripts/bootstrap test
	@$(bin)/python scripts/test.py --long --only fuzz

conformance: ## the standards' abstract tests at length
	@scripts/bootstrap test
	@$(bin)/python scripts/test.py --long --only conformance

seed: ## draw the basemap's tiles of Hong Kong beforehand
	@$(bin)/cop seed
