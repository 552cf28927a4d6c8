import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHUNK_BYTES } from '../../../src/domain/chunk.ts';
import { writeWords } from '../../cloud/sample-image.ts';
import { Bench, MIB } from '../helpers-file.ts';

const SIZE_MIB = 48;
const DATA_BYTES = SIZE_MIB * MIB;

let bench: Bench;
/** Paths of images without holes: one gives way, as the files of an operating system do, one does not. */
let words: string;
let noise: string;

beforeAll(async () => {
  bench = await Bench.start({ storeIds: ['central', 'dcn0', 'dcn1'] });
  words = join(bench.folder, 'words.raw');
  await writeWords(words, DATA_BYTES);
  noise = await bench.sample('noise', SIZE_MIB, SIZE_MIB);
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

/** Of central's agent. */
async function metric(name: string, label: string): Promise<number> {
  const scrape = await bench.daemon('central').metrics();
  return Number(new RegExp(`^${name}\\{${label}\\} (\\d+)$`, 'm').exec(scrape)?.[1]);
}

const sent = () => metric('entrepot_agent_bytes_total', 'kind="sent"');
const chunksRead = () => metric('entrepot_agent_chunks_total', 'how="read"');

/** Copies at `rate`; what central sent for it, in parts of the image. */
async function sentFor(path: string, name: string, rate: string, ...storeIds: string[]): Promise<number> {
  const id = await bench.bring(name, path);
  await bench.calls.setStore('central', rate);
  const before = await sent();
  const { id: jobId } = await bench.copy(id, ...storeIds);
  expect((await bench.ended(jobId)).state).toBe('succeeded');
  await bench.calls.setStore('central', 'off');
  for (const storeId of storeIds) {
    expect(readFileSync(bench.wholeFile(storeId, id)).equals(readFileSync(path))).toBe(true);
  }
  return ((await sent()) - before) / DATA_BYTES;
}

test('a copy to two edges at once reads the source about once', async () => {
  const before = await chunksRead();
  expect(await sentFor(noise, 'twice', '16M', 'dcn0', 'dcn1')).toBeGreaterThan(1.98);
  expect(((await chunksRead()) - before) / (DATA_BYTES / CHUNK_BYTES)).toBeLessThanOrEqual(1.25);
}, 60_000);

test('over a fast link nothing is packed, and it is told why', async () => {
  const path = join(bench.folder, 'few-words.raw');
  await writeWords(path, 16 * MIB);
  const id = await bench.bring('fast', path);
  const before = await sent();
  const job = await bench.ended((await bench.copy(id, 'dcn0')).id);
  expect((await sent()) - before).toBe(16 * MIB);
  const [told] = job.tasks.map(({ totals }) => totals?.compression);
  expect(['link-keeps-up', 'processors-busy']).toContain(told);
});

/** Whatever else this machine does: by itself an agent only packs where it has processors to spare. */
async function packAlways(): Promise<void> {
  bench.configure('central', { transfer: { compression: 'on' } });
  const central = bench.daemon('central');
  await central.kill('SIGTERM');
  central.spawn();
  await central.ready();
}

test('an image that gives way is packed over a slow link, and one that does not goes as it is', async () => {
  await packAlways();
  expect(await sentFor(words, 'words', '4M', 'dcn0')).toBeLessThanOrEqual(0.45);
  expect(await sentFor(noise, 'noise', '16M', 'dcn0')).toBeLessThanOrEqual(1.01);
}, 60_000);
