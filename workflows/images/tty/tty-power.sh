#!/bin/busybox sh
# acpid runs this script when the power button is pressed, as `openstack server stop` does.
echo "tty: the power button was pressed" >/dev/console
sync
poweroff -f
