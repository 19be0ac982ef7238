#!/bin/busybox sh
# Creates a file system, as `mkfs -t TYPE DEVICE` does, of the types that busybox can create.
case "$1 $2" in
"-t vfat") shift 2 && exec mkdosfs "$@" ;;
"-t ext2") shift 2 && exec mke2fs "$@" ;;
esac
echo "mkfs: required: -t vfat or -t ext2, found: $*" >&2
exit 1
