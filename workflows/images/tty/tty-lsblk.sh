#!/bin/busybox sh
# Prints the disks of this server and their sizes in bytes, as `lsblk --list --bytes --nodeps` does.
line() { printf '%-6s %-7s %2s %12s %2s %-4s %s\n' "$@"; }
line NAME MAJ:MIN RM SIZE RO TYPE MOUNTPOINT
for disk in /sys/block/*; do
    case ${disk##*/} in
    loop*) continue ;;
    sr*) kind=rom ;;
    *) kind=disk ;;
    esac
    mounted=$(sed -n "s|^/dev/${disk##*/} \([^ ]*\) .*|\1|p" /proc/mounts | head -n 1)
    line "${disk##*/}" "$(cat "$disk/dev")" "$(cat "$disk/removable")" $(($(cat "$disk/size") * 512)) "$(cat "$disk/ro")" $kind "$mounted"
done
