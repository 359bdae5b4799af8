# Makes .venv beside this folder's parent, with the project installed. Sourced by the scripts, which
# run in the root of the repository afterwards.

set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/../.."

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

is_recent() {
    [ "$("$1" -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null)" = True ]
}

# Prints a Python that is new enough: $PYTHON if it is set, or the first that is found.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_recent "$PYTHON" || die "PYTHON=$PYTHON is not a Python 3.11 or newer."
        printf '%s' "$PYTHON"
        return
    fi
    local python
    for python in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if is_recent "$python"; then
            printf '%s' "$python"
            return
        fi
    done
    die "No Python 3.11 or newer was found. Install one, or name it: PYTHON=/path/to/python3 $0"
}

# What a virtual environment depends on: its own path, since its scripts hold it, and its Python.
describe_venv() {
    printf '%s\n' "$PWD/.venv"
    "$1" -c 'import sys; print(sys.version)'
}

# quietly COMMAND...: what it says is shown if it fails, unless it was told to stop.
quietly() {
    local said
    said=$("$@" 2>&1) || { printf '%s\n' "$said" >&2; return 1; }
}

# install PYTHON REQUIREMENT
install() {
    printf 'Installing zchat into .venv ...\n' >&2
    # What was begun and not ended, in whatever way, may lack any file: it is begun anew.
    if [ -e .venv/unfinished ] ||
        [ "$(cat .venv/made-for 2>/dev/null)" != "$(describe_venv "$1")" ]; then
        # These first: to clear it takes its time, too.
        rm -f .venv/made-for .venv/installed*
        quietly "$1" -m venv --clear .venv ||
            die "$1 could not make .venv; what it says is above. Where ensurepip is missing, on" \
                "Debian or Ubuntu: apt install python3-venv"
        describe_venv "$1" >.venv/made-for
    fi
    touch .venv/unfinished
    quietly .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable "$2" ||
        die "The installation into .venv failed; what pip says is above."
    rm .venv/unfinished
}

# Before anything is begun: a folder that cannot be written to would fail in the middle, in English
# of other people.
check_folder() {
    local folder
    for folder in "$PWD" "$PWD/var" "$PWD/.venv"; do
        if [ -e "$folder" ] && ! { : >"$folder/.probe"; } 2>/dev/null; then
            die "Cannot write to $folder: it is read-only, or belongs to another user." \
                "Copy or clone zchat to a folder of your own."
        fi
        rm -f "$folder/.probe"
    done
}

# is_installed EXTRA WANTED
is_installed() {
    [ -e .venv/made-for ] && [ ! -e .venv/unfinished ] &&
        [ "$(cat ".venv/installed-$1" 2>/dev/null)" = "$2" ]
}

# ensure_venv [EXTRA]: returns with everything installed and .venv/bin first in PATH.
ensure_venv() {
    local extra=${1:-server} python wanted
    python=$(find_python)
    wanted=$(describe_venv "$python"; cat setup.cfg pyproject.toml)
    if ! is_installed "$extra" "$wanted"; then
        check_folder
        trap 'die "Stopped. The next start begins this installation anew."' INT TERM
        mkdir -p var
        # Two runs at a time take turns. The lock belongs to the open file, hence to this shell, and
        # outlives the Python that takes it: `flock` is not everywhere.
        exec 9>var/venv.lock
        "$python" -c '
import fcntl, signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
fcntl.flock(9, fcntl.LOCK_EX)'
        # Somebody else may have done it meanwhile.
        if ! is_installed "$extra" "$wanted"; then
            install "$python" ".[$extra]"
            printf '%s\n' "$wanted" >".venv/installed-$extra"
            # All others come with what the cluster needs.
            printf '%s\n' "$wanted" >.venv/installed-server
        fi
        exec 9>&-
        trap - INT TERM
    fi
    export PATH="$PWD/.venv/bin:$PATH"
}
