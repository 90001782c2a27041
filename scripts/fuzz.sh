#!/bin/sh
# Runs every fuzz target of the module for a time, one after another. Usage: fuzz.sh TIME
set -eu
cd "$(dirname "$0")/.."
for pkg in $($GO list $FLAGS ./...); do
    for target in $($GO test $FLAGS -list '^Fuzz' "$pkg" | grep '^Fuzz' || true); do
        $GO test $FLAGS -run '^$' -fuzz "^$target\$" -fuzztime "${1:-10s}" "$pkg"
    done
done
