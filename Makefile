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
BROWSER  := local/console/browser
AXE      := $(BROWSER)/node_modules/.installed

.PHONY: command help up demo invoke test whole check e2e sim sim-scale sim-mutants contract build lint fmt clean tools \
        fmt-check vet rules modules portable FORCE

## Print this list
help:
	@awk '/^## /     { text = text sep substr($$0, 4); sep = "\n" sprintf("%-14s", ""); next } \
	      /^[a-z0-9-]+:/ && text { sub(/:.*/, "", $$1); printf "  %-12s%s\n", $$1, text } \
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

# What shares no memory between goroutines is tested without the race detector, which makes
# it ten times as slow: what docs/ holds to the code, and the pure packages of ALONE.
# docs/rules keeps them so. Everywhere else a share of the largest tables, orders and
# amounts has to do under it (local/race), and `make whole` plays all of them without.
# Race binaries would each wait a second before they exit, and much of their time is the
# garbage collector's unless it is told that there is memory. go vet is a target of its own.
LEISURE := GORACE=atexit_sleep_ms=0 GOGC=400
ALONE   := $(addprefix emodrop/,local/emo/face/picture local/emo/film local/sample shared/job \
           shared/media shared/public shared/words)
OURS    := ./cmd/... ./events/... ./functions/... ./local/... ./shared/...
# LIST notes the packages of $(2) that have tests as a list of lines, each with the folder $(1) for
# their binaries, but those that $(3) names; COMPILE makes the binaries of the folder $(1) with the
# compiler's flags $(2), if they have changed; PLAY plays all that are listed, one package more at
# once than there are processors, as some wait. .ci/play says why it is not `go test` alone.
BINS    := .emodrop/test
LISTED  := $(BINS)/list
LIST     = $(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}$(BINS)/$(1) {{.ImportPath}}{{end}}' $(2) \
           $(if $(3),| grep -vxF $(foreach p,$(3),-e '$(BINS)/$(1) $(p)'))
COMPILE  = mkdir -p $(BINS)/$(1) && $(GO) test -c -vet=off $(2) -o $(BINS)/$(1)/ $$(sed -n 's,^$(BINS)/$(1) ,,p' $(LISTED))
PLAY     = $(LEISURE) RUN='$(RUN)' xargs -n 2 -P $$(($$(getconf _NPROCESSORS_ONLN) + 1)) .ci/play <$(LISTED)
## Run every test but the end-to-end ones, offline, the largest tables and amounts in part; RUN and PKG select
test: $(DYNOXIDE)
	@mkdir -p $(BINS)
ifeq ($(PKG),./...)
	@{ $(call LIST,plain,./docs/... $(ALONE)) && $(call LIST,race,$(OURS),$(ALONE)); } >$(LISTED)
	@$(call COMPILE,plain)
else
	@$(call LIST,race,$(PKG)) >$(LISTED)
endif
	@$(call COMPILE,race,-race)
	@$(PLAY)

# Found by the import, so a new test needs no line here.
WHOLE = $(shell grep -rl --include='*_test.go' '"emodrop/local/race"' cmd docs events functions local shared \
            | sed 's,^,./,; s,/[^/]*$$,,' | sort -u)
## Play in full, without the race detector, the packages of which `make test` plays a part
whole: $(DYNOXIDE)
	@mkdir -p $(BINS)
	@$(call LIST,plain,$(WHOLE)) >$(LISTED)
	@$(call COMPILE,plain)
	@$(PLAY)

## Do all that has to pass before a change goes in: format, vet, lint, rules, modules, platforms, test, whole
check: fmt-check vet lint rules modules portable test whole

# The end-to-end tests skip themselves unless EMODROP_E2E is set; no build tag
# hides them from the compiler. The packages are found by that word, so a new test
# needs no line here. They need Chromium and the AWS command line. The race detector is
# left to `make test`: here real programs keep real time, some of them killed at random,
# and a machine that is ten times as slow proves less.
## Run the packages with end-to-end tests, those included: real binaries, Chromium, aws; RUN selects
e2e: $(DYNOXIDE) $(AXE)
	@dirs=$$(grep -rl --include='*_test.go' EMODROP_E2E cmd docs events functions local shared 2>/dev/null \
	    | sed 's,^,./,; s,/[^/]*$$,,' | sort -u); \
	if [ -z "$$dirs" ]; then echo "make e2e: no test asks for EMODROP_E2E" >&2; exit 1; fi; \
	set -x; EMODROP_E2E=1 $(GO) test -count=1 -timeout 20m $(if $(RUN),-run '$(RUN)') $$dirs

