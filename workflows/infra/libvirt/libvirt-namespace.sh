#!/bin/sh
# libvirt-namespace.sh STACK LIBVIRTD: the first process of a private PID and mount namespace. Mounts the folders of the
# stack over the folders that are compiled into libvirt, and runs libvirtd. When this process exits, so does every server.
set -e
stack=$1 libvirtd=$2
cd "$stack" # keeps the folder reachable if a mount below hides it
for folder in run var/lib var/log var/cache; do
    mount -t tmpfs -o mode=755,size=4m novaflow "/$folder"
    mkdir "/$folder/libvirt"
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
# With cgroups of version 1, libvirt's containers fail if an empty hierarchy of version 2 is mounted beside them.
umount /sys/fs/cgroup/unified 2>/dev/null || true
# libvirtd looks up its default user even if qemu.conf names another one. libvirt-daemon-system, which creates that user, is
# not installed; a copy of the user database is mounted instead.
for list in passwd group; do
    if ! grep -q '^libvirt-qemu:' "/etc/$list"; then
        cp "/etc/$list" "data/libvirt/$list"
        case $list in
        passwd) echo 'libvirt-qemu:x:64055:64055::/nonexistent:/bin/false' >>"data/libvirt/$list" ;;
        group) echo 'libvirt-qemu:x:64055:' >>"data/libvirt/$list" ;;
        esac
        mount --bind "data/libvirt/$list" "/etc/$list"
    fi
done
# No exec: the first process must outlive the shutdown of libvirtd, and forward its signals.
"$libvirtd" -f /etc/libvirt/libvirtd.conf &
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
