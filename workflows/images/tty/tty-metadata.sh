#!/bin/busybox sh
# Reads the metadata of this server: its id, the SSH key that may log in, the password of root at consoles, and a script to run at
# boot.
url=http://169.254.169.254 answer=/run/metadata attempt=0
# get PATH: writes what is at the path into $answer, and fails if there is nothing. After other errors it tries again, without end:
# services may be ready later than this server, which runs again as soon as nova-compute does.
# timeout instead of wget -T, with which Debian's static busybox 1.35 crashes.
get() {
    until timeout 10 wget -q -O $answer "$url/$1" 2>$answer.error; do
        if grep -q " 404 " $answer.error; then return 1; fi
        pause "$1"
    done
}
pause() {
    attempt=$((attempt + 1))
    [ $attempt -ne 10 ] || echo "tty: no $1 yet: $(cat $answer.error)"
    [ $attempt -lt 10 ] && sleep 1 || sleep 5
}
until get latest/meta-data/instance-id; do pause latest/meta-data/instance-id; done # neutron does not know the server at first
echo "tty: metadata says instance-id $(cat $answer)"
if get latest/meta-data/local-hostname; then
    name=$(cat $answer)
    hostname "${name%%.*}" # without nova's domain, with which it may be longer than the kernel allows
else
    hostname tty
fi
if get latest/meta-data/public-keys/0/openssh-key; then
    echo "$(cat $answer)" >/root/.ssh/authorized_keys # the answer has no end of line, without which an appended key becomes part of it
    echo "tty: a key may log in"
fi
if get openstack/latest/vendor_data.json; then /etc/password $answer; fi
if get latest/user-data && [ "$(head -c 2 $answer)" = '#!' ]; then
    mv $answer /run/user-data
    chmod 700 /run/user-data
    /run/user-data
    echo "tty: user data ended with $?"
fi
