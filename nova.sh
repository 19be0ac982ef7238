#!/bin/sh
# Runs `novaflow` with the same arguments on a machine that has nothing but Debian. It creates the virtual environment
# .venv next to this file, from files with their hashes in requirements/, and updates it when these or pyproject.toml change.
# `nova.sh test [ARGS]` runs the tests.
set -eu
here=$(dirname -- "$(readlink -f -- "$0")")
venv=$here/.venv
python=/usr/bin/python3 # the system's: its libvirt binding is used; with -I, so that no module of the current folder runs
for_tests="brz debootstrap slirp4netns chromium tmux screen zsh fish libfaketime"
apt_timeout_s=300       # for another apt to finish

say() { printf 'nova.sh: %s\n' "$*" >&2; }
refuse() { say "$*" && exit 5; }
inputs() { readlink -f "$python" && printf '%s\n' "$venv" && sha256sum "$here/pyproject.toml" "$here"/requirements/*.txt; }
is_current() { [ "$(inputs)" = "$(cat "$venv/$1" 2>/dev/null)" ]; } # no pipe: under systemd SIGPIPE is ignored
is_new_enough() { "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; }
apt() { # waits here: apt-get waits without a message, and not for the lock of the package lists
    waited_s=0
    until output=$(DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -qq "$@" 2>&1 </dev/null); do
        case $output in *"Could not get lock"*) [ "$waited_s" -lt "$apt_timeout_s" ] || return 1 ;; *) return 1 ;; esac
        [ "$waited_s" -gt 0 ] || say "waiting for another apt to finish, at most $apt_timeout_s s"
        sleep 2 && waited_s=$((waited_s + 2))
    done
}
install_packages() {
    [ "$(id -u)" -eq 0 ] || refuse "missing packages: $*; run: sudo apt-get install $*"
    say "installing packages: $*"
    apt install --no-install-recommends "$@" || { apt update && apt install --no-install-recommends "$@"; } ||
        refuse "the packages cannot be installed: $output"
}
fetch() { # $1: what failed, $2: what to check; the rest: the command, run in the checkout: uv reads the uv.toml of its folder
    failed=$1 check=$2 && shift 2
    output=$(cd "$here" && "$@" 2>&1) && return
    case $output in *HASHES* | *"Hash mismatch"*) check="a download is not the file whose hash is in requirements/, and was not installed" ;; esac
    refuse "$failed; $check:
$output"
}
make_environment() { # $1: the file that records the inputs, $2: the packages, a file in requirements/
    record=$1 packages=$2
    case " $(. /etc/os-release && echo "$ID ${ID_LIKE-}") " in *" debian "* | *" ubuntu "*) ;; *)
        refuse "this system is neither Debian nor Ubuntu; novaflow installs packages with apt" ;; esac
    "$python" -I -c 'import ensurepip' 2>/dev/null && [ -e /etc/ssl/certs/ca-certificates.crt ] ||
        { [ -x "$python" ] && ! is_new_enough; } || install_packages python3-venv ca-certificates
    is_new_enough || refuse "$python is $("$python" -V); Python 3.11 or newer is required, as in Debian 12 and Ubuntu 24.04"
    exec 9<"$here/pyproject.toml" # of two concurrent runs the second waits and has nothing to do
    flock -n 9 || { say "waiting for another nova.sh to finish" && flock 9; }
    ! is_current "$record" || return 0
    say "creating $venv"
    rm -f "$venv/installed" "$venv/installed-dev"
    "$python" -I -m venv "$venv" || refuse "$venv cannot be created"
    pip() { "$venv/bin/python" -I -m pip -qq --disable-pip-version-check "$@"; }
    sed -n '/^uv==/,/[^\\]$/p' "$here/requirements/$packages" >"$venv/uv.txt"
    fetch "pip cannot install uv" "check the network and the configuration of pip" pip install --require-hashes -r "$venv/uv.txt"
    index=${PIP_INDEX_URL:-$(pip config get global.index-url 2>/dev/null || true)} # uv does not read the configuration of pip
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" ${index:+UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"} # trusts whom apt and pip trust
    # Copied: the files are given to the owner of the checkout, and the cache of uv may belong to root.
    uv() { fetch "uv cannot install the requirements of novaflow" "check the network and UV_DEFAULT_INDEX" \
        "$venv/bin/uv" pip install -q --python "$venv" --link-mode copy "$@"; }
    uv --compile-bytecode --require-hashes --no-build -r "requirements/$packages" # a build would download other packages
    uv --no-deps --no-build-isolation -e .
    inputs | tee "$venv/$record" >"$venv/installed"
    chown -R --reference="$here/pyproject.toml" "$venv"
}
if [ "${1-}" != test ]; then
    if ! is_current installed; then (case " $* " in *" --from"*) . "$here/novaflow/bundle.sh" ;; esac; make_environment installed runtime.txt); fi
    exec "$venv/bin/novaflow" "$@" 9<&-
fi
if ! is_current installed-dev; then make_environment installed-dev development.txt; fi
[ "$(id -u)" -ne 0 ] || dpkg -s $for_tests >/dev/null 2>&1 || install_packages $for_tests
shift && cd "$here" && exec "$venv/bin/python" -m pytest "$@" 9<&-
