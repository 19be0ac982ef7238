#!/bin/busybox sh
# udhcpc runs this script when it has a lease: configures the interface.
case $1 in
bound | renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/${mask:-24}" dev "$interface"
    if [ -n "$router" ]; then ip route replace default via "${router%% *}" dev "$interface"; fi
    for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
    echo "tty: lease of $ip from $serverid for $lease s"
    ;;
esac
