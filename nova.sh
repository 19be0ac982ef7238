#!/bin/sh
# Hands its words to `novaflow`, on a machine that need have nothing but Debian: makes the virtual environment .venv
# beside this file, and keeps it as pyproject.toml has it. `nova.sh test [ARGS]` runs the tests.
set -eu
here=$(dirname -- "$(readlink -f -- "$0")")
venv=$here/.venv
python=/usr/bin/python3 # Debian's, because Debian's libvirt binding has to fit it
for_tests="brz debootstrap slirp4netns chromium tmux screen zsh fish"
patience_s=300          # for another apt to end

say() { printf 'nova.sh: %s\n' "$*" >&2; }
refuse() { say "$*" && exit 5; }
wanted() { readlink -f "$python" && printf '%s\n' "$venv" && cat "$here/pyproject.toml"; }
is_made() { wanted | cmp -s - "$venv/$1" 2>/dev/null; }
is_new_enough() { "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; }
apt() { # waits itself: apt-get would do so in silence, and not for the lock of its lists
    waited_s=0
    until said=$(DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" 2>&1 </dev/null); do
        case $said in *"Could not get lock"*) [ "$waited_s" -lt "$patience_s" ] || return 1 ;; *) return 1 ;; esac
        [ "$waited_s" -gt 0 ] || say "waiting for another apt to end, $patience_s s at most"
        sleep 2 && waited_s=$((waited_s + 2))
    done
}
install_packages() {
    [ "$(id -u)" -eq 0 ] || refuse "Debian's $* are needed; run: sudo apt-get install $*"
    say "installing Debian's $*"
    apt install --no-install-recommends "$@" || { apt update && apt install --no-install-recommends "$@"; } ||
        refuse "they cannot be installed: $said"
}
make_environment() { # $1: the file that notes what it was made from; the rest: what it holds beside novaflow
    note=$1 && shift
    case " $(. /etc/os-release && echo "$ID ${ID_LIKE-}") " in *" debian "* | *" ubuntu "*) ;; *)
        refuse "novaflow installs packages of Debian or Ubuntu, and this is neither" ;; esac
    "$python" -c 'import ensurepip' 2>/dev/null && [ -e /etc/ssl/certs/ca-certificates.crt ] ||
        { [ -x "$python" ] && ! is_new_enough; } || install_packages python3-venv ca-certificates
    is_new_enough || refuse "Python 3.11 or newer is needed, $python is $("$python" -V); take Debian 12, Ubuntu 24.04 or newer"
    exec 9<"$here/pyproject.toml" # of two at once the second waits, and finds nothing to do
    flock -n 9 || { say "waiting for another nova.sh to end" && flock 9; }
    ! is_made "$note" || return 0
    say "making $venv"
    rm -f "$venv/installed" "$venv/installed-dev"
    "$python" -m venv "$venv" || refuse "$venv cannot be made"
    pip() { "$venv/bin/python" -m pip -qq --disable-pip-version-check "$@"; }
    pip install uv || refuse "pip cannot install uv; look at the network and at pip's settings"
    index=${PIP_INDEX_URL:-$(pip config get global.index-url 2>/dev/null || true)} # uv does not read pip's settings
    [ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
    # Copied, because the checkout's owner gets them, and uv's cache may be root's.
    (cd "$here" && "$venv/bin/uv" pip install -q --python "$venv" --link-mode copy --compile-bytecode -e . "$@") ||
        refuse "uv cannot install what novaflow needs; look at the network, and at UV_DEFAULT_INDEX if you have a registry"
    wanted | tee "$venv/$note" >"$venv/installed"
    chown -R --reference="$here/pyproject.toml" "$venv"
}
if [ "${1-}" != test ]; then
    if ! is_made installed; then make_environment installed; fi
    exec "$venv/bin/novaflow" "$@" 9<&-
fi
if ! is_made installed-dev; then make_environment installed-dev --group dev; fi
[ "$(id -u)" -ne 0 ] || dpkg -s $for_tests >/dev/null 2>&1 || install_packages $for_tests
shift && cd "$here" && exec "$venv/bin/python" -m pytest "$@" 9<&-
