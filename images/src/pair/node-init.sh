#!/bin/bash
# Process 1 of a node in the rig without emulation: private copies of what a machine has to itself,
# then the pair's daemon. When the daemon is gone the node is off.
set -eu
dir=$1
name=$2

hostname "$name"
for path in etc var usr/sbin; do
  mkdir -p "$dir/upper/$path" "$dir/scratch/$path"
  mount -t overlay -o "lowerdir=/$path,upperdir=$dir/upper/$path,workdir=$dir/scratch/$path" \
    overlay "/$path"
done
mount -t tmpfs none /run
mkdir -p /run/lock /run/resource-agents /run/crm /run/diarch /srv/data
mount -t tmpfs none /srv
mkdir -p /srv/data /var/lib/pacemaker/cores /var/log/pacemaker

# The software watchdog kills a process namespace: it is told which, so that it never kills another.
DIARCH_RIG_NAMESPACE=$(stat -Lc %i /proc/self/ns/pid)
export DIARCH_RIG_NAMESPACE
diarch run 2>&1 &
daemon=$!
while kill -0 "$daemon" 2>/dev/null; do
  wait -n "$daemon" || true
done
