import { describe, expect, test } from 'vitest';
import { propertyWarnings, requireKnownValues } from '../../../src/domain/properties/check.ts';

describe('a property', () => {
  test.each([
    ['architecture', 'x86_64 aarch64 armv7l AMD64', 'x86 vax'],
    ['os_distro', 'debian ubuntu rocky windows', 'Debian org.debian'],
    ['os_type', 'linux Windows', 'bsd'],
    ['os_secure_boot', 'required optional', 'true'],
    ['hypervisor_type', 'qemu kvm vmware', 'virtualbox'],
    ['vm_mode', 'hvm exe', 'container'],
    ['hw_disk_bus', 'virtio scsi sata ide usb fdc', 'floppy nvme Virtio'],
    ['hw_cdrom_bus', 'sata', 'cd'],
    ['hw_vif_model', 'virtio e1000e VirtualVmxnet3 igb', 'realtek'],
    ['hw_scsi_model', 'virtio-scsi lsilogic', 'scsi'],
    ['hw_video_model', 'virtio none bochs', 'nvidia'],
    ['hw_firmware_type', 'bios uefi', 'UEFI efi'],
    ['hw_machine_type', 'q35 pc-i440fx-9.0 anything', ''],
    ['hw_rng_model', 'virtio', 'urandom'],
    ['hw_watchdog_action', 'disabled reset poweroff pause none', 'reboot'],
    ['hw_cpu_policy', 'shared dedicated mixed', 'pinned'],
    ['hw_cpu_thread_policy', 'prefer isolate require', 'avoid'],
    ['hw_cpu_cores', '1 64', '0 -1 two 1.5'],
    ['hw_numa_nodes', '1 128', '0 129'],
    ['hw_numa_mem.0', '1024', '1G'],
    ['hw_numa_cpus.1', '0-3,^2 4', 'all'],
    ['hw_mem_page_size', 'small large any 2048 2MB 1GB', 'huge 0'],
    ['hw_boot_menu', 'true False yes no on OFF 1 0', 'enabled 2'],
    ['hw_vif_multiqueue_enabled', 'true', 'multi'],
    ['hw_tpm_version', '1.2 2.0', '2'],
    ['hw_tpm_model', 'tpm-tis tpm-crb', 'tis'],
    ['hw_serial_port_count', '0 4', 'four'],
    ['img_config_drive', 'mandatory optional', 'yes'],
    ['img_signature_hash_method', 'SHA-256 SHA-512', 'sha256 MD5'],
    ['img_signature_key_type', 'RSA-PSS ECC_SECP384R1', 'RSA'],
    ['kernel_id', '3f0a2c84-6d1e-4b7a-9c55-0d8f6e2b7a10', 'vmlinuz'],
    ['vmware_adaptertype', 'lsiLogic ide', 'LSI'],
    ['vmware_disktype', 'streamOptimized', 'thick'],
    ['trait:HW_CPU_X86_AVX2', 'required', 'forbidden'],
    ['cinder_encryption_key_deletion_policy', 'on_image_deletion', 'never'],
    ['mine', 'whatever', ''],
    ['os_version', '13.1 testing', ''],
  ])('%s may be %s, and not %s', (key, good, bad) => {
    const words = (text: string) => text.split(' ').filter(Boolean);
    expect(words(good).flatMap((value) => propertyWarnings({ [key]: value }))).toEqual([]);
    expect(words(bad).filter((value) => propertyWarnings({ [key]: value }).length === 0)).toEqual([]);
  });

  test('that is wrong is named, with its value and what is allowed', () => {
    expect(propertyWarnings({ mine: 'x', hw_disk_bus: 'floppy', hw_boot_menu: 'x'.repeat(99) })).toEqual([
      "property hw_disk_bus is 'floppy', allowed is virtio, scsi, sata, ide, usb, fdc, xen, lxc, uml",
      `property hw_boot_menu is '${'x'.repeat(64)}...', allowed is true or false (or yes, no, on, off, 1, 0)`,
    ]);
  });

  test('is never looked for where objects have more than was put into them', () => {
    expect(propertyWarnings({ constructor: 'x', toString: 'y' })).toEqual([]);
  });

  test('that is wrong is refused where the hub is strict', () => {
    expect(() => requireKnownValues({ hw_disk_bus: 'virtio', mine: 'x' })).not.toThrow();
    expect(() => requireKnownValues({ hw_disk_bus: 'floppy', hw_numa_nodes: '0' })).toThrow(
      "property hw_disk_bus is 'floppy', allowed is virtio, scsi, sata, ide, usb, fdc, xen, lxc, uml; " +
        "property hw_numa_nodes is '0', allowed is a whole number from 1 to 128",
    );
  });
});
