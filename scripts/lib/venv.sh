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

# install PYTHON REQUIREMENT
install() {
    printf 'Installing zchat into .venv ...\n' >&2
    if [ "$(cat .venv/made-for 2>/dev/null)" != "$(describe_venv "$1")" ]; then
        "$1" -m venv --clear .venv ||
            die "$1 cannot make virtual environments. On Debian or Ubuntu: apt install python3-venv"
        describe_venv "$1" >.venv/made-for
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable "$2" ||
        die "The installation into .venv failed; what pip says is above."
}

# ensure_venv [EXTRA]: returns with everything installed and .venv/bin first in PATH.
ensure_venv() {
    local extra=${1:-} python wanted stamp
    python=$(find_python)
    # Two runs at a time take turns. The lock belongs to the open file, hence to this shell, and
    # outlives the Python that takes it: `flock` is not everywhere.
    exec 9>var/venv.lock
    "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    wanted=$(describe_venv "$python"; cat setup.cfg pyproject.toml)
    stamp=.venv/installed${extra:+-$extra}
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        install "$python" ".${extra:+[$extra]}"
        # An extra comes with all the rest.
        printf '%s\n' "$wanted" >.venv/installed
        printf '%s\n' "$wanted" >"$stamp"
    fi
    exec 9>&-
    export PATH="$PWD/.venv/bin:$PATH"
}
