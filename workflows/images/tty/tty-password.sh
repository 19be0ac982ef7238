#!/bin/busybox sh
# tty-password.sh FILE: gives root the password whose hash is in the vendor data of nova. Without one, no password is accepted.
hash=$(sed -n 's/.*"tty_root_password": "\([^"]*\)".*/\1/p' "$1")
[ "$hash" ] || exit 0
sed -i "s|^root:[^:]*:|root:$hash:|" /etc/passwd
echo "tty: root may log in with the password of the stack"
