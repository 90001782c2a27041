#!/bin/sh
# Makes sure that what Parley is built with is installed, and with the argument "test" also what its tests
# talk to. Says nothing and is done at once when nothing is missing.
set -u
cd "$(dirname "$0")/.." || exit 1
PATH="$PATH:/usr/sbin:/sbin" # where daemons live, which is not on everybody's path
GO="${GO:-go}"
go_wanted=1.26

have() { command -v "$1" >/dev/null 2>&1; }
say() { printf '%s\n' "$*" >&2; }

# The package manager, and each part's name in it. Unknown elsewhere: the list then speaks of parts.
if have apt-get; then manager=apt-get
elif have dnf; then manager=dnf
elif have pacman; then manager=pacman
elif have brew; then manager=brew
else manager=none
fi

missing="" # packages of the manager, or parts where there is none
parts=""   # the same in words

# missing_part WORDS APT DNF PACMAN BREW
missing_part() {
    parts="${parts:+$parts, }$1"
    case $manager in
        apt-get) missing="$missing${2:+ $2}" ;;
        dnf)     missing="$missing${3:+ $3}" ;;
        pacman)  missing="$missing${4:+ $4}" ;;
        brew)    missing="$missing${5:+ $5}" ;;
    esac
}

# as_root COMMAND...: by sudo where one is not root; without a terminal sudo must not ask.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif ! have sudo; then return 1
    elif [ -t 0 ]; then sudo "$@"
    else sudo -n "$@"
    fi
}

# The lists of packages are fetched only when an installation fails without: most machines have them.
install_missing() {
    say "Installing$missing"
    case $manager in
        apt-get)
            set -- env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends $missing
            as_root "$@" >/dev/null 2>&1 || { as_root apt-get -qq update >&2 && as_root "$@" >&2; } ;;
        dnf)    as_root dnf install -y -q $missing >&2 ;;
        pacman) as_root pacman -S --needed --noconfirm $missing >&2 ;;
        brew)   brew install -q $missing >&2 ;;
        *)      return 1 ;;
    esac
}

# find_go succeeds when go, or the one that it fetches for go.mod's sake, is new enough.
find_go() {
    have "$GO" || return 1
    version=$("$GO" env GOVERSION 2>/dev/null) || return 1
    printf '%s\n%s\n' "$go_wanted" "${version#go}" | sort -V -C
}

look_for_parts() {
    missing="" parts=""
    find_go || case $manager in
        # Debian's Go is often too old to fetch a newer one (before 1.21); then only words help.
        apt-get)
            candidate=$(apt-cache policy golang-go 2>/dev/null | sed -n 's/.*Candidate: *\(.*:\)\{0,1\}//p')
            if ! have "$GO" && printf '1.21\n%s\n' "$candidate" | sort -V -C; then
                missing_part "Go $go_wanted" golang-go - - -
            else
                parts="Go $go_wanted or newer"
            fi ;;
        *) missing_part "Go $go_wanted" - golang go go ;;
    esac
    have cc || have gcc || have clang || missing_part "a C compiler" "gcc libc6-dev" gcc gcc ""
    have pkg-config || missing_part "pkg-config" pkg-config pkgconf-pkg-config pkgconf pkgconf
    library portaudio-2.0 || missing_part "PortAudio" portaudio19-dev portaudio-devel portaudio portaudio
    library opus || missing_part "Opus" libopus-dev opus-devel opus opus
}

library() { have pkg-config && pkg-config --exists "$1"; }

explain() {
    say "Parley needs what this machine lacks: $parts."
    if [ -n "$missing" ]; then
        case $manager in
            brew) say "  install it:  brew install$missing" ;;
            pacman) say "  install it as root:  pacman -S$missing" ;;
            *) say "  install it as root:  $manager install$missing" ;;
        esac
    fi
    case $parts in
        *"Go "*)
            say "  Go $go_wanted:  https://go.dev/dl (unpack it and put its bin folder on the PATH; go 1.21 and newer"
            say "           fetch it by themselves when they may use the network)" ;;
    esac
    case $manager:$parts in
        brew:*compiler*) say "  the C compiler:  xcode-select --install" ;;
        none:*) say "  the others are packages of your system: a C compiler, pkg-config, and the development files of" \
                    "PortAudio and Opus" ;;
    esac
}

look_for_parts
if [ -n "$parts" ]; then
    [ -z "$missing" ] || install_missing || say "The installation failed."
    look_for_parts
    if [ -n "$parts" ]; then
        explain
        exit 1
    fi
fi

[ "${1:-}" = test ] || exit 0

# What tests talk to: real avahi, PulseAudio, JACK, Opus tools, nc and tmux, the shells that complete words, mandoc, and the tools of
# network namespaces. Where one is missing,
# the tests that need it skip and say so; in CI that is a failure.
missing="" parts=""
peer() { missing_part "$1" "$2" - - -; }
have avahi-daemon || peer avahi-daemon avahi-daemon
have avahi-browse || peer avahi-browse avahi-utils
have dbus-daemon || peer dbus-daemon dbus
have pulseaudio || peer pulseaudio pulseaudio
have opusinfo && have opusdec || peer "Opus tools" opus-tools
have pactl && have pacat || peer pactl pulseaudio-utils
ls /usr/lib*/alsa-lib/libasound_module_pcm_pulse.so /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so 2>/dev/null |
    grep -q . || peer "ALSA's PulseAudio plugin" libasound2-plugins
have jackd && have jack_connect || peer JACK jackd2
nc -h 2>&1 | grep -qi openbsd || peer "OpenBSD's nc" netcat-openbsd
have bash || peer bash bash
have zsh || peer zsh zsh
have fish || peer fish fish
have mandoc || peer mandoc mandoc
have systemd-analyze || peer systemd-analyze systemd
have tmux || peer tmux tmux
have ip || peer ip iproute2
have nft || peer nft nftables
[ -n "$parts" ] || exit 0

if [ "$manager" = apt-get ] && { [ "$(id -u)" -eq 0 ] || [ "${CI:-}" = true ]; }; then
    install_missing && exit 0
    say "The installation failed. Missing for the tests: $parts."
else
    say "Missing for the tests: $parts. Tests that need them are skipped."
fi
[ "${CI:-}" != true ]
