#!/bin/sh
# run-after-switch.sh PROGRAM [ARGUMENT]...: runs an agent that has ports in namespaces.
# Without the kernel's module, ovs-vswitchd processes the packets of these ports itself. The ports outlive it, but no new process
# can open them in their namespaces, and the agent would use them again. Without a carrier they are of no use: delete them first.
ip netns list | while read -r namespace _; do
    case $namespace in qrouter-* | qdhcp-*) ;; *) continue ;; esac
    ip -n "$namespace" -brief link show | while read -r device state _; do
        case $device/$state in qg-*/DOWN | qr-*/DOWN | tap*/DOWN) ip -n "$namespace" link delete "$device" ;; esac
    done
done
exec "$@"
