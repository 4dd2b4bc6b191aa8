# `make` alone prints what there is: the lines that begin with two number signs.
# Works with GNU Make 3.81 (macOS) and later, and any POSIX shell.

# ARGS goes to the program (`make demo ARGS="--speed 60"`), RUN selects tests by
# name (`make test RUN=Rescue`), PKG the packages (`make test PKG=./shared/...`).
ARGS ?=
RUN  ?=
PKG  ?= ./...
GO   ?= go

FUNCTIONS := submit poll finalize callback
ARCHES    := arm64 amd64

# What lies in the checked-in lock file and what npm made of it.
DYNAMO   := local/aws/dynamo
DYNOXIDE := $(DYNAMO)/node_modules/.installed

.PHONY: command help up demo invoke test check e2e build lint fmt clean tools \
        fmt-check vet rules modules portable FORCE

## Print this list
help:
	@awk '/^## /     { text = text sep substr($$0, 4); sep = "\n" sprintf("%-12s", ""); next } \
	      /^[a-z0-9-]+:/ && text { sub(/:.*/, "", $$1); printf "  %-10s%s\n", $$1, text } \
	      { text = sep = "" }' $(firstword $(MAKEFILE_LIST))

## Run the whole pipeline on this machine and open its page; ARGS goes to `emodrop up`
up: $(DYNOXIDE) command
	@exec $(COMMAND) up $(ARGS)

## Make one film from the portrait and the speech that ship with the project
demo: $(DYNOXIDE) command
	@exec $(COMMAND) demo $(ARGS)

## Invoke a function with an event, without Docker or SAM: FN=submit EVENT=events/s3-put.json
invoke: $(DYNOXIDE) command
	@if [ -z "$(FN)" ] || [ -z "$(EVENT)" ]; then \
	    echo "usage: make invoke FN=submit|poll|finalize|callback EVENT=events/FILE.json" >&2; exit 2; fi; \
	exec $(COMMAND) invoke $(FN) "$(EVENT)" $(ARGS)

# Built rather than run by `go run`, which answers Ctrl-C with an error of its own.
# The flags are those of the functions' build: nothing is compiled twice.
COMMAND := .emodrop/bin/emodrop
command:
	@test -e $(COMMAND) || echo "building emodrop; with an empty build cache this takes a minute or two" >&2
	@$(GO) build -o $(COMMAND) ./cmd/emodrop

# The race detector makes the simulation ten times as slow, so under it a share of the
# seeds and deaths has to do, and the rest is played without.
## Run every test but the end-to-end ones, offline; RUN and PKG select
test: $(DYNOXIDE)
	$(GO) test -race -shuffle=on $(if $(RUN),-run '$(RUN)') $(PKG)
	$(if $(filter ./...,$(PKG)),$(GO) test -shuffle=on $(if $(RUN),-run '$(RUN)') ./local/sim)

## Do all that has to pass before a change goes in: format, vet, lint, rules, modules, platforms, test
check: fmt-check vet lint rules modules portable test

# The end-to-end tests skip themselves unless EMODROP_E2E is set; no build tag
# hides them from the compiler. The packages are found by that word, so a new test
# needs no line here. They need Chromium and the AWS command line.
## Run the packages with end-to-end tests, those included: real binaries, Chromium, aws; RUN selects
e2e: $(DYNOXIDE)
	@dirs=$$(grep -rl --include='*_test.go' EMODROP_E2E cmd docs events functions local shared 2>/dev/null \
	    | sed 's,^,./,; s,/[^/]*$$,,' | sort -u); \
	if [ -z "$$dirs" ]; then echo "make e2e: no test asks for EMODROP_E2E" >&2; exit 1; fi; \
	set -x; EMODROP_E2E=1 $(GO) test -race -count=1 -timeout 20m $(if $(RUN),-run '$(RUN)') $$dirs

## Build the four Lambda binaries into build/<arch>/<function>/bootstrap, the same bytes everywhere
build: $(foreach arch,$(ARCHES),$(foreach fn,$(FUNCTIONS),build/$(arch)/$(fn)/bootstrap))

# The go command knows better than make what is out of date. The stem is <arch>/<function>.
build/%/bootstrap: FORCE
	CGO_ENABLED=0 GOOS=linux GOARCH=$(patsubst %/,%,$(dir $*)) \
	$(GO) build -trimpath -buildvcs=false -tags=lambda.norpc -ldflags='-s -w -buildid=' -o $@ ./functions/$(notdir $*)

## Look for defects with staticcheck (staticcheck.conf) and for dropped errors (.ci/errcheck.txt)
lint:
	$(GO) tool staticcheck $(PKG)
	$(GO) tool errcheck -exclude .ci/errcheck.txt $(PKG)

## Format the Go files
fmt:
	gofmt -s -w $(GO_FOLDERS)

## Remove what make made; films, jobs and dropped files stay
clean:
	rm -rf build $(DYNAMO)/node_modules

