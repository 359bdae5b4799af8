# Brings what the checks of the page need, where it may. Sourced by scripts/test.

# As root, or not at all: nobody is asked for a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

# apt_get COMMAND...
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet \
        -o DPkg::Lock::Timeout=120 -o Acquire::Retries=1 -o Acquire::http::Timeout=30 "$@"
}

install_chromium() {
    apt_get install --yes --no-install-recommends chromium fonts-noto-color-emoji
}

# Debian's chromium, and a font with the emoji that messages have. Without it the tests of the page
# skip themselves, or fail in CI: so it is said here and no failure.
ensure_chromium() {
    if command -v chromium || command -v chromium-browser; then
        return
    fi >/dev/null
    local said='there is no apt-get, or nobody may run it without a password'
    if command -v apt-get >/dev/null && as_root true 2>/dev/null; then
        printf 'Installing chromium for the tests of the page ...\n' >&2
        # Lists of packages may be missing, or older than what is to be had.
        if said=$(install_chromium 2>&1) || said=$(apt_get update && install_chromium 2>&1); then
            return
        fi
    fi
    printf '%s\n' "$said" 'SKIPPED: the tests of the page, for want of chromium. To have it:' \
        '    apt-get install -y --no-install-recommends chromium fonts-noto-color-emoji' >&2
}

has_node() {
    [ "$(node -p 'parseInt(process.versions.node) >= 20' 2>/dev/null)" = true ] &&
        command -v npm >/dev/null
}

# Node in .venv, where there is none that is new enough: that of a distribution rarely is. What
# needs it says so without it, or fails in CI.
ensure_node() {
    has_node || (ensure_venv node) ||
        printf 'SKIPPED: what needs Node 20 or newer, with npm.\n' >&2
}
