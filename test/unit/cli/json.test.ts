import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  eventJson,
  imageJson,
  jobJson,
  locationJson,
  memberJson,
  operatorJson,
  storeJson,
} from '../../../src/cli/output/json.ts';
import { packageDefinition } from '../../../src/rpc/proto.ts';
import {
  copy,
  emptyImage,
  event,
  IMAGE_ID,
  image,
  job,
  member,
  operator,
  progress,
  store,
  task,
} from './samples.ts';

/** Names of a message's fields in proto/, with times as our JSON has them. */
function fieldsOf(message: string): string[] {
  const definition = packageDefinition[`entrepot.v1.${message}`] as unknown as {
    readonly type: { readonly field: readonly { readonly name: string }[] };
  };
  return definition.type.field
    .map(({ name }) => snakeCase(name))
    .map(timeKey)
    .sort();
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The time of an event has a name of one word: `at`. And its detail is JSON already. */
const OTHER_NAMES: Readonly<Record<string, string>> = { at_ms: 'at', detail_json: 'detail' };

function timeKey(name: string): string {
  if (OTHER_NAMES[name] !== undefined) return OTHER_NAMES[name];
  return name.endsWith('_ms') ? `${name.slice(0, -3).replace(/_at$/, '')}_at` : name;
}

const location = { url: 'file://x/images/y/snap', storeId: 'central', verifiedRoot: 'ab', verifiedAtMs: 0 };

describe('the JSON of', () => {
  const shapes: [string, object | undefined | null][] = [
    ['Image', imageJson(image())],
    ['Copy', imageJson(image()).copies[0]],
    ['Job', jobJson(job())],
    ['Task', jobJson(job()).tasks[0]],
    ['Location', locationJson(location)],
    ['ImageMember', memberJson(member())],
    ['Store', storeJson(store())],
    ['Operator', operatorJson(operator())],
    ['Credential', operatorJson(operator()).credentials[0]],
    ['Event', eventJson(event())],
  ];
  it.each(shapes)('%s has every field of the message', (message, shape) => {
    expect(Object.keys(shape ?? {}).sort()).toEqual(fieldsOf(message));
  });

  it('Totals has every field of both messages', () => {
    const traffic = { receivedBytes: 1, wireBytes: 2, holeBytes: 3, resumedBytes: 4, verifiedBytes: 5 };
    const ended = task({ totals: { traffic, seconds: 1.5, compression: '' } });
    const shape = jobJson(job({ tasks: [ended] })).tasks[0]?.totals ?? {};
    const fields = [...fieldsOf('Traffic'), ...fieldsOf('TaskTotals')].filter((key) => key !== 'traffic');
    expect(Object.keys(shape).sort()).toEqual(fields.sort());
    expect(shape).toMatchObject({ received_bytes: 1, wire_bytes: 2, seconds: 1.5, compression: null });
  });

  it('Progress has the percent besides', () => {
    const shape = jobJson(job()).tasks[0]?.progress ?? {};
    expect(Object.keys(shape).sort()).toEqual([...fieldsOf('Progress'), 'percent'].sort());
  });
});

it('has the same keys whether a value is there or not', () => {
  expect(Object.keys(imageJson(emptyImage()))).toEqual(Object.keys(imageJson(image())));
  const { freeBytes: _, totalBytes: __, ...silent } = store();
  expect(Object.keys(storeJson(silent))).toEqual(Object.keys(storeJson(store())));
});

it('has null for what is absent', () => {
  expect(imageJson(emptyImage())).toMatchObject({
    id: IMAGE_ID,
    size_bytes: null,
    data_bytes: null,
    checksum: null,
    os_hash_value: null,
    root: null,
  });
  expect(storeJson(store({ online: false, onlineSinceMs: 0, lastSeenMs: 0, fsid: '' }))).toMatchObject({
    fsid: null,
    online_since_at: null,
    last_seen_at: null,
  });
  expect(imageJson(image({ copies: [copy({ verifiedAtMs: 0, verifiedRoot: '' })] })).copies[0]).toMatchObject(
    {
      verified_root: null,
      verified_at: null,
      progress: null,
    },
  );
});

it('has times in ISO 8601, and leaves the names of properties alone', () => {
  const shape = imageJson(image({ properties: { hwDiskBus: 'virtio', atMs: '1' } }));
  expect(shape.created_at).toBe('2026-11-20T12:00:00.000Z');
  expect(shape.properties).toEqual({ hwDiskBus: 'virtio', atMs: '1' });
});

it('has the detail of an event as it is, also when it is no JSON', () => {
  expect(eventJson(event({ detailJson: '{"role":"member"}' })).detail).toEqual({ role: 'member' });
  expect(eventJson(event({ detailJson: 'plain' })).detail).toBe('plain');
  expect(eventJson(event()).detail).toBeNull();
});

it('has the percent rounded down', () => {
  const shape = jobJson(job({ tasks: [task({ progress: progress({ doneBytes: 999, totalBytes: 1000 }) })] }));
  expect(shape.tasks[0]?.progress?.percent).toBe(99);
});

it('is documented key by key', async () => {
  const page = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
  const shownImage = imageJson(image());
  const shownJob = jobJson(job());
  const shapes = { Image: shownImage, Copy: shownImage.copies[0], Job: shownJob, Task: shownJob.tasks[0] };
  const more = {
    Progress: shownJob.tasks[0]?.progress,
    Location: locationJson(location),
    Member: memberJson(member()),
    Store: storeJson(store()),
    Operator: operatorJson(operator()),
    Credential: operatorJson(operator()).credentials[0],
    Event: eventJson(event()),
  };
  for (const [name, shape] of Object.entries({ ...shapes, ...more })) {
    const paragraph = page.split('\n\n').find((text) => text.startsWith(`**${name}**`)) ?? '';
    const missing = Object.keys(shape ?? {}).filter((key) => !paragraph.includes(`\`${key}\``));
    expect({ name, missing }).toEqual({ name, missing: [] });
  }
});
