#!/bin/sh
# The first process of a light host: mounts what is the host's own over what is the computer's, says `ready`, and stays.
# $1: the host's folder; $2: its name; $3: the file with all hosts' names; then folders to keep in sight below /tmp.
set -eu
folder=$1 name=$2 hosts=$3
shift 3

hostname "$name"
mount --bind "$hosts" /etc/hosts
mount --bind "$folder/resolv.conf" "$(readlink -f /etc/resolv.conf)"
mount --bind "$folder/machine-id" /etc/machine-id
mount -t tmpfs -o size=8g,mode=1777 tmpfs /dev/shm

# A /sys that shows this host's network, with the control groups as they were.
mkdir -p "$folder/groups"
mount --rbind /sys/fs/cgroup "$folder/groups"
mount -t sysfs sysfs /sys
mount --rbind "$folder/groups" /sys/fs/cgroup
umount -l "$folder/groups"

for kept in "$@"; do
    mkdir -p "$folder/tmp/${kept#/tmp/}"
    mount --bind "$kept" "$folder/tmp/${kept#/tmp/}"
done
# What others have mounted there now would stay in use here after they unmounted it.
awk '$5 ~ "^/tmp/" { print $5 }' /proc/self/mountinfo | sort -r | while read -r mounted; do umount -l "$mounted"; done
mount --rbind "$folder/tmp" /tmp

echo ready
# Its children are those that lost their parents; ignored, they leave no zombies.
exec env --ignore-signal=CHLD sleep infinity
