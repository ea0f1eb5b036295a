#!/bin/sh
# Lists the processes left in CGROUP (a path beneath the v2 hierarchy), ends them, removes it.
# Runs as root in a mount namespace of its own.
set -eu
if [ "$(stat -f -c %T /sys/fs/cgroup 2>/dev/null)" != cgroup2fs ]; then
  umount -l /sys/fs/cgroup 2>/dev/null || :
  mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null || exit 0
fi
cgroup=/sys/fs/cgroup/$1
[ -d "$cgroup" ] || exit 0
find "$cgroup" -name cgroup.procs | while read -r list; do
  where=${list#"$cgroup/"}
  while read -r pid; do
    command=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || :)
    [ -z "$command" ] || echo "process $pid in ${where%%/*}: $command"
  done <"$list"
done
echo 1 >"$cgroup/cgroup.kill"
tries=0
while [ -d "$cgroup" ] && [ $tries -lt 50 ]; do
  find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
  tries=$((tries + 1))
done
