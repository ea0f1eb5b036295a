#!/bin/sh
# Runs in the guest as root: carries out what the host asks for over a virtio port and sends back how it went.
#
#   host:  ID WHO SCRIPT        WHO: root, login:USER (a session of its own), unit:USER (a service of the user's systemd)
#   guest: ready BOOTID         when it has started
#          ID STATUS STDOUT STDERR
#
# Scripts and outputs are base64 (`-` if empty); requests run beside each other.
exec 3<>/dev/virtio-ports/kelp.test
dir=/run/kelp-test
mkdir -p "$dir"

say() {
	( flock 9; printf '%s\n' "$1" >&3 ) 9>"$dir/lock"
}

encoded() {
	if [ -s "$1" ]; then base64 -w 0 "$1"; else printf -- -; fi
}

serve() {
	script=$dir/$1.sh
	printf %s "$3" | base64 -d >"$script"
	user=${2#*:}
	case $2 in
	root) sh "$script" ;;
	login:*) su -l "$user" -c "sh $script" ;;
	unit:*) systemd-run --quiet --collect --user --machine="$user@.host" --pipe --wait sh "$script" ;;
	esac </dev/null >"$dir/$1.out" 2>"$dir/$1.err"
	say "$1 $? $(encoded "$dir/$1.out") $(encoded "$dir/$1.err")"
	rm -f "$script" "$dir/$1.out" "$dir/$1.err"
}

say "ready $(cat /proc/sys/kernel/random/boot_id)"
while IFS=' ' read -r id who script <&3; do
	serve "$id" "$who" "$script" &
done