## Install what the other targets need beside Go: the DynamoDB stand-in
tools: $(DYNOXIDE)

# --- the parts of check, each good alone ---

GO_FOLDERS = $(wildcard *.go cmd docs events functions local shared)

fmt-check:
	@unformatted=$$(gofmt -s -l $(GO_FOLDERS)) || exit 1; \
	if [ -n "$$unformatted" ]; then echo "not formatted (run make fmt):" >&2; echo "$$unformatted" >&2; exit 1; fi

vet:
	$(GO) vet $(PKG)

rules:
	$(GO) test ./docs/rules

# go.mod names what is used and nothing else, and the module cache holds what
# go.sum promises. Offline once the modules are there.
modules:
	$(GO) mod verify
	$(GO) mod tidy -diff

# The laptop stack runs on these too; compiling it, tests included, is what can be
# checked from here.
portable:
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) vet $(PKG)
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 $(GO) vet $(PKG)

# npm leaves nothing behind where there is no package for the platform (they are
# optional dependencies), hence a stamp of our own. With an endpoint given, that
# one is used and nothing is installed.
$(DYNOXIDE): $(DYNAMO)/package-lock.json $(DYNAMO)/package.json
	@if [ -n "$$AWS_ENDPOINT_URL_DYNAMODB" ]; then \
	    echo "using the DynamoDB at $$AWS_ENDPOINT_URL_DYNAMODB"; \
	elif command -v npm >/dev/null; then \
	    echo "npm ci --prefix $(DYNAMO) --no-audit --no-fund"; \
	    npm ci --prefix $(DYNAMO) --no-audit --no-fund && mkdir -p $(@D) && touch $@; \
	elif command -v dynoxide >/dev/null; then \
	    echo "using the dynoxide on PATH"; \
	else \
	    echo "npm is missing: install Node.js (https://nodejs.org), or put dynoxide on PATH, or set AWS_ENDPOINT_URL_DYNAMODB" >&2; exit 1; \
	fi

# --- the stack in an AWS account, see docs/deploy.md ---

STACK ?= emodrop
SAM   ?= sam
AWS   ?= aws

.PHONY: deploy delete

# SAM reports a compile error as a folder that is missing, so go builds first. The
# flags reach SAM's builder through the environment alone; they are those of build.
## Build with SAM and deploy to AWS; STACK names the stack, ARGS goes to `sam deploy` (first time: ARGS=--guided)
deploy:
	$(GO) build ./functions/...
	CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false -tags=lambda.norpc '-ldflags=-s -w -buildid='" $(SAM) build
	$(SAM) deploy --stack-name $(STACK) $(ARGS)

# What CloudFormation keeps it forgets, so the names are read before. Versions have
# to be deleted one by one; a refused deletion ends the loop.
## Delete the stack from AWS; hand-ins, films and the jobs table stay, unless PURGE=yes
delete:
	@set -e; \
	kept=$$($(AWS) cloudformation describe-stack-resources --stack-name $(STACK) --output text --query \
	    "StackResources[?ResourceType=='AWS::S3::Bucket' || ResourceType=='AWS::DynamoDB::Table'].[ResourceType, PhysicalResourceId]"); \
	$(SAM) delete --stack-name $(STACK) --no-prompts; \
	if [ "$(PURGE)" != yes ]; then \
	    echo "Kept, because they hold what people made or paid for (make delete PURGE=yes would have deleted them):"; \
	    printf '%s\n' "$$kept"; exit 0; \
	fi; \
	batch=$$(mktemp); trap 'rm -f "$$batch"' EXIT; \
	printf '%s\n' "$$kept" | while read -r kind name; do case $$kind in \
	AWS::S3::Bucket) \
	    echo "emptying and deleting the bucket $$name"; \
	    while $(AWS) s3api list-object-versions --bucket "$$name" --max-items 500 --output json --query \
	            '{Quiet: `true`, Objects: [Versions, DeleteMarkers][].{Key: Key, VersionId: VersionId}}' >"$$batch"; \
	          grep -q '"Key"' "$$batch"; do \
	        refused=$$($(AWS) s3api delete-objects --bucket "$$name" --delete "file://$$batch" --output text); \
	        if [ -n "$$refused" ]; then printf '%s\n' "$$refused" >&2; exit 1; fi; \
	    done; \
	    $(AWS) s3api delete-bucket --bucket "$$name" ;; \
	AWS::DynamoDB::Table) \
	    echo "deleting the table $$name"; \
	    $(AWS) dynamodb update-table --table-name "$$name" --no-deletion-protection-enabled --output text --query TableDescription.TableName >/dev/null; \
	    $(AWS) dynamodb wait table-exists --table-name "$$name"; \
	    $(AWS) dynamodb delete-table --table-name "$$name" --output text --query TableDescription.TableName >/dev/null ;; \
	esac; done