# The seeds of local/sim, compiled once. The naive control plays a tenth of them, and a
# fiftieth is played twice: a seed has to go the same way every time.
SEEDS ?= 10000
SEED  ?=
SIM   := .emodrop/bin/sim.test

## Play SEEDS seeded storms over the whole pipeline, in virtual time; SEED=n plays one and prints what happened
sim:
	@$(GO) test -c -o $(SIM) ./local/sim
	@cd local/sim && exec env $(LEISURE) ../../$(SIM) $(if $(SEED),-test.run '^TestSeeds$$' -seed $(SEED),-seeds $(SEEDS) \
	    -test.run '^(TestSeeds|TestTheNaiveStackPaysTwice|TestASeedGoesTheSameWayEveryTime)$$') $(ARGS)

# Minutes each, and without the race detector, which finds nothing there that it does not
# find in the small worlds of every run.
## Play worlds of thousands of jobs: a week of one slot, a hundred slots, a day of ten thousand, every plan of looks
sim-scale:
	EMODROP_SCALE=1 $(GO) test -count=1 -timeout 60m -v -run '^Test(Thousands|ABatchReads|AJobTakesFew|AnEndIsSeenSoon)' ./local/sim ./shared/poll

## Take each guard out of the code in turn and demand that the seeds notice; RUN selects by name
sim-mutants:
	@nice $(GO) run ./local/sim/mutants $(if $(RUN),-run '$(RUN)') $(ARGS)

## Try what the client relies on against the real service: needs DASHSCOPE_API_KEY, pays for one look at a portrait (CNY 0.004)
contract:
	EMODROP_CONTRACT=1 $(GO) test -count=1 -v -run TestTheRealServiceKeepsTheContract ./local/emo/contract

## Build the four Lambda binaries into build/<arch>/<function>/bootstrap, the same bytes everywhere
build: $(foreach arch,$(ARCHES),$(foreach fn,$(FUNCTIONS),build/$(arch)/$(fn)/bootstrap))

# Without HTTP/2, which neither AWS nor the vendor asks for and which is 3 % of a zip: submit
# would pass 5 MB.
# The go command knows better than make what is out of date. The stem is <arch>/<function>.
build/%/bootstrap: FORCE
	CGO_ENABLED=0 GOOS=linux GOARCH=$(patsubst %/,%,$(dir $*)) \
	$(GO) build -trimpath -buildvcs=false -tags=lambda.norpc,nethttpomithttp2 -ldflags='-s -w -buildid=' -o $@ ./functions/$(notdir $*)

## Look for defects with staticcheck (staticcheck.conf) and for dropped errors (.ci/errcheck.txt)
lint:
	$(GO) tool staticcheck $(PKG)
	$(GO) tool errcheck -exclude .ci/errcheck.txt $(PKG)

## Format the Go files
fmt:
	gofmt -s -w $(GO_FOLDERS)

## Remove what make made; films, jobs and dropped files stay
clean:
	rm -rf build .aws-sam $(BINS) $(SIM) $(COMMAND) $(DYNAMO)/node_modules $(BROWSER)/node_modules

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

# What the page's accessibility is checked with: for the end-to-end tests alone.
$(AXE): $(BROWSER)/package-lock.json $(BROWSER)/package.json
	npm ci --prefix $(BROWSER) --no-audit --no-fund && touch $@

# --- the stack in an AWS account, see docs/deploy.md ---

# PARAMS="NAME=VALUE …" are the template's; those that are not named keep what they
# have. The region is never guessed: SAM reads another variable than the rest.
STACK  ?= emodrop
REGION ?= $(or $(AWS_REGION),$(AWS_DEFAULT_REGION))
PARAMS ?=
PURGE  ?=
BUCKET ?=
TABLE  ?=
SAM    ?= sam
AWS    ?= aws

.PHONY: deploy delete purge

# Under another name, for make runs a recipe that says $(MAKE) even when it is only
# asked what it would do (make -n delete).
AGAIN := $(MAKE)

# The first lines of the recipes below.
IN_REGION = set -e; if [ -z "$(REGION)" ]; then \
	    echo "make $@: in which region? REGION=ap-northeast-1, or export AWS_REGION" >&2; exit 2; fi; \
	aws() { command $(AWS) "$$@" --region "$(REGION)"; }

