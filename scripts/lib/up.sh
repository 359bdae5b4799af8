# What scripts/up does, in bash.

. "${BASH_SOURCE[0]%/*}/venv.sh"
# Root may write anywhere, and the owner of the folder could do nothing with what it leaves there.
if [ "$(id -u)" = 0 ] && ! [ -O . ]; then
    die "$PWD belongs to another user: run this as that one, not as root."
fi
ensure_venv
# It looks at the settings, the folder and the ports first, and says what is wrong.
exec zchat-up "$@"
