#!/bin/busybox sh
# Reads the metadata of this server: its id, the SSH key that may log in, the password of root at consoles, and a script to run at
# boot.
server=http://169.254.169.254 url=$server/latest
# timeout instead of wget -T, with which Debian's static busybox 1.35 crashes.
fetch() { timeout 10 wget -q -O - "$1" 2>/dev/null; }
get() { fetch "$url/$1"; }
until id=$(get meta-data/instance-id); do
    attempt=$((attempt + 1))
    if [ $attempt -eq 10 ]; then
        echo "tty: no metadata: $(timeout 10 wget -O - $url/meta-data/instance-id 2>&1)"
        exit 1
    fi
    sleep 1
done
echo "tty: metadata says instance-id $id"
hostname "$(get meta-data/local-hostname || echo tty)"
if key=$(get meta-data/public-keys/0/openssh-key); then
    echo "$key" >/root/.ssh/authorized_keys
    echo "tty: a key may log in"
fi
fetch $server/openstack/latest/vendor_data.json >/run/vendor-data && /etc/password /run/vendor-data
get user-data >/run/user-data
if [ "$(head -c 2 /run/user-data)" = '#!' ]; then
    chmod 700 /run/user-data
    /run/user-data
    echo "tty: user data ended with $?"
fi
