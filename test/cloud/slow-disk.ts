// For `node --import`: writes of files take their time, so many bytes per second for the whole process, as
// SLOW_DISK_BYTES_PER_SECOND says. What is small is left alone: it is metadata.
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const bytesPerSecond = Number(process.env['SLOW_DISK_BYTES_PER_SECOND']);
const SMALL_BYTES = 4096;

const handle = await open(process.execPath);
type Write = (this: FileHandle, ...args: unknown[]) => Promise<unknown>;
const prototype = Object.getPrototypeOf(handle) as { write: Write };
await handle.close();

const { write } = prototype;
let turn: Promise<void> = Promise.resolve();

prototype.write = async function (source, ...rest) {
  const bytes = source instanceof Uint8Array ? source.length : 0;
  if (bytes > SMALL_BYTES) {
    turn = turn.then(() => delay((bytes / bytesPerSecond) * 1000));
    await turn;
  }
  return await write.call(this, source, ...rest);
};
