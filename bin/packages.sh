#!/bin/sh
# Installs the named Debian or Ubuntu packages, by sudo where it is needed, and starts no service:
# the portal runs its own PostgreSQL and Redis, and leaves ports 5432 and 6379 alone.
set -eu

command="sudo sh $0 $*"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing on this machine, which has no apt-get: install what Debian calls $*, then start again." >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "Packages are missing and only root can install them; as root run: sh $0 $*" >&2
        exit 1
    elif sudo -n true 2>/dev/null; then
        exec sudo -n sh "$0" "$@"
    elif [ -t 0 ]; then
        echo "Packages are missing ($*); sudo may ask for your password to install them."
        exec sudo sh "$0" "$@"
    fi
    echo "Packages are missing and only root can install them; run: $command" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.conf
made_policy='' kept='' log=''

restore() {
    if [ -n "$made_policy" ]; then rm -f "$policy"; fi
    if [ -n "$kept" ]; then cat "$kept" >"$clusters" && rm -f "$kept"; fi
    rm -f "$log"
}
trap restore EXIT
trap 'exit 130' INT TERM HUP

log=$(mktemp)
apt() {
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold \
        --no-install-recommends install "$@" </dev/null >"$log" 2>&1
}
install() {
    echo "Installing with apt-get: $*"
    # The lists may be missing or old: fetch them and try once more.
    apt "$@" && return 0
    apt-get -q -o DPkg::Lock::Timeout=300 update </dev/null >"$log" 2>&1 || true
    apt "$@" && return 0
    tail -n 12 "$log" >&2
    echo "apt-get could not install $*; its last lines are above." >&2
    exit 1
}

# Told by this file that no service may start while packages are unpacked.
if [ ! -e "$policy" ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
new_services=''
for package in "$@"; do
    case $package in
    postgresql)
        if ! dpkg -s postgresql-common >/dev/null 2>&1; then
            install postgresql-common
            kept=$(mktemp)
            cat "$clusters" >"$kept"
            echo 'create_main_cluster = false' >>"$clusters"
            new_services="$new_services postgresql"
        fi
        ;;
    redis-server)
        dpkg -s redis-server >/dev/null 2>&1 || new_services="$new_services redis-server"
        ;;
    esac
done
install "$@"
# What was not here before shall not come up at the next boot either.
for service in $new_services; do
    if command -v systemctl >/dev/null 2>&1; then
        systemctl disable "$service" >/dev/null 2>&1 || true
    fi
done
