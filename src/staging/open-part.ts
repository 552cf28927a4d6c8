import { constants, type FileHandle, open, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Refusal } from '../domain/refusal.ts';
import { syncFolder } from '../store/file/durable.ts';
import { attempt } from '../store/file/errno.ts';
import type { Room } from './room.ts';
import { STAT_BLOCK_BYTES, StagedPart } from './staged-part.ts';

export interface PartToOpen {
  readonly path: string;
  readonly room: Room;
  /** The size it will have, where that is known. */
  readonly expectBytes: number | undefined;
  /** What lies behind is cut off first. Default: nothing is. */
  readonly keepBytes?: number | undefined;
}

/**
 * The file at `path`, made when absent, with what is there of it. NO_SPACE when what is to come fits neither
 * in the quota nor on the disk. A symlink is not followed.
 */
export async function openPart({ path, room, expectBytes, keepBytes }: PartToOpen): Promise<StagedPart> {
  return await attempt('open a staged file', async () => {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    try {
      await syncFolder(dirname(path));
      if (keepBytes !== undefined) await cutTo(handle, keepBytes);
      const { size: sizeBytes, blocks } = await handle.stat();
      const allocatedBytes = blocks * STAT_BLOCK_BYTES;
      room.settle(path, allocatedBytes);
      if (expectBytes !== undefined) await claim(path, room, expectBytes, allocatedBytes, handle);
      return new StagedPart({ path, handle, sizeBytes, room });
    } catch (error) {
      await handle.close();
      throw error;
    }
  });
}

async function cutTo(handle: FileHandle, keepBytes: number): Promise<void> {
  if ((await handle.stat()).size > keepBytes) await handle.truncate(keepBytes);
}

async function claim(
  path: string,
  room: Room,
  expectBytes: number,
  allocatedBytes: number,
  handle: FileHandle,
): Promise<void> {
  room.expect(path, expectBytes);
  try {
    const { bavail, bsize } = await statfs(dirname(path));
    const freeBytes = bavail * bsize;
    if (expectBytes - allocatedBytes > freeBytes) {
      throw new Refusal(
        'NO_SPACE',
        `the disk of staging has ${freeBytes} bytes free, the file has ${expectBytes}`,
        { hint: 'make room on it: `df -h` shows which; or give staging.folder another disk' },
      );
    }
  } catch (error) {
    room.settle(path, (await handle.stat()).blocks * STAT_BLOCK_BYTES);
    throw error;
  }
}
