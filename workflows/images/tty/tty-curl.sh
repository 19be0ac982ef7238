#!/bin/busybox sh
# The part of curl that scripts for cloud images use, with busybox's wget: curl [-s] [-f] [-X METHOD] [-d DATA] [-o FILE] URL.
method=GET output=-
while [ $# -gt 0 ]; do
    case $1 in
    -V | --version) echo "curl of the tty image: busybox wget"; exit 0 ;;
    -X | --request) method=$2; shift ;;
    -d | --data) data=$2; method=POST; shift ;;
    -o | --output) output=$2; shift ;;
    -s | -f | -S | -L | -sf | -fs | -sS | -fsS | -fsSL) ;;
    -*) echo "curl: the tty image does not know $1" >&2; exit 2 ;;
    *) url=$1 ;;
    esac
    shift
done
case $method in
GET) wget -q -O "$output" "$url" ;;
POST) wget -q -O "$output" --post-data "$data" "$url" ;;
*) echo "curl: the tty image cannot send $method" >&2; exit 2 ;;
esac
