#!/bin/sh
# Becomes the test user and executes a command. Runs as root in a mount namespace of its own
# (unshare --mount), so that what is mounted here is seen by the tests alone.
#
#   test-enter.sh [--stay-root] USER CGROUP COMMAND [ARG...]
#
# Where /sys/fs/cgroup is not the one v2 hierarchy (hybrid systems), it is laid over; CGROUP is
# made in it and given to the user, as systemd's delegation would do. Without the right to do
# that the tests that need it skip, and say so.
set -eu
stay=
if [ "$1" = --stay-root ]; then stay=1 && shift; fi
user=$1 cgroup=/sys/fs/cgroup/$2 journald=/lib/systemd/systemd-journald
shift 2
if [ "$(stat -f -c %T /sys/fs/cgroup 2>/dev/null)" != cgroup2fs ]; then
  umount -l /sys/fs/cgroup 2>/dev/null || :
  mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null || :
fi
# Where no systemd runs, one for a user can be started all the same: it looks for this directory, and no more.
if [ ! -d /run/systemd/system ] && mkdir -p /run/systemd 2>/dev/null; then
  mount -t tmpfs -o mode=0755 tmpfs /run/systemd && mkdir /run/systemd/system
fi
# A journal, in memory, that the user may read: its directory's group is that of its files. It ends with the command.
if [ -n "${KELP_TEST_JOURNAL-}" ] && [ ! -e /run/systemd/journal/socket ] && [ -x "$journald" ]; then
  mkdir -p /run/log /run/systemd/journald.conf.d
  mount -t tmpfs -o mode=0755 tmpfs /run/log
  files=/run/log/journal/$(cat /etc/machine-id)
  mkdir -p "$files"
  chgrp "$(id -g "$user")" "$files"
  chmod 2755 "$files"
  printf '[Journal]\nStorage=volatile\nAudit=no\nReadKMsg=no\nForwardToSyslog=no\nRateLimitIntervalSec=0\n' \
    >/run/systemd/journald.conf.d/tests.conf
  setpriv --pdeathsig KILL "$journald" </dev/null >/dev/null 2>&1 &
fi
if mkdir -p "$cgroup/run" 2>/dev/null; then
  chown -R "$user" "$cgroup"
  echo $$ >"$cgroup/run/cgroup.procs"
fi
# A disk that is soon full, for the tests of that.
if [ -n "${KELP_TEST_SMALL_DISK-}" ]; then
  mount -t tmpfs -o "size=48m,mode=0700,uid=$(id -u "$user"),gid=$(id -g "$user")" tmpfs "$KELP_TEST_SMALL_DISK"
fi
mount --make-rshared /
[ -z "$stay" ] || exec "$@"
exec setpriv --reuid "$user" --regid "$user" --init-groups -- "$@"
