#!/bin/sh
# The first process of the guest: brings the root disk. Debian's own would take an emulated machine five seconds.
mount -t devtmpfs dev /dev
mount -t proc proc /proc
modprobe -a virtio_pci virtio_blk
for _ in $(seq 600); do
	[ -b /dev/vda ] && break
	sleep 0.1
done
mount -t ext4 -o noatime /dev/vda /root
mount -o move /dev /root/dev
umount /proc
exec switch_root /root /lib/systemd/systemd
