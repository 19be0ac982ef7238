#!/bin/busybox sh
# The first process of the tty image, in a virtual machine or in a container: loads drivers, configures the network, prints the
# address on the console, and starts the SSH server. What a server needs later is loaded after that.
/bin/busybox --install -s /bin
ln -s bin /sbin
mkdir -p /var
ln -s ../run /var/run
export PATH=/bin HOME=/root
load() { for module in "$1"/*.ko; do insmod "$module" 2>/dev/null; done; }
if [ -z "$container" ]; then # libvirt sets it in containers, where this is already done
    mount -t proc proc /proc
    mount -t sysfs sys /sys
    mount -t devtmpfs dev /dev
    mkdir -p /dev/pts
    mount -t devpts pts /dev/pts
    load /lib
    {
        load /lib/power
        acpid -l /dev/null # for the power button
    } &
fi
hostname tty
echo "tty: $(uname -sr), up $(cut -d' ' -f1 /proc/uptime) s, $(grep MemTotal /proc/meminfo)"
ip link set lo up
ip link set eth0 up
# config_drive is a parameter of the kernel command line, from the image.
[ "$config_drive" ] && /etc/drive || udhcpc -i eth0 -p /run/udhcpc.eth0.pid -t 10 -T 1 -A 2 -S -b -O staticroutes -s /etc/lease -x hostname:tty
ip -o -4 addr show dev eth0
[ "$container" ] || /etc/disk
dropbear -R -s # creates its host key at the first connection; rejects passwords
/etc/metadata &
echo "tty: ready after $(cut -d' ' -f1 /proc/uptime) s"
login_at() { # root is the only user
    while :; do setsid getty -L 115200 "$1" linux; done
}
[ -z "$container" ] || while :; do setsid -c sh -c "exec sh </dev/console >/dev/console 2>&1"; sleep 1; done
{
    load /lib/drive
    load /lib/later
} &
echo "tty: the screen of $(hostname)" >/dev/tty1
login_at tty1 &
consoles=$(cat /sys/class/tty/console/active) # "tty0 ttyS0": the last one is the serial console
login_at "${consoles##* }"
