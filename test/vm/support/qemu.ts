/** QEMU's command line. What a saved machine is read back into has to be the machine that was saved. */

export interface Hardware {
  readonly kernel: string;
  readonly initrd: string;
  readonly root: string;
  readonly payload: string;
}

export interface Connections {
  /** Of the home directories' disk, which speaks NBD. */
  readonly home: string;
  readonly agent: string;
  readonly control: string;
  /** Where the serial line goes. */
  readonly console: string;
}

const KERNEL_WORDS = [
  ...["console=ttyS0", "8250.nr_uarts=1", "quiet", "mitigations=off", "audit=0"],
  "systemd.show_status=error",
];

export interface Start {
  /** Changes to the root disk outlive QEMU. Else a reboot keeps them, and a power cut does not. */
  readonly keepsRoot: boolean;
  /** A saved machine to be read back, instead of booting. */
  readonly state?: string;
  /** More words on the kernel's command line. */
  readonly kernelWords?: readonly string[];
}

/** Emulated, for KVM is not to be relied on. It ends with us, however we end. */
export function qemuCommand(hardware: Hardware, connections: Connections, start: Start): string[] {
  const drive = (...words: string[]) => ["-drive", `if=virtio,format=raw,${words.join(",")}`];
  const socket = (id: string, path: string) => [
    "-chardev",
    `socket,id=${id},path=${path},server=on,wait=off`,
  ];
  return [
    ...["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64"],
    ...["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-smp", "2", "-m", "1536"],
    ...["-nodefaults", "-no-user-config", "-display", "none"],
    ...["-serial", `file:${connections.console}`],
    ...["-kernel", hardware.kernel, "-initrd", hardware.initrd],
    ...["-append", [...KERNEL_WORDS, ...(start.kernelWords ?? [])].join(" ")],
    ...drive(`file=${hardware.root}`, `snapshot=${start.keepsRoot ? "off" : "on"}`, "cache=unsafe"),
    ...drive(`file=${hardware.payload}`, "read-only=on"),
    ...drive(`file=nbd+unix:///?socket=${connections.home}`, "cache=none"),
    ...["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"],
    ...[...socket("agent", connections.agent), "-device", "virtserialport,chardev=agent,name=kelp.test"],
    ...[...socket("control", connections.control), "-mon", "chardev=control,mode=control"],
    ...(start.state === undefined ? [] : ["-S", "-incoming", `exec:cat '${start.state}'`]),
  ];
}
