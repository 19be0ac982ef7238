#!/bin/busybox sh
# udhcpc runs this script when it has a lease: configures the interface.
case $1 in
bound | renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/${mask:-24}" dev "$interface"
    # Source: RFC 3442: with these routes, a client ignores the router. A network without one has a route to the metadata here.
    if [ -n "$staticroutes" ]; then
        set -- $staticroutes
        while [ $# -ge 2 ]; do
            [ "$2" = 0.0.0.0 ] && ip route replace "$1" dev "$interface" || ip route replace "$1" via "$2" dev "$interface"
            shift 2
        done
    elif [ -n "$router" ]; then
        ip route replace default via "${router%% *}" dev "$interface"
    fi
    for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
    echo "tty: lease of $ip from $serverid for $lease s"
    ;;
esac
