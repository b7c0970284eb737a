.DEFAULT_GOAL := help
SHELL := /bin/bash
LOCAL := localstack/local

.PHONY: help
help: ## show these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: deploy-local
deploy-local: ## run all on this machine: install, start, build, deploy (MODE=auto|docker|host)
	@$(LOCAL) up

.PHONY: url
url: ## print the base URL of the local API, and nothing else
	@$(LOCAL) url

.PHONY: status
status: ## show what runs locally
	@$(LOCAL) status

.PHONY: logs
logs: ## follow the logs of the functions
	@$(LOCAL) logs

.PHONY: down
down: ## stop what deploy-local started; the data of Redis stays
	@$(LOCAL) down

.PHONY: clean
clean: ## down, and delete all that was installed, built and stored
	@$(LOCAL) clean

# End-to-end tests note why they were skipped.
SAY_SKIPPED := test ! -f .local/skipped || cat .local/skipped

.PHONY: test
test: ## run all tests, end-to-end ones included; installs what they need
	@$(LOCAL) tools test
	go test -run '^$$' -bench . -benchtime 1x ./shared/...
	@$(MAKE) --no-print-directory fuzz
	@rm -f .local/skipped
	MODE=host EMULATOR=localstack go test -count=1 -timeout 20m ./...
	@$(SAY_SKIPPED)
	@! $(LOCAL) images || $(MAKE) --no-print-directory test-e2e MODE=docker

.PHONY: test-e2e
test-e2e: export MODE := $(or $(MODE),host)
test-e2e: export EMULATOR := $(or $(EMULATOR),localstack)
test-e2e: ## run the end-to-end tests alone (MODE=docker or EMULATOR=ministack: there)
	@$(LOCAL) tools e2e
	@rm -f .local/skipped
	MODE=$(MODE) EMULATOR=$(EMULATOR) go test -count=1 -timeout 30m ./localstack/e2e
	@$(SAY_SKIPPED)

.PHONY: test-stores
test-stores: ## run the ledger's tests on Valkey 9.1 and Redis 8.2 too
	@$(LOCAL) tools stores
	@for store in $(CURDIR)/.local/store/*; do \
		echo "$${store##*/}: $$("$$store/redis-server" --version)"; \
		PATH="$$store:$$PATH" go test -count=1 ./shared/ledger || exit 1; \
	done

# Tests of these packages start a LocalStack deployment or a browser.
END_TO_END := %/localstack/browser %/localstack/e2e %/localstack/schemathesis

.PHONY: race
race: ## run all tests that are not end-to-end with Go's race detector (needs a C compiler)
	@command -v "$$(go env CC)" >/dev/null || { \
		echo "stopped: the race detector needs a C compiler, and $$(go env CC) was not found;" \
			"install gcc"; \
		exit 1; \
	}
	@$(LOCAL) tools test
	CGO_ENABLED=1 SEEDS=1 go test -race -count=1 -timeout 15m \
		$(filter-out $(END_TO_END),$(shell go list ./...))

FUZZERS := order/FuzzParse order/FuzzTimestamp order/FuzzNumber jsonscan/FuzzScan \
	intake/FuzzReadEvent
# A number of runs: Go may report the end of a time as a failure (golang/go#75804).
FUZZTIME ?= 20000x

.PHONY: fuzz
fuzz: $(FUZZERS) ## look for messages that break the decoders (FUZZTIME=5000000x: for longer)

.PHONY: $(FUZZERS)
$(FUZZERS):
	go test -run '^$$' -fuzz '^$(notdir $@)$$' -fuzztime $(FUZZTIME) -fuzzminimizetime 100x \
		./shared/$(patsubst %/,%,$(dir $@))

.PHONY: test-faults
test-faults: ## try every fault with many seeds, print and write the table of results (SEEDS=20)
	@$(LOCAL) tools test
	SEEDS=$(or $(SEEDS),20) WRITE_RESULTS=1 go test -count=1 -timeout 120m ./localstack/faults

.PHONY: bench
bench: ## measure everything against the Python baseline (BENCH=quick: under 3 minutes)
	@$(LOCAL) tools bench
	go run ./localstack/bench

.PHONY: lint
lint: ## check formatting, Go code, scripts, the template and the workflows
	@unformatted=$$(gofmt -l functions shared localstack); test -z "$$unformatted" || { \
		echo "stopped: format with gofmt -w:" $$unformatted; \
		exit 1; \
	}
	go vet ./...
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT) run ./...
	@$(LOCAL) lint
	go run github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT) \
		-shellcheck .local/lint/bin/shellcheck

GOLANGCI_LINT := v2.15.0
ACTIONLINT := v1.7.12

# Called by sam build, once for each function, with ARTIFACTS_DIR set. The tests and benchmarks call
# it too: they run what is deployed.
FUNCTION_ARCH ?= x86_64
GOARCH_x86_64 := amd64
GOARCH_amd64 := amd64
GOARCH_arm64 := arm64
# lambda.norpc: without the go1.x protocol. nethttpomithttp2: without HTTP/2, which nothing
# here speaks: AWS SDKs need it for event streams only, and API Gateway reaches a function through
# the Runtime API. It is half a megabyte.
FUNCTION_TAGS := lambda.norpc,nethttpomithttp2
# Nothing is inlined into the functions of these packages: they run once for a connection, a request
# to AWS or an answer, or not at all, never for each order. That saves 0.3 MB in stats and 0.6 MB in
# the others.
NOT_INLINED := github.com/aws/... github.com/danielgtaylor/huma/... \
	crypto/tls crypto/x509 encoding/asn1 math/big mime/multipart net/url
FUNCTION_GCFLAGS := $(NOT_INLINED:%=-gcflags=%=-l)

# LINKED names a folder that keeps the programs: Go links only those again that are out of date.
.PHONY: build-OrdersFunction build-StatsFunction build-ReplayFunction
build-OrdersFunction: FUNCTION := orders
build-StatsFunction: FUNCTION := stats
build-ReplayFunction: FUNCTION := replay
build-OrdersFunction build-StatsFunction build-ReplayFunction:
	GOOS=linux GOARCH=$(GOARCH_$(FUNCTION_ARCH)) CGO_ENABLED=0 go build -trimpath \
		-tags $(FUNCTION_TAGS) $(FUNCTION_GCFLAGS) -ldflags "-s -w -funcalign=16" \
		-o "$(if $(LINKED),$(LINKED)/$(FUNCTION),$(ARTIFACTS_DIR)/bootstrap)" ./functions/$(FUNCTION)
	$(if $(LINKED),cp "$(LINKED)/$(FUNCTION)" "$(ARTIFACTS_DIR)/bootstrap")

IMAGE ?= order-stats

# image: a scratch image has no certificates, so the program brings its own
# (functions/stats/roots_image.go).
.PHONY: image
image: ## build the stats server without Lambda as a container image (IMAGE=order-stats)
	@mkdir -p .local/image
	GOOS=linux GOARCH=$(GOARCH_$(FUNCTION_ARCH)) CGO_ENABLED=0 go build -trimpath \
		-tags $(FUNCTION_TAGS),image -ldflags "-s -w" -o .local/image/stats ./functions/stats
	docker build --platform linux/$(GOARCH_$(FUNCTION_ARCH)) --file localstack/stats.Dockerfile \
		--tag $(IMAGE) .local/image

.PHONY: lock
lock: ## renew the lock files of the Python tools from their .in files
	@$(LOCAL) lock
