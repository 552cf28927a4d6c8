/** What a foreign program may take. Each is a hard limit of the kernel's. */
export interface Limits {
  /** Address space, mapped files and thread stacks included; what is really used is less. */
  readonly memoryBytes: number;
  /** Time on a processor, all threads together. A program that waits uses none. */
  readonly cpuSeconds: number;
  /** Processes and threads. Not held for root where user namespaces are not allowed. */
  readonly processes: number;
}

/**
 * qemu-img 7.2 converts compressed qcow2, VHDX and streamOptimized VMDK within 200 MiB, xz its largest
 * dictionary (`xz -9`) within 100 MiB. An hour of CPU time unpacks some hundred GiB. qemu-img starts up to
 * 64 threads to read with.
 */
export const DEFAULT_LIMITS: Limits = {
  memoryBytes: 1024 ** 3,
  cpuSeconds: 3600,
  processes: 128,
};
