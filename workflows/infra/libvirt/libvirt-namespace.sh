#!/bin/sh
# libvirt in a room of its own: the first process of a private process and mount namespace, in which the stack's
# folders stand where libvirt's compiled-in ones would be. When this process ends, every server ends with it.
set -e
stack=$1
cd "$stack" # keeps the folder within reach if a mount below hides it
for place in run var/lib var/log var/cache; do
    mount -t tmpfs -o mode=755,size=4m novaflow "/$place"
    mkdir "/$place/libvirt"
done
mkdir -p /run/lock
if [ ! -d "$stack/data/libvirt" ]; then
    mkdir -p "$stack"
    mount --rbind . "$stack"
fi
mount --bind data/libvirt/lib /var/lib/libvirt
mount --bind data/libvirt/log /var/log/libvirt
mount --bind data/libvirt/cache /var/cache/libvirt
mount --bind data/libvirt/etc /etc/libvirt
# Where controllers are of version 1, libvirt's containers fail at the empty hierarchy of version 2 beside them.
umount /sys/fs/cgroup/unified 2>/dev/null || true
# libvirtd looks its default user up even where qemu.conf names another one. libvirt-daemon-system would have made it;
# in here a copy of the lists of users will do.
for list in passwd group; do
    if ! grep -q '^libvirt-qemu:' "/etc/$list"; then
        cp "/etc/$list" "data/libvirt/$list"
        case $list in
        passwd) echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' >>"data/libvirt/$list" ;;
        group) echo 'libvirt-qemu:x:64055:' >>"data/libvirt/$list" ;;
        esac
        mount --bind "data/libvirt/$list" "/etc/$list"
    fi
done
# Not exec: the first process must outlive libvirtd's own way of ending, and pass its signals on.
/usr/sbin/libvirtd -f /etc/libvirt/libvirtd.conf &
daemon=$!
trap 'kill -TERM $daemon' TERM INT
set +e
wait $daemon
status=$?
while kill -0 $daemon 2>/dev/null; do
    wait $daemon
    status=$?
done
exit $status