# SAM reports a compile error as a folder that is missing, so go builds first. The
# flags reach SAM's builder through the environment alone; they are those of build.
# SAM builds for the processor that it is told of: what the stack has, if nothing else
# is said. --guided would write its answers into samconfig.toml, and put them back
# over whatever was changed since, in this stack and in every other.
## Build with SAM and deploy to AWS; REGION, STACK names the stack, PARAMS="Alarms=false" sets parameters, ARGS goes to `sam deploy`
deploy:
	@$(IN_REGION); \
	case " $(ARGS) " in *" --guided "* | *" -g "* | *" --parameter-overrides "*) \
	    echo 'make deploy: parameters are given as PARAMS="NAME=VALUE …"' >&2; exit 2 ;; esac; \
	params="$(PARAMS)"; \
	case " $$params " in *" Architecture="*) ;; *) \
	    if has=$$(aws cloudformation describe-stacks --stack-name $(STACK) --output text --query \
	            "Stacks[0].Parameters[?ParameterKey=='Architecture'].ParameterValue" 2>&1); then \
	        case $$has in arm64 | x86_64) params="$$params Architecture=$$has" ;; esac; \
	    else case $$has in *"does not exist"*) ;; *) printf '%s\n' "$$has" >&2; exit 1 ;; esac; fi ;; \
	esac; \
	with=; if [ -n "$$params" ]; then with="--parameter-overrides $$params"; fi; \
	set -x; \
	$(GO) build ./functions/...; \
	CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false -tags=lambda.norpc,nethttpomithttp2 '-ldflags=-s -w -buildid='" $(SAM) build $$with; \
	$(SAM) deploy --region "$(REGION)" --stack-name $(STACK) --s3-prefix $(STACK) $$with $(ARGS)

# What CloudFormation keeps it forgets, so the names are read before.
## Delete the stack from AWS; hand-ins, films and the jobs table stay, unless PURGE repeats the stack's name
delete:
	@$(IN_REGION); \
	case "$(PURGE)" in "" | "$(STACK)") ;; *) \
	    echo "make delete: PURGE=$(STACK) deletes hand-ins, films and jobs of the stack $(STACK) for good; PURGE=$(PURGE) names another" >&2; exit 2 ;; esac; \
	kept=$$(aws cloudformation describe-stack-resources --stack-name $(STACK) --output text --query \
	    "StackResources[?ResourceStatus!='DELETE_COMPLETE' && (ResourceType=='AWS::S3::Bucket' || ResourceType=='AWS::DynamoDB::Table')].[ResourceType, PhysicalResourceId]"); \
	kept=$$(printf '%s\n' "$$kept" | sed 's/^AWS::S3::Bucket[[:space:]]*/BUCKET=/; s/^AWS::DynamoDB::Table[[:space:]]*/TABLE=/'); \
	$(SAM) delete --region "$(REGION)" --stack-name $(STACK) --no-prompts; \
	if [ -z "$(PURGE)" ] && [ -n "$$kept" ]; then \
	    echo "Kept, because they hold what people made or paid for. Each goes for good, with all that is in it, by"; \
	fi; \
	for what in $$kept; do \
	    if [ -z "$(PURGE)" ]; then echo "    make purge REGION=$(REGION) $$what"; else $(AGAIN) -s purge "$$what"; fi; \
	done

# Versions have to be deleted one by one; a refused deletion ends the loop.
## Delete for good what a deleted stack has left in AWS: BUCKET=name with every version, or TABLE=name
purge:
	@$(IN_REGION); \
	if [ -n "$(BUCKET)" ]; then \
	    echo "emptying and deleting the bucket $(BUCKET)"; \
	    batch=$$(mktemp); trap 'rm -f "$$batch"' EXIT; \
	    while aws s3api list-object-versions --bucket "$(BUCKET)" --max-items 500 --output json --query \
	            '{Quiet: `true`, Objects: [Versions, DeleteMarkers][].{Key: Key, VersionId: VersionId}}' >"$$batch"; \
	          grep -q '"Key"' "$$batch"; do \
	        refused=$$(aws s3api delete-objects --bucket "$(BUCKET)" --delete "file://$$batch" --output text); \
	        if [ -n "$$refused" ]; then printf '%s\n' "$$refused" >&2; exit 1; fi; \
	    done; \
	    aws s3api delete-bucket --bucket "$(BUCKET)"; \
	elif [ -n "$(TABLE)" ]; then \
	    echo "deleting the table $(TABLE)"; \
	    aws dynamodb update-table --table-name "$(TABLE)" --no-deletion-protection-enabled --output text --query TableDescription.TableName >/dev/null; \
	    aws dynamodb wait table-exists --table-name "$(TABLE)"; \
	    aws dynamodb delete-table --table-name "$(TABLE)" --output text --query TableDescription.TableName >/dev/null; \
	else echo "usage: make purge BUCKET=name, or TABLE=name" >&2; exit 2; fi
