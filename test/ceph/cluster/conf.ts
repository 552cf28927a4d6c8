import path from 'node:path';

/** What a cluster's ceph.conf is made of. */
export interface ConfFacts {
  readonly fsid: string;
  readonly folder: string;
  /** First of a hundred ports; the monitor takes the first two, the OSD some of the last ninety. */
  readonly basePort: number;
  /** Size of the OSD's disk, a sparse file. A small one is meant to be filled, see `smallDiskLines`. */
  readonly blockBytes: number;
}

const SMALL_BLOCK_BYTES = 8 * 1024 ** 3;
/** How much larger a small disk really is, so that its OSD lives to tell that it is full. */
const SMALL_DISK_RESERVE = 4;

/**
 * A cluster of one monitor and one OSD on loopback, without a manager, tuned to come
 * up and go down fast. `-c ceph.conf --id images` (or admin) is all a client needs.
 */
export function cephConf({ fsid, folder, basePort, blockBytes }: ConfFacts): string {
  const isSmall = blockBytes < SMALL_BLOCK_BYTES;
  const at = (name: string) => path.join(folder, name);
  return `${[
    '[global]',
    `fsid = ${fsid}`,
    `mon host = [v2:127.0.0.1:${basePort}/0,v1:127.0.0.1:${basePort + 1}/0]`,
    'public addr = 127.0.0.1',
    'cluster addr = 127.0.0.1',
    'public network = 127.0.0.0/8',
    'cluster network = 127.0.0.0/8',
    'ms bind ipv6 = false',
    `ms bind port min = ${basePort + 10}`,
    `ms bind port max = ${basePort + 99}`,
    'auth cluster required = cephx',
    'auth service required = cephx',
    'auth client required = cephx',
    'auth allow insecure global id reclaim = false',
    'osd pool default size = 1',
    'osd pool default min size = 1',
    'osd pool default pg num = 8',
    'osd pool default pgp num = 8',
    'osd pool default pg autoscale mode = off',
    'osd crush chooseleaf type = 0',
    'log to stderr = false',
    'mon cluster log file = /dev/null',
    // A socket's path may have 107 characters, temporary folders may have more.
    'admin socket =',
    '',
    '[client]',
    `keyring = ${at('$cluster.$name.keyring')}`,
    'log file = /dev/null',
    'rbd default features = 61',
    '',
    '[mon]',
    `mon data = ${at('mon.a')}`,
    `keyring = ${at('mon.keyring')}`,
    `log file = ${at('mon.log')}`,
    `pid file = ${at('mon.pid')}`,
    'mon allow pool size one = true',
    'mon allow pool delete = true',
    'mon warn on pool no redundancy = false',
    'mon osd min down reporters = 1',
    'mon data avail warn = 2',
    'mon data avail crit = 1',
    // A quorum of one need not wait a second for others' proposals.
    'paxos propose interval = 0.1',
    'paxos min wait = 0.02',
    'mon tick interval = 2',
    '',
    '[osd]',
    `osd data = ${at('osd.0')}`,
    `keyring = ${at('osd.keyring')}`,
    `log file = ${at('osd.log')}`,
    `pid file = ${at('osd.pid')}`,
    'osd objectstore = bluestore',
    `bluestore block size = ${isSmall ? blockBytes * SMALL_DISK_RESERVE : blockBytes}`,
    'bluestore block preallocate file = false',
    'bluestore fsck on mount = false',
    'bluestore fsck on umount = false',
    // Closing a device waits for this, a dozen times.
    'bdev aio poll ms = 25',
    'bluestore cache autotune = false',
    'bluestore cache size = 268435456',
    'osd memory target = 939524096',
    'osd class update on start = false',
    'osd heartbeat grace = 10',
    // Short enough for every file system.
    'osd max object name len = 256',
    'osd max object namespace len = 64',
    ...DEBUG_OFF,
    ...(isSmall ? smallDiskLines() : []),
  ].join('\n')}\n`;
}

/**
 * An OSD looks at its disk with each heartbeat and tells the monitor; until then writes go on, at some
 * 400 MB/s, and when its file really is full it dies. So a small disk is looked at often, is
 * four times as large as was asked for, and calls itself full when 60 % of what was asked for are taken.
 */
function smallDiskLines(): string[] {
  return [
    'osd heartbeat interval = 1',
    '[global]',
    'mon osd nearfull ratio = 0.13',
    'mon osd backfillfull ratio = 0.14',
    'mon osd full ratio = 0.15',
  ];
}

const DEBUG_OFF = ['osd', 'bluestore', 'bluefs', 'bdev', 'rocksdb', 'ms', 'monc', 'auth', 'filestore'].map(
  (part) => `debug ${part} = 0/0`,
);
