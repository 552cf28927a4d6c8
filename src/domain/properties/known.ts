import { aBoolean, aUuid, matching, oneOf, oneOfInAnyCase, type Values, wholeNumber } from './values.ts';

/*
 * The properties that Nova, Cinder and Glance act upon, and what they take. Facts from Glance's "Useful
 * image properties" (doc/source/admin/useful-image-properties.rst), its metadefs (etc/metadefs/compute-*.json),
 * and Nova's nova/objects/image_meta.py and fields.py: a value that any of them takes is allowed here.
 */

/** Nova's nova/virt/arch.py, and what it turns into one of these. */
const ARCHITECTURE = oneOfInAnyCase(
  'aarch64 alpha armv6 armv7l armv7b cris i386 i486 i586 i686 ia64 lm32 m68k microblaze ' +
    'microblazeel mips mipsel mips64 mips64el openrisc parisc parisc64 ppc ppcle ppc64 ppc64le ' +
    'ppcemb riscv32 riscv64 s390 s390x sh4 sh4eb sparc sparc64 unicore32 x86_64 amd64 xtensa ' +
    'xtensaeb',
);

/** Glance's list, and the other distributions that libosinfo, whose vocabulary it is, has a name for. */
const OS_DISTRO = oneOf(
  'arch centos debian fedora freebsd gentoo mandrake mandriva mes msdos netbsd netware openbsd ' +
    'opensolaris opensuse rhel sled ubuntu windows almalinux alpinelinux altlinux android-x86 ' +
    'caasp cirros coreos dragonflybsd endlessos eurolinux flatcar freedos guix haiku macosx ' +
    'mageia manjaro miraclelinux nixos ol photon pureos rhcos rhel-atomic rocky scientificlinux ' +
    'silverblue slackware sle slem sles solaris trisquel voidlinux win',
);

const HYPERVISOR = oneOfInAnyCase(
  'baremetal bhyve docker fake hyperv ironic kqemu kvm lxc lxd openvz parallels phyp powervm ' +
    'prsm qemu test uml vbox vmware vz xapi xen zvm',
);

const DISK_BUS = oneOf('virtio scsi sata ide usb fdc xen lxc uml');
const VM_MODE = oneOfInAnyCase('hvm xen uml exe pv hv baremetal');
const COUNT = wholeNumber(1);

/** Nova takes the names of VMware's API too, in any case. */
const VIF_MODEL = oneOfInAnyCase(
  'virtio e1000 e1000e igb lan9118 ne2k_pci netfront pcnet rtl8139 spapr-vlan sriov vmxnet ' +
    'vmxnet3 VirtualE1000 VirtualE1000e VirtualPCNet32 VirtualSriovEthernetCard VirtualVmxnet ' +
    'VirtualVmxnet3',
);

const SCSI_MODEL = oneOfInAnyCase(
  'virtio-scsi buslogic ibmvscsi lsilogic lsisas1068 lsisas1078 vmpvscsi lsiLogicsas paraVirtual',
);

/** How the guest is to be run. */
const GUEST: Readonly<Record<string, Values>> = {
  architecture: ARCHITECTURE,
  hw_architecture: ARCHITECTURE,
  hw_emulation_architecture: ARCHITECTURE,
  hypervisor_type: HYPERVISOR,
  img_hv_type: HYPERVISOR,
  vm_mode: VM_MODE,
  hw_vm_mode: VM_MODE,
  os_distro: OS_DISTRO,
  os_type: oneOfInAnyCase('linux windows'),
  os_secure_boot: oneOf('required disabled optional'),
  os_require_quiesce: aBoolean,
  os_shutdown_timeout: wholeNumber(0),
  img_config_drive: oneOf('mandatory optional'),
  img_hide_hypervisor_id: aBoolean,
  auto_disk_config: aBoolean,
  instance_uuid: aUuid,
  kernel_id: aUuid,
  ramdisk_id: aUuid,
};

