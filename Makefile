# Soundalike. `make` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
# The packages are named once, in pyproject.toml; `research` is no part of the platform.
PACKAGES := $(shell sed -n 's/^members = \[\(.*\)\]/\1/p' pyproject.toml | tr -d '",')
PLATFORM := $(filter-out research,$(PACKAGES))
SOURCES := $(addsuffix /src,$(PACKAGES))

# Each package's folder of sources, so that mypy finds one namespace in all of them.
empty :=
export MYPYPATH := $(subst $(empty) $(empty),:,$(SOURCES))

# Annoy compiles for the CPU of the builder, and pip caches the wheel, which crashes on an older CPU.
ANNOY_FLAGS := -DANNOYLIB_MULTITHREADED_BUILD,-O3,-ffast-math,-fno-associative-math,-fpermissive,-std=c++14
ifneq (,$(filter x86_64 amd64,$(shell uname -m)))
ANNOY_FLAGS := $(ANNOY_FLAGS),-march=x86-64-v2
endif
export ANNOY_COMPILER_ARGS := $(ANNOY_FLAGS)

# Some shells do not expand the tilde in FOLDER=~/Music.
FOLDER_PATH = $(patsubst ~/%,$(HOME)/%,$(FOLDER))
DATA_OPTION = $(if $(DATA),--data "$(patsubst ~/%,$(HOME)/%,$(DATA))")

# True where a Docker engine is running; `docker` alone may be a client without one.
HAVE_DOCKER = docker info >/dev/null 2>&1

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F '\t' '{printf "  %-14s %s\n", $$1, $$2}'

comma := ,
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps

# The packages of the platform, and on top of them those of tests, measurements and training (with TensorFlow).
.venv/platform: requirements/run.txt requirements/build.txt $(addsuffix /pyproject.toml,$(PLATFORM))
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "Soundalike needs Python 3.11, 3.12 or 3.13; this is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12")'
	@command -v c++ >/dev/null || { echo 'A C++ compiler is needed for Annoy (Debian: apt install g++, macOS: xcode-select --install).' >&2; exit 1; }
	@echo 'Preparing .venv (once, this takes a minute or two) …'
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) --require-hashes --requirement requirements/build.txt
	$(PIP_INSTALL) --no-build-isolation --require-hashes --requirement requirements/run.txt
	$(PIP_INSTALL) --no-build-isolation $(foreach package,$(PLATFORM),--editable ./$(package))
	@touch $@

# In a recipe that needs it only without containers; make says of a file that it is up to date, which is no news here.
PREPARE = $(MAKE) --question .venv/platform || $(MAKE) .venv/platform

.venv/installed: .venv/platform requirements/dev.txt research/pyproject.toml
	@echo 'Adding the packages for tests and measurements (once; TensorFlow is large, this takes a few minutes) …'
	$(PIP_INSTALL) --no-build-isolation --require-hashes --requirement requirements/dev.txt
	$(PIP_INSTALL) --no-build-isolation --editable ./research
	@touch $@

.PHONY: install
install: .venv/installed ## prepare .venv for development; demo, up and crawl prepare what they need by themselves

.PHONY: demo
demo: .venv/platform ## set up, crawl the sample playlist and serve recommendations (ONCE=1: stop after showing some)
	@exec $(BIN)/soundalike demo $(if $(ONCE),--once) $(if $(PORT),--port $(PORT)) $(if $(DATA),--data $(DATA))

