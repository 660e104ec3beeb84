# The palette: what a person or CI calls. Everything else is CMake's (CMakePresets.json).

JOBS ?= $(shell nproc)
export CCACHE_SLOPPINESS ?= pch_defines,time_macros

.PHONY: help setup build demo test torture sim unit asan tsan fuzz bench lint format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install the Debian packages that everything needs
	@deploy/setup

build/release/build.ninja: | setup
	@cmake --preset release

build: setup build/release/build.ninja ## the binary: build/release/headgate
	@cmake --build build/release --parallel $(JOBS) --target headgate

demo: build ## a push travels to production, a broken one rolls back by itself (KEEP=1: leave the server running)
	@cmake --build build/release --parallel $(JOBS) --target greeter
	@KEEP=$(KEEP) examples/demo/run build/release

test: setup build/release/build.ninja ## build and run every test
	@cmake --build build/release --parallel $(JOBS)
	@ctest --test-dir build/release --output-on-failure --parallel $(JOBS)

torture: setup build/release/build.ninja ## crashes, damage and kills for an hour or so (ROUNDS=50: times what make test does; HEADGATE_SEED: one again)
	@cmake --build build/release --parallel $(JOBS)
	@HEADGATE_TORTURE=$(or $(ROUNDS),50) ctest --test-dir build/release --output-on-failure -L torture --verbose

sim: setup build/release/build.ninja ## random worlds in virtual time, until one breaks a promise (SEED=n: that one again)
	@cmake --build build/release --parallel $(JOBS) --target sim_test
	@HEADGATE_SIM_RUNS=0 $(if $(SEED),HEADGATE_SIM_SEED=$(SEED)) build/release/tests/sim/sim_test

unit: setup ## the fast tests alone, in a debug build
	@cmake --preset dev
	@cmake --build build/dev --parallel $(JOBS)
	@ctest --test-dir build/dev --output-on-failure --parallel $(JOBS) -L 'unit|contract'

asan: setup ## every test under the address and undefined-behaviour sanitizers
	@cmake --preset asan
	@cmake --build build/asan --parallel $(JOBS)
	@ctest --test-dir build/asan --output-on-failure --parallel $(JOBS)

tsan: setup ## the tests that stay inside instrumented code, under the thread sanitizer
	@cmake --preset tsan
	@cmake --build build/tsan --parallel $(JOBS)
	@TSAN_OPTIONS=halt_on_error=1 ctest --test-dir build/tsan --output-on-failure -L tsan

fuzz: ## libFuzzer over what reads bytes from outside, a minute each (SECONDS=600: longer; FUZZ='note*': some of them)
	@deploy/setup fuzz
	@cmake --preset fuzz
	@cmake --build build/fuzz --parallel $(JOBS) --target fuzzers
	@SECONDS_EACH=$(or $(SECONDS),60) deploy/fuzz build/fuzz '$(or $(FUZZ),*)'

bench: setup build/release/build.ninja ## build/bench/summary.json (BENCH=glob: some of it)
	@deploy/setup bench
	@cmake --build build/release --parallel $(JOBS) --target headgate_bench
	@mkdir -p build/bench
	@build/release/bench/headgate_bench '$(or $(BENCH),*)' --out build/bench/summary.json

lint: setup ## formatting and clang-tidy, warnings are errors
	@deploy/lint

format: ## clang-format over everything
	@deploy/setup lint
	@git ls-files '*.h' '*.cc' | xargs clang-format-14 -i

clean: ## remove build/
	@rm -rf build