/** Processors and memory. */
const MACHINE: Readonly<Record<string, Values>> = {
  hw_cpu_sockets: COUNT,
  hw_cpu_cores: COUNT,
  hw_cpu_threads: COUNT,
  hw_cpu_max_sockets: COUNT,
  hw_cpu_max_cores: COUNT,
  hw_cpu_max_threads: COUNT,
  hw_cpu_policy: oneOf('shared dedicated mixed'),
  hw_cpu_thread_policy: oneOf('prefer isolate require'),
  hw_numa_nodes: wholeNumber(1, 128),
  hw_mem_page_size: matching(
    /^(small|large|any|[1-9]\d*([KMGT]i?[Bb])?)$/,
    'small, large, any, or a size as 2048 or 2MB',
  ),
  hw_mem_encryption: aBoolean,
  hw_mem_encryption_model: oneOf('amd-sev amd-sev-es'),
  hw_locked_memory: aBoolean,
  hw_pci_numa_affinity_policy: oneOf('required preferred legacy socket'),
  hw_pmu: aBoolean,
  hw_time_hpet: aBoolean,
  hw_firmware_type: oneOf('bios uefi'),
  hw_firmware_stateless: aBoolean,
  hw_boot_menu: aBoolean,
  hw_ipxe_boot: aBoolean,
};

/** Devices. */
const DEVICES: Readonly<Record<string, Values>> = {
  hw_disk_bus: DISK_BUS,
  hw_cdrom_bus: DISK_BUS,
  hw_floppy_bus: DISK_BUS,
  hw_rescue_bus: DISK_BUS,
  hw_rescue_device: oneOf('cdrom disk floppy fs lun'),
  hw_scsi_model: SCSI_MODEL,
  hw_vif_model: VIF_MODEL,
  hw_vif_multiqueue_enabled: aBoolean,
  hw_virtio_packed_ring: aBoolean,
  hw_viommu_model: oneOf('intel smmuv3 virtio auto'),
  hw_video_model: oneOf('vga cirrus vmvga xen qxl virtio gop none bochs'),
  hw_video_ram: wholeNumber(0),
  hw_rng_model: oneOf('virtio'),
  hw_input_bus: oneOf('usb virtio'),
  hw_pointer_model: oneOf('usbtablet'),
  hw_serial_port_count: wholeNumber(0),
  hw_redirected_usb_ports: wholeNumber(0, 15),
  hw_tpm_model: oneOf('tpm-tis tpm-crb'),
  hw_tpm_version: oneOf('1.2 2.0'),
  hw_watchdog_action: oneOf('disabled reset poweroff pause none'),
  hw_qemu_guest_agent: aBoolean,
  hw_ephemeral_encryption: aBoolean,
  hw_ephemeral_encryption_format: oneOf('luks plain'),
  hw_ephemeral_encryption_secret_uuid: aUuid,
};

/** Of VMware's driver, of Cinder, and of signatures (cursive, signature_utils.py). */
const OTHERS: Readonly<Record<string, Values>> = {
  img_linked_clone: aBoolean,
  vmware_linked_clone: aBoolean,
  vmware_adaptertype: oneOf('lsiLogic lsiLogicsas busLogic ide paraVirtual'),
  vmware_disktype: oneOf('streamOptimized sparse preallocated thin'),
  cinder_encryption_key_id: aUuid,
  cinder_encryption_key_deletion_policy: oneOf('on_image_deletion do_not_delete'),
  img_signature_hash_method: oneOf('SHA-224 SHA-256 SHA-384 SHA-512'),
  img_signature_key_type: oneOf(
    'RSA-PSS DSA ECC_SECP384R1 ECC_SECP521R1 ECC_SECT409K1 ECC_SECT409R1 ECC_SECT571K1 ECC_SECT571R1',
  ),
  img_signature_certificate_uuid: aUuid,
};

const KNOWN: ReadonlyMap<string, Values> = new Map(
  [GUEST, MACHINE, DEVICES, OTHERS].flatMap((group) => Object.entries(group)),
);

/** Of keys of which there are many; what follows is a number, or a name. */
const FAMILIES: readonly (readonly [prefix: string, values: Values])[] = [
  ['trait:', oneOf('required')],
  ['hw_numa_mem.', COUNT],
  ['hw_numa_cpus.', matching(/^\^?\d+(-\d+)?(,\^?\d+(-\d+)?)*$/, 'processors as 0-3,^2')],
];

/** What a property may be; undefined for a name that is nobody's, or that may be anything. */
export function valuesOf(key: string): Values | undefined {
  return KNOWN.get(key) ?? FAMILIES.find(([prefix]) => key.startsWith(prefix) && key !== prefix)?.[1];
}
