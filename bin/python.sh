# Read by bin/portal and bin/test: finds Python 3.11 or newer, installs it where that is possible,
# and leaves its path in PYTHON. POSIX shell, since nothing else is certain to be there.

find_python() {
    # A candidate is run, not only looked up: a version manager's shim may lead nowhere.
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        PYTHON=$(command -v "$candidate" 2>/dev/null) || continue
        "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && return 0
    done
    return 1
}

if ! find_python; then
    case " $* " in
    *" --no-install "* | *" --help "* | *" -h "*) ;;
    *) sh "$here/packages.sh" python3 python3-venv || exit 1 ;;
    esac
    if ! find_python; then
        echo "Countersign needs Python 3.11 or newer, and this machine has none: use Debian 12," \
            "Ubuntu 24.04 or newer, or put a newer python3 on the PATH." >&2
        exit 1
    fi
fi
