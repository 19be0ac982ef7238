#!/bin/busybox sh
# Prints the disks that have an ISO 9660 file system, such as a config drive: blkid [-L LABEL] [-o device].
# Source: ECMA-119, section 8.4: the primary volume descriptor is sector 16, with `CD001` at byte 1 and 32 bytes of label at byte 40.
while [ $# -gt 0 ]; do
    case $1 in
    -L) wanted=$2; shift ;;
    -o) output=$2; shift ;;
    *) echo "blkid: the tty image does not know $1" >&2; exit 4 ;;
    esac
    shift
done
found=2 # the exit code of blkid if there is none
for disk in /sys/block/*; do
    device=/dev/${disk##*/}
    [ "$(dd if="$device" bs=1 skip=32769 count=5 2>/dev/null)" = CD001 ] || continue
    label=$(dd if="$device" bs=1 skip=32808 count=32 2>/dev/null | sed 's/ *$//')
    [ -z "$wanted" ] || [ "$wanted" = "$label" ] || continue
    found=0
    if [ "$output" = device ] || [ "$wanted" ]; then echo "$device"; else echo "$device: LABEL=\"$label\" TYPE=\"iso9660\""; fi
done
exit $found
