# run_benchmark MODULE [ARGUMENT]...: runs a module of this folder. Sourced by the scripts above.

. "$(dirname "${BASH_SOURCE[0]}")/../lib/venv.sh"
root=$PWD
# Paths that the caller gives are meant as they were where it stood.
cd "$OLDPWD"

run_benchmark() {
    # With an environment that has the programs already, that one is measured.
    if ! command -v zchat-gateway >/dev/null; then
        cd "$root"
        ensure_venv
        cd "$OLDPWD"
    fi
    # -P: a file of the caller's folder must not take the place of a module.
    PYTHONPATH=$root/scripts exec python -P -m "benchmarks.$1" "${@:2}"
}
