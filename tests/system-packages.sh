#!/bin/sh
# Installs what the tests need from Debian when run as root; otherwise says what the tests will leave out, and why.
set -eu

missing=""
for pair in postgres:postgresql chromium:chromium node:nodejs npm:npm git:git cc:gcc; do
    command=${pair%%:*}
    package=${pair##*:}
    if [ "$command" = postgres ]; then
        ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing $package"
    else
        command -v "$command" >/dev/null 2>&1 || missing="$missing $package"
    fi
done
# The compiler needs the C library's headers.
case "$missing" in *gcc*) missing="$missing libc6-dev" ;; esac
# Without a font Chromium measures pages that nobody sees.
case "$missing" in *chromium*) missing="$missing fonts-liberation" ;; esac
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing from Debian:$missing"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends $missing >/dev/null
    exit 0
fi

echo "Not installed, because this is not root on Debian:$missing. Tests that need them are left out." >&2
[ -z "${CI:-}" ] || { echo "With CI set nothing may be left out." >&2; exit 1; }
