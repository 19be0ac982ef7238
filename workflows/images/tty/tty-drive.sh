#!/bin/busybox sh
# Configures the address, and the password of root at consoles, from the config drive of nova, in networks without DHCP.
for module in /lib/drive/*.ko; do insmod "$module" 2>/dev/null; done
until [ -b /dev/sr0 ]; do # the device appears some time after its driver is loaded
    attempt=$((attempt + 1))
    [ $attempt -lt 10 ] || exit 1
    sleep 1
done
mkdir -p /run/drive
mount -t iso9660 -o ro /dev/sr0 /run/drive || exit 1
/etc/password /run/drive/openstack/latest/vendor_data.json
# Networks and their routes, one object per line. Source: nova's user guide, "Metadata", network_data.json
networks=$(sed 's/{/\n&/g' /run/drive/openstack/latest/network_data.json)
first() { echo "$networks" | sed -n "$1s/.*\"$2\": \"\([^\"]*\)\".*/\1/p" | head -n 1; }
address=$(first '/"type": "ipv4",/' ip_address)
router=$(first '/"network": "0.0.0.0"/' gateway)
[ "$address" ] || exit 1
ip addr add "$address/$(first '/"type": "ipv4",/' netmask)" dev eth0
[ -z "$router" ] || ip route add default via "$router" dev eth0
echo "tty: address $address from the config drive"
