# Starts the programs of scripts/programs. Sourced by the scripts of their names.
#
# They run where the caller stands, since a path that it gives means what it means there. And with
# -P, so that no file of that folder takes the place of a module.

. "${BASH_SOURCE[0]%/*}/venv.sh"
root=$PWD
cd "$OLDPWD"

# make_venv EXTRA
make_venv() {
    cd "$root"
    ensure_venv "$1"
    cd "$OLDPWD"
}

# libraries_of EXTRA: what of it the programs import.
libraries_of() {
    case $1 in
        server) printf 'click, msgpack, msgspec, sqlalchemy, supervisor, uvloop, zmq' ;;
        test) printf '%s, pytest, trustme' "$(libraries_of server)" ;;
        mutation) printf '%s, libcst, mutmut' "$(libraries_of test)" ;;
    esac
}

# run_program EXTRA MODULE [ARGUMENT]...: for what tries the code of this folder.
run_program() {
    # An environment that has the libraries already does.
    python -c "import $(libraries_of "$1")" 2>/dev/null || make_venv "$1"
    PYTHONPATH=$root:$root/scripts/programs exec python -P -m "${@:2}"
}

# measure_program MODULE [ARGUMENT]...: for what measures programs that are installed. Without this
# folder in its path: an environment that has another version of zchat measures that one.
measure_program() {
    command -v zchat-gateway >/dev/null || make_venv server
    PYTHONPATH=$root/scripts/programs exec python -P -m "$@"
}
