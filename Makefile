# `make run` and `make test` are all that a fresh machine needs: both install what is missing.

GO      ?= go
ARGS    ?=
TIME    ?= 10s
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# Without libopusfile, which Parley has no use for. The version comes from git describe, so Go need not ask
# git itself (which fails in a folder that belongs to another user).
FLAGS := -tags nolibopusfile -buildvcs=false
DATE  := $(shell git log -1 --format=%cs 2>/dev/null)
LINK  := -X main.version=$(VERSION) -X main.date=$(DATE)

# An older Go (from 1.21 on) fetches the one that go.mod asks for, also where the system's default says not to.
GOTOOLCHAIN ?= auto
export GOTOOLCHAIN

.PHONY: run build install test check sim fuzz bench audio-lab failover nemesis pictures clean setup setup-test
.NOTPARALLEL:

run: build
	@bin/node $(ARGS)

build: setup
	@$(GO) build $(FLAGS) -trimpath -ldflags "$(LINK)" -o bin/node ./cmd/node

# make install PREFIX=/usr/local: the binary, the manual page, what completes words in shells, and a service of the user's.
# DESTDIR goes before it, for packages.
PREFIX  ?= /usr/local
DESTDIR ?=
SHARE   := $(DESTDIR)$(PREFIX)/share
install: build
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/lib/systemd/user" "$(SHARE)/man/man1" \
		"$(SHARE)/bash-completion/completions" "$(SHARE)/zsh/site-functions" "$(SHARE)/fish/vendor_completions.d"
	install -m 755 bin/node "$(DESTDIR)$(PREFIX)/bin/node"
	bin/node man >"$(SHARE)/man/man1/node.1"
	bin/node completion bash >"$(SHARE)/bash-completion/completions/node"
	bin/node completion zsh >"$(SHARE)/zsh/site-functions/_node"
	bin/node completion fish >"$(SHARE)/fish/vendor_completions.d/node.fish"
	sed 's|/usr/local|$(PREFIX)|' packaging/parley.service >"$(DESTDIR)$(PREFIX)/lib/systemd/user/parley.service"

# All that CI runs. One package at a time: much of it runs in real time and should not wait for a processor; what only waits runs
# four at a time. What computes on minutes of speech or on very many messages goes without the race detector, which makes it ten
# times slower.
COMPUTES := ^Test(Lab|Cleaner|Headset$$|Echo|Gain|Noise|DriftWithSpeech|SpeechFromFile|HostileTextIn|FiftyThousand|SafeReachesIntoThePast|OlderMessages)
test: setup-test check
	$(GO) test -race $(FLAGS) -p 1 -parallel 4 -timeout 14m -skip '$(COMPUTES)' ./...
	$(GO) test $(FLAGS) -p 1 -timeout 14m -run '$(COMPUTES)' ./audio/... ./relay ./cmd/node ./cli ./tui ./history
	@$(MAKE) --no-print-directory sim SEEDS=2000

# The election in virtual time: as many made-up disasters as one likes, and mutants of the machine that must be caught.
SEEDS ?= 10000
sim:
	SEEDS=$(SEEDS) $(GO) test $(FLAGS) -count=1 -timeout 10h -run 'TestNemesis|TestMutants' ./node/election

# What is quick to find: layout, suspicious code, imports against the drawing, the build without cgo.
check: setup
	@unformatted="$$(gofmt -l .)" && test -z "$$unformatted" || { echo "not gofmt'ed:" $$unformatted; exit 1; }
	$(GO) vet $(FLAGS) ./...
	$(GO) test $(FLAGS) .
	CGO_ENABLED=0 $(GO) build $(FLAGS) -o bin/node-text-only ./cmd/node

fuzz: setup
	@GO="$(GO)" FLAGS="$(FLAGS)" scripts/fuzz.sh $(TIME)

bench: setup
	$(GO) test $(FLAGS) -run '^$$' -bench . -benchmem ./...

# What voice is like, measured without a sound card: one table of goals and what was seen. Each line comes from a test named
# TestLab…, which is shorter and only checks when it runs with the others. ONLY names some of them.
audio-lab: setup-test
	@mkdir -p bin && rm -f bin/audio-lab.txt && echo "measuring; bin/audio-lab.log grows meanwhile"
	@PARLEY_LAB=$(CURDIR)/bin/audio-lab.txt $(GO) test $(FLAGS) -v -count=1 -p 1 -timeout 3h \
		-run '$(if $(filter file,$(origin ONLY)),^TestLab,$(ONLY))' ./audio/... ./relay ./cmd/node >bin/audio-lab.log 2>&1; \
	code=$$?; grep '^ *--- FAIL' bin/audio-lab.log; cat bin/audio-lab.txt; exit $$code

# How fast the room goes on when its host doesn't: TRIALS of each fault, and one table of what came of them. ONLY names
# the tests, such as '^TestFailover$$/^kill$$'. Without PARLEY_TRIALS the same tests are a check, one trial of each.
TRIALS ?= 20
ONLY   ?= ^TestFailover
failover: setup-test
	@mkdir -p bin && rm -f bin/failover.txt && echo "measuring; bin/failover.log grows meanwhile"
	@PARLEY_TRIALS=$(TRIALS) PARLEY_TABLE=$(CURDIR)/bin/failover.txt $(GO) test $(FLAGS) -v -count=1 -timeout 3h \
		-run '$(ONLY)' ./cmd/node >bin/failover.log 2>&1; \
	code=$$?; grep '^ *--- FAIL' bin/failover.log; cat bin/failover.txt; exit $$code

# Random harm to 20 talking nodes for TIME; then all must agree on all that was said. SEED repeats a run's choices.
nemesis: setup-test
	PARLEY_NEMESIS=$(if $(filter-out file,$(origin TIME)),$(TIME),5m) PARLEY_SEED=$(SEED) $(GO) test $(FLAGS) -v -count=1 -timeout 12h \
		-run '^TestNemesis$$' ./cmd/node

# The pictures of the documentation, drawn from the screens that tui's tests play. A test fails where they are not what the
# program shows.
pictures: setup
	$(GO) test $(FLAGS) -count=1 -run '^TestPictures$$' ./tui -update

clean:
	rm -rf bin

setup:
	@GO="$(GO)" scripts/setup.sh

setup-test:
	@GO="$(GO)" scripts/setup.sh test