# All tests run in as many processes as there are cores, at most four; chosen ones in this very process, where a
# debugger reaches them. With sys.monitoring, which Python has since 3.12, measuring coverage costs little.
WORKERS ?= $(if $(TESTS),0,auto)
COVERAGE_CORE ?= $(if $(filter 3.11,$(shell $(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)),ctrace,sysmon)

.PHONY: test
test: .venv/installed ## run the tests (TESTS=<path>, WORKERS=<count>, COVERAGE=1)
	@$(if $(COVERAGE),COVERAGE_CORE=$(COVERAGE_CORE)) $(BIN)/pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist worksteal $(if $(COVERAGE),--cov --cov-report=term $(if $(TESTS),--cov-fail-under=0)) $(TESTS)

.PHONY: lint
lint: .venv/installed ## check style, types, import contracts, the Dockerfile and schemas
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES) $(foreach package,$(PACKAGES),$(wildcard $(package)/compat/*.py))
	$(BIN)/lint-imports
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.circle-ci .circleci/config.yml

.PHONY: openapi
openapi: .venv/installed ## regenerate services/api/openapi.json after an intended change of the API
	@$(BIN)/python -m soundalike.api openapi > services/api/openapi.json

.PHONY: contract
contract: .venv/installed ## send the API thousands of requests generated from its OpenAPI (EXAMPLES=200 a route)
	@CONTRACT_EXAMPLES=$(or $(EXAMPLES),200) $(BIN)/pytest services/api/tests/test_contract.py -s

.PHONY: screenshots
screenshots: .venv/installed ## make the pictures of the page for the documents again (needs Chromium; some minutes)
	@$(BIN)/python tests/page/pictures.py docs/images

.PHONY: page-size
page-size: .venv/installed ## print what the page consists of, what its first load transfers, and when it can be used
	@$(BIN)/python tests/page/page_size.py $(if $(URL),--url "$(URL)")

.PHONY: format
format: .venv/installed ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: evaluate
evaluate: .venv/installed ## measure the quality of recommendations on CORPUS=<folder> (OUT, SYSTEMS=a,b|all, BLENDS="x=a:1,b:.5 …", EXCERPTS=1,3, TEACHERS=<folder>)
	@[ -n "$(CORPUS)" ] || { echo 'Name a folder of music: make evaluate CORPUS=~/Music' >&2; exit 2; }
	@$(BIN)/soundalike evaluate --corpus "$(patsubst ~/%,$(HOME)/%,$(CORPUS))" --out "$(or $(OUT),evaluation-results)" $(if $(SYSTEMS),--systems "$(SYSTEMS)") $(foreach blend,$(BLENDS),--blend "$(blend)") $(if $(EXCERPTS),--excerpts "$(EXCERPTS)") $(if $(TEACHERS),--teachers "$(patsubst ~/%,$(HOME)/%,$(TEACHERS))")

.PHONY: bench
bench: .venv/installed ## measure what extracting a preview costs, as multiples of decoding it
	@$(BIN)/python -m soundalike.research.bench.extract && $(BIN)/python -m soundalike.research.bench.memory && $(BIN)/python -m soundalike.research.bench.startup

.venv/bench: .venv/installed requirements/bench.txt
	$(PIP_INSTALL) --require-hashes --requirement requirements/bench.txt
	@touch $@

.PHONY: bench-index
bench-index: .venv/bench ## compare the index with other engines (SIZES=10k,100k,1M)
	@$(BIN)/python -m soundalike.research.bench.index --sizes "$(or $(SIZES),10k$(comma)100k)"

.PHONY: bench-scan
bench-scan: .venv/installed ## measure the second scan of a library of FILES=100000 files, beside listing and hashing them
	@$(BIN)/python -m soundalike.research.bench.scan --files "$(or $(FILES),100000)"

.PHONY: soak
soak: .venv/installed ## run ten minutes of load with three index swaps
	@$(BIN)/python -m soundalike.research.bench.soak

# PyTorch is larger than everything else together (on Linux it brings the libraries of a GPU), so it has an environment of
# its own, on top of .venv.
.venv-training/installed: .venv/installed requirements/training.txt
	@echo 'Preparing .venv-training (once; 5 GB on Linux, this takes several minutes) …'
	$(PYTHON) -m venv .venv-training
	.venv-training/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements/training.txt
	@$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(" + repr(sysconfig.get_path("purelib")) + ")")' \
		> "$$(.venv-training/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/beside.pth"
	@touch $@

.PHONY: train
train: .venv-training/installed ## train soundalike-1 on CORPUS=<folder> with a tracks.csv (OUT=<folder>, HYBRIDS=<count>)
	@[ -n "$(CORPUS)" ] || { echo 'Name a folder of music: make train CORPUS=<folder with a tracks.csv>' >&2; exit 2; }
	@.venv-training/bin/python -m soundalike.research.training "$(patsubst ~/%,$(HOME)/%,$(CORPUS))" --out "$(or $(OUT),training-results)" $(if $(HYBRIDS),--hybrids $(HYBRIDS))

.PHONY: build-all
build-all: ## build the container images, or without Docker the local environment
	@if $(HAVE_DOCKER); then \
		echo 'Docker is running: building the images.'; $(MAKE) config; docker compose --profile '*' build; \
	else \
		echo 'Docker is not running: preparing the local environment in .venv instead.'; $(PREPARE); \
	fi

.PHONY: up
up: ## start the platform: in containers where Docker is running, else in the foreground (DATA=<folder>: its data)
	@if [ -z "$(DATA)" ] && $(HAVE_DOCKER); then $(MAKE) config; docker compose up --detach --wait; else $(PREPARE); exec $(BIN)/soundalike up $(DATA_OPTION); fi

# What the crawler gets, but for the folder, which has its whole path in a container.
CRAWL_LISTS = $(if $(PLAYLIST),--playlist "$(PLAYLIST)") $(if $(LIBRARY),--library) $(if $(WATCH),--watch) $(if $(EVERY),--every $(EVERY)) $(if $(filter yes 1 true,$(INCLUDE_VIDEO)),--include-video)
CRAWL_SOUNDCLOUD = soundcloud --from "$(SOUNDCLOUD)"
# The id of the API's container, with --all also of one that is stopped; data of a folder are never in containers.
COMPOSE_API = $(if $(DATA),,$(HAVE_DOCKER) && docker compose ps --quiet $(1) api 2>/dev/null)

.PHONY: crawl
crawl: ## crawl PLAYLIST=<url|uri|id>, FOLDER=<path>, LIBRARY=1 or SOUNDCLOUD=<profile url> and show answers; STAY=1 goes on serving, WATCH=1 watching, EVERY=24 crawls again every 24 hours, INCLUDE_VIDEO=yes takes the sound of videos, DATA=<folder> is where
	@[ -n "$(PLAYLIST)$(FOLDER)$(LIBRARY)$(WATCH)$(SOUNDCLOUD)" ] || { echo 'Name what to crawl: make crawl PLAYLIST=<url|uri|id>, make crawl FOLDER=~/Music, or make crawl SOUNDCLOUD=https://soundcloud.com/<name>' >&2; exit 2; }
	@if [ -n "$$($(call COMPOSE_API,--status running))" ]; then \
		docker compose run --rm $(if $(FOLDER),--user "$$(id -u):$$(id -g)" --volume "$$(realpath -- "$(FOLDER_PATH)"):$$(realpath -- "$(FOLDER_PATH)"):ro") crawler \
			$(if $(SOUNDCLOUD),$(CRAWL_SOUNDCLOUD),$(CRAWL_LISTS) $(if $(FOLDER),--folder "$$(realpath -- "$(FOLDER_PATH)")")); \
	elif [ -n "$$($(call COMPOSE_API,--all))" ]; then \
		echo 'The platform is in containers, which are not running. Start them: make up. Or crawl without containers, into data of its own: $(BIN)/soundalike crawl $(or $(FOLDER),$(PLAYLIST),…)' >&2; \
		exit 1; \
	else \
		$(PREPARE); \
		exec $(BIN)/soundalike crawl $(DATA_OPTION) $(if $(STAY),--stay) $(if $(SOUNDCLOUD),$(CRAWL_SOUNDCLOUD),$(CRAWL_LISTS) $(if $(FOLDER),--folder "$(FOLDER_PATH)")); \
	fi

.PHONY: config
config: ## write config/*.env from the templates, with random passwords; existing files stay
	@deploy/make-config

.PHONY: lock
lock: .venv/installed ## recompile the hashed requirements from the packages' pyproject files
	@requirements/compile

.PHONY: clean
clean: ## remove the local environment and caches; the data of the platform stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
