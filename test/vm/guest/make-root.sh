#!/bin/sh
# Hook of mmdebstrap: turns the new root ($1) into the guest's disk and puts that, kernel and initrd into $2.
# Its own user namespace is enough: mke2fs writes the owners that it sees.
set -eu
root=$1 out=$2 here=$(dirname "$0")

printf 'kelp-test\n' >"$root/etc/hostname"
printf '127.0.0.1 localhost kelp-test\n' >"$root/etc/hosts"
printf '0123456789abcdef0123456789abcdef\n' >"$root/etc/machine-id"
cat >"$root/etc/fstab" <<FSTAB
/dev/vda / ext4 defaults,noatime 0 0
LABEL=payload /opt/kelp ext4 ro,x-systemd.device-timeout=15min 0 0
LABEL=home /home ext4 defaults,noatime,x-systemd.device-timeout=15min 0 0
FSTAB
mkdir -p "$root/opt/kelp" "$root/var/lib/systemd/linger" "$root/var/log/journal"

# An emulated machine on a busy one takes its time.
mkdir -p "$root/etc/systemd/system.conf.d"
printf '[Manager]\nDefaultTimeoutStartSec=15min\n' >"$root/etc/systemd/system.conf.d/patience.conf"
# But what comes with the end of a user's last session may come at once.
mkdir -p "$root/etc/systemd/logind.conf.d"
printf '[Login]\nUserStopDelaySec=0\n' >"$root/etc/systemd/logind.conf.d/impatience.conf"

# kelp stays when nobody is logged in, guest does not.
for user in kelp guest; do
	chroot "$root" useradd --no-create-home --shell /bin/sh "$user"
done
touch "$root/var/lib/systemd/linger/kelp"
printf 'd /home/%s 0700 %s %s\n' kelp kelp kelp guest guest guest >"$root/etc/tmpfiles.d/home.conf"
ln -s /opt/kelp/kelp "$root/usr/local/bin/kelp"

cp "$here/agent.service" "$root/etc/systemd/system/"
chroot "$root" systemctl --quiet enable agent.service

# What nobody here needs costs an emulated machine half of its boot.
chroot "$root" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
	e2scrub_reap.service fstrim.timer getty.target remote-fs.target systemd-timesyncd.service systemd-pstore.service \
	systemd-repart.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount systemd-random-seed.service \
	systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-sysusers.service dev-hugepages.mount \
	sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount modprobe@configfs.service \
	modprobe@dm_mod.service modprobe@drm.service modprobe@efi_pstore.service modprobe@loop.service
mkdir "$root/etc/systemd/system/systemd-udev-trigger.service.d"
cat >"$root/etc/systemd/system/systemd-udev-trigger.service.d/few.conf" <<DEVICES
[Service]
ExecStart=
ExecStart=-udevadm trigger --action=add --subsystem-match=virtio --subsystem-match=block --subsystem-match=virtio-ports --subsystem-match=misc --subsystem-match=mem
DEVICES
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*

cp "$root"/boot/vmlinuz-* "$out/vmlinuz"
initrd=$root/tmp/initrd
mkdir -p "$initrd/bin" "$initrd/dev" "$initrd/proc" "$initrd/root"
cp "$root/bin/busybox" "$initrd/bin/"
for name in sh mount umount modprobe seq sleep switch_root; do ln -s busybox "$initrd/bin/$name"; done
(cd "$root" && cp --parents lib/modules/*/modules.dep $(find lib/modules -name 'virtio*.ko') tmp/initrd/)
install -m 755 "$here/initrd.sh" "$initrd/init"
chroot "$root" sh -c 'cd /tmp/initrd && find . | cpio --quiet -o -H newc' >"$out/initrd"
rm -r "$initrd"
chmod 644 "$out/vmlinuz" "$out/initrd"
# Without what mmdebstrap has mounted there.
unshare --mount sh -c 'for name in proc sys dev; do umount -R "$1/$name" || :; done
	exec mke2fs -q -t ext4 -E root_owner=0:0 -d "$1" "$2" 2G' sh "$root" "$out/root.ext4"
