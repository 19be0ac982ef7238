#!/bin/busybox sh
# Keeps /tmp on the first disk, so that it survives a restart and is part of a snapshot: 16 MiB behind the first 48 MiB, which
# belong to the boot loader and the kernel of disk-tty. A disk of less than 64 MiB has no place for it.
sectors=$(cat /sys/block/vda/size 2>/dev/null)
[ "${sectors:-0}" -ge 131072 ] || exit 0
insmod /lib/later/*-loop.ko 2>/dev/null # unless it is built in
losetup -o 50331648 /dev/loop0 /dev/vda || exit 1
# The driver of ext4 also mounts ext2, which is what busybox creates. With the option `sync`, because one call of sync(1) does not
# write what goes through a loop device: it writes the disk before the loop device has written to it.
mount_tmp() { mount -t ext4 -o sync /dev/loop0 /tmp 2>/dev/null; }
mount_tmp || { mke2fs /dev/loop0 16384 >/dev/null && mount_tmp; } || exit 1
chmod 1777 /tmp
