#!/usr/bin/env bash
# The browser's client: whether what is committed in zchat/gateway/web is what web/ makes, its types,
# format and tests, and whether anything is known against its libraries.
#
# Whoever runs zchat needs no Node, so that its absence is no fault; it is said, and not passed over.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../web"
site=../zchat/gateway/web

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    printf 'SKIPPED: the client in the browser was not checked, since there is no Node.\n' >&2
    printf 'On Debian or Ubuntu: apt install nodejs npm\n' >&2
    exit 0
fi

if ! cmp -s package-lock.json node_modules/.made-for; then
    npm ci --no-audit --silent
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
    printf 'SKIPPED: nobody could be asked what is known against the libraries of web/.\n' >&2
fi
