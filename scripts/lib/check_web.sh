#!/usr/bin/env bash
# The browser's client: whether what is committed in zchat/gateway/web is what web/ makes, its types,
# format and tests, and whether anything is known against its libraries.
#
# Whoever runs zchat needs no Node, so that its absence is no fault but in CI; it is said, and not
# passed over.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../web"
site=../zchat/gateway/web
. ../scripts/lib/browser.sh

# do_without WHY
do_without() {
    if [ -n "${CI:-}" ]; then
        printf 'The client in the browser cannot be checked: %s.\n' "$1" >&2
        exit 1
    fi
    printf 'SKIPPED: the client in the browser was not checked: %s.\n' "$1" >&2
    exit 0
}

has_node || do_without 'there is no Node 20 or newer with npm; ./scripts/test brings it'

if ! cmp -s package-lock.json node_modules/.made-for; then
    # What was begun is no installation, for whoever asks whether there is one.
    npm ci --no-audit --no-fund --loglevel error || {
        rm -rf node_modules
        do_without 'npm could not install what web/package-lock.json names'
    }
    cp package-lock.json node_modules/.made-for
fi

built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
cp -R "$site/." "$built"
npm run --silent build
if ! diff --recursive --brief "$built" "$site"; then
    printf 'zchat/gateway/web was not what web/ makes. It is now: look at it, and commit it.\n' >&2
    exit 1
fi

npm run --silent check
npm test --silent

if ! report=$(npm audit --json 2>/dev/null); then
    if [[ $report == *'"vulnerabilities"'* ]]; then
        npm audit || true
        exit 1
    fi
    # Not every registry offers it, so that this fails nowhere.
    printf 'SKIPPED: nobody could be asked what is known against the libraries of web/.\n' >&2
fi
