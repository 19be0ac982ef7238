# shellcheck shell=sh
# Part of nova.sh: with the arguments `--from FILE`, novaflow itself is installed from a file of `novaflow bundle`, too.
find_bundle() { # prints FILE
    while [ "$#" -gt 0 ]; do
        case $1 in --from=*) printf %s "${1#--from=}" && return ;; --from) printf %s "${2-}" && return ;; esac
        shift
    done
}
require_own() { # $1: a file that no other user may change or replace; novaflow also checks links, groups and access lists
    path=$(readlink -f -- "$1")
    while [ -z "$(find "$path" -maxdepth 0 \( ! -uid 0 ! -uid "$(id -u)" ! -uid "${SUDO_UID:-0}" -o -perm /022 ! -perm -1000 \))" ]; do
        [ "$path" != / ] || return 0
        path=$(dirname -- "$path")
    done
    refuse "$1 is not used, because another user can change $path"
}
unpack_bundle() { # $1: the file; all downloads of this process come from it from here on
    [ -f "$1" ] || refuse "--from: the file $1 does not exist"
    require_own "$1"
    made_for=$(tar -xOf "$1" platform 2>/dev/null) || refuse "$1 is not a complete file of \`novaflow bundle\`; write it again"
    this=$(. /etc/os-release && printf '%s %s %s' "$ID" "${VERSION_ID-}" "$(uname -m)")
    [ "$made_for" = "$this" ] || refuse "$1 is for $made_for, and this machine is $this; write one on such a machine with \`novaflow bundle\`"
    unpacked=$(mktemp -d /var/tmp/novaflow-bundle-XXXXXX)
    trap 'rm -rf "$unpacked"' EXIT
    tar -xf "$1" -C "$unpacked" || refuse "$1 cannot be unpacked into $unpacked"
    sed -i "s|@FOLDER@|$unpacked|" "$unpacked"/apt.conf "$unpacked"/sources.list "$unpacked"/uv.toml
    export APT_CONFIG="$unpacked/apt.conf" UV_CONFIG_FILE="$unpacked/uv.toml" PIP_NO_INDEX=1 PIP_FIND_LINKS="$unpacked/wheels"
}
unpack_bundle "$(find_bundle "$@")"
