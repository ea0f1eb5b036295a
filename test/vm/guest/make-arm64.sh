#!/bin/sh
# make-arm64.sh ROOT OUTPUT: from Debian's unpacked arm64 packages, none of whose scripts have run, a root disk, its kernel and an initrd.
set -eu
root=$1 out=$2
printf 'root:x:0:0:root:/root:/bin/sh\nu:x:1000:1000:u:/home/u:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nu:x:1000:\n' >"$root/etc/group"
echo 'u:100000:65536' | tee "$root/etc/subuid" >"$root/etc/subgid"
for directory in dev proc sys run tmp opt/kelp home/u; do mkdir -p "$root/$directory"; done
chown 1000:1000 "$root/home/u"
cp "$(dirname "$0")/arm64-init.sh" "$root/init"
chmod 755 "$root/init"

initrd=$(mktemp -d)
trap 'rm -rf "$initrd"' EXIT
mkdir "$initrd/modules" "$initrd/new"
cp "$root/bin/busybox" "$initrd/busybox"
for module in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
  find "$root/lib/modules" -name "$module.ko" -exec cp {} "$initrd/modules" \;
done
cat >"$initrd/init" <<'INIT'
#!/busybox sh
/busybox mkdir -p /proc /dev
/busybox mount -t proc proc /proc
/busybox mount -t devtmpfs dev /dev
# Three times: each pass loads what the last one has made possible.
for pass in 1 2 3; do for module in /modules/*; do /busybox insmod "$module" 2>/dev/null; done; done
until /busybox mount -t ext4 /dev/vda /new 2>/dev/null; do /busybox sleep 1; done
exec /busybox switch_root /new /init
INIT
chmod 755 "$initrd/init"
(cd "$initrd" && find . | busybox cpio -o -H newc | gzip -1) >"$out/initrd"
cp "$root"/boot/vmlinuz-* "$out/vmlinuz"
# Without what mmdebstrap has mounted there.
unshare --mount sh -c 'for name in proc sys dev; do umount -R "$1/$name" || :; done
	exec mke2fs -q -t ext4 -E root_owner=0:0 -d "$1" "$2" 2G' sh "$root" "$out/root.ext4"
