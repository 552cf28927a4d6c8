import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/domain/refusal.ts';
import { FakeHub, type Given } from './run.ts';
import { emptyImage, endedJob, IMAGE_ID, JOB_ID, job } from './samples.ts';

const OTHER_ID = '11111111-2222-4333-8444-555555555555';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-cli-imports-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The hub's part in imports: says yes, and writes down what it was asked. */
class Hall {
  readonly asked: [string, unknown][] = [];
  /** Thrown by Import. */
  refuses: Refusal | undefined;
  /** Of the store, unknown to the catalogue; in pages. */
  adoptable: string[][] = [];
  readonly known = new Map<string, string>();

  given(): Given {
    return {
      Images: {
        Create: async (request) => {
          this.asked.push(['Create', request]);
          if (this.known.has(request.id))
            throw new Refusal('ALREADY_EXISTS', `image id ${request.id} is in use`);
          return emptyImage(request.id === '' ? {} : { id: request.id });
        },
        List: async () => ({ images: [], nextMarker: '' }),
        Get: async ({ imageId }) => emptyImage({ id: imageId, status: this.known.get(imageId) ?? 'queued' }),
        Import: async (request) => {
          this.asked.push(['Import', request]);
          if (this.refuses) throw this.refuses;
          return job({ kind: 'import', imageId: request.imageId });
        },
        Delete: async (request) => {
          this.asked.push(['Delete', request]);
          return job({ kind: 'delete' });
        },
        ExamineAdopt: async (request) => {
          this.asked.push(['ExamineAdopt', request]);
          return { sizeBytes: 4096, steps: ['make the snapshot images/vm@snap', 'list it in the catalogue'] };
        },
        ListAdoptable: async ({ marker }) => {
          const page = marker === '' ? 0 : this.adoptable.findIndex((ids) => ids.at(-1) === marker) + 1;
          const last = page >= this.adoptable.length - 1;
          return {
            imageIds: this.adoptable[page] ?? [],
            nextMarker: last ? '' : (this.adoptable[page]?.at(-1) ?? ''),
          };
        },
      },
      Operators: { WhoAmI: async () => ({ subject: 'operator/alice', role: 'member' }) },
      Jobs: {
        Watch: async (_request, write) => await write(endedJob({ kind: 'import' })),
      },
    };
  }

  methods(): string[] {
    return this.asked.map(([method]) => method);
  }

  request(method: string): unknown {
    return this.asked.find(([one]) => one === method)?.[1];
  }
}

describe('image import', () => {
  it('makes a record, and has it fetched to the stores that were named', async () => {
    const hall = new Hall();
    await using hub = await FakeHub.with(hall.given());
    const digest = 'ab'.repeat(32);
    const uri = 'https://u:secret@images.example.org/d.qcow2';
    const file = ['--uri', uri, '--disk-format', 'qcow2', '--sha256', digest];
    const stores = ['--stores', 'dcn0,dcn1', '--allow-failure', 'false'];
    const { code, stdout } = await hub.run('image', 'import', '--name', 'debian-13', ...file, ...stores);
    expect(code).toBe(0);
    expect(hall.request('Create')).toMatchObject({ name: 'debian-13', diskFormat: 'qcow2' });
    expect(hall.request('Import')).toMatchObject({
      imageId: IMAGE_ID,
      webDownload: { uri },
      expectedDigests: { sha256: digest },
      storeIds: ['dcn0', 'dcn1'],
      allStoresMustSucceed: true,
    });
    expect(stdout).toContain(JOB_ID);
    expect(stdout).not.toContain('secret');
  });

  it('leaves no record behind when the hub refuses the import', async () => {
    const hall = new Hall();
    hall.refuses = new Refusal('INVALID', 'the URI of the image cannot be read');
    await using hub = await FakeHub.with(hall.given());
    const { code } = await hub.run('image', 'import', '--name', 'n', '--uri', 'nonsense');
    expect(code).toBe(2);
    expect(hall.methods()).toEqual(['Create', 'Import', 'Delete']);
  });

  it('takes in what was staged, and waits for it when asked to', async () => {
    const hall = new Hall();
    await using hub = await FakeHub.with(hall.given());
    const { code } = await hub.run('image', 'import', IMAGE_ID, '--method', 'glance-direct', '--wait');
    expect(code).toBe(0);
    expect(hall.request('Import')).toMatchObject({ imageId: IMAGE_ID, glanceDirect: {} });
    expect(hall.methods()).toEqual(['Import']);
  });

  it.each([
    ['nothing to bring in', [IMAGE_ID], /not clear where the image comes from/],
    ['two sources', [IMAGE_ID, '--method', 'glance-direct', '--uri', 'https://a/b'], /not clear where/],
    ['neither image nor name', ['--uri', 'https://a/b'], /neither an image nor a name/],
    ['nothing staged', ['--name', 'n', '--method', 'glance-direct'], /nothing is staged/],
    ['half a yes', [IMAGE_ID, '--uri', 'https://a/b', '--allow-failure', 'maybe'], /allow-failure/],
  ])('refuses %s before the hub is asked', async (_what, args, message) => {
    const hall = new Hall();
    await using hub = await FakeHub.with(hall.given());
    const { code, stderr } = await hub.run('image', 'import', ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(hall.asked).toEqual([]);
  });
});

describe('image create', () => {
  it('without a file makes a record, to be filled by `stage` or `upload`', async () => {
    const hall = new Hall();
    await using hub = await FakeHub.with(hall.given());
    const { code, stdout } = await hub.run('image', 'create', '--name', 'n', '--disk-format', 'qcow2');
    expect(code).toBe(0);
    expect(stdout).toContain(IMAGE_ID);
    expect(hall.asked).toMatchObject([['Create', { name: 'n', diskFormat: 'qcow2' }]]);
    const { code: refused, stderr } = await hub.run('image', 'create', '--name', 'n', '--all-stores');
    expect(refused).toBe(2);
    expect(stderr).toContain('there is no file to bring to a store');
    expect(hall.asked).toHaveLength(1);
  });

  it('looks into no file that is kept as it is: any bytes may be an appliance', async () => {
    const path = join(folder, 'appliance.ova');
    // No site takes a zip for a disk.
    await writeFile(path, Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(70_000, 7)]));
    const hall = new Hall();
    await using hub = await FakeHub.with(hall.given());
    const format = ['--disk-format', 'vmdk', '--container-format', 'ova'];
    await hub.run('image', 'create', '--name', 'n', '--file', path, ...format);
    expect(hall.request('Create')).toMatchObject({ diskFormat: 'vmdk', containerFormat: 'ova' });
  });
});

describe('image stage', () => {
  it('sends nothing of a file that no site would let in', async () => {
    const path = join(folder, 'header.qcow2');
    await writeFile(path, Buffer.from('QFI\xfb', 'latin1'));
    const hall = new Hall();
    await using hub = await FakeHub.with(hall.given());
    const { code, stderr } = await hub.run('image', 'stage', IMAGE_ID, '--file', path);
    expect(code).toBe(2);
    expect(stderr).toContain('header.qcow2: ');
  });
});

describe('image adopt', () => {
  it('says what it would do, and does nothing', async () => {
    const hall = new Hall();
    await using hub = await FakeHub.with(hall.given());
    const { stdout } = await hub.run('image', 'adopt', '--rbd', 'images/vm', '--move', '--dry-run');
    expect(stdout).toBe(
      'images/vm, 4096 bytes. This would:\n1. make the snapshot images/vm@snap\n2. list it in the catalogue\n',
    );
    expect(hall.request('ExamineAdopt')).toMatchObject({
      adopt: { storeId: '', pool: 'images', image: 'vm', move: true },
      imageId: '',
    });
    expect(hall.methods()).toEqual(['ExamineAdopt']);
  });

  it('keeps the UUID an image is named by', async () => {
    const hall = new Hall();
    await using hub = await FakeHub.with(hall.given());
    const { code } = await hub.run(
      'image',
      'adopt',
      '--store',
      'dcn0',
      '--rbd',
      `images/${OTHER_ID}`,
      '--name',
      'vm',
    );
    expect(code).toBe(0);
    expect(hall.request('Create')).toMatchObject({ id: OTHER_ID, name: 'vm', diskFormat: 'raw' });
    expect(hall.request('Import')).toMatchObject({
      imageId: OTHER_ID,
      adopt: { storeId: 'dcn0', pool: 'images', image: OTHER_ID, move: false },
    });
  });

  it('goes on with the record that an adoption which failed has left, and with no other', async () => {
    const hall = new Hall();
    hall.known.set(OTHER_ID, 'queued');
    await using hub = await FakeHub.with(hall.given());
    expect((await hub.run('image', 'adopt', '--rbd', `images/${OTHER_ID}`)).code).toBe(0);
    hall.known.set(OTHER_ID, 'active');
    expect((await hub.run('image', 'adopt', '--rbd', `images/${OTHER_ID}`)).code).toBe(4);
    expect(hall.methods().filter((method) => method === 'Import')).toHaveLength(1);
  });

  it('takes every image of a store that the catalogue does not know, page by page', async () => {
    const hall = new Hall();
    const third = OTHER_ID.replace('1111', '3333');
    hall.adoptable = [[IMAGE_ID, OTHER_ID], [third]];
    await using hub = await FakeHub.with(hall.given());
    const dry = await hub.run('image', 'adopt', '--all', '--pool', 'images', '--dry-run');
    expect(dry.stdout).toBe(`3 images would be adopted\n  ${IMAGE_ID}\n  ${OTHER_ID}\n  ${third}\n`);
    expect(hall.asked).toEqual([]);
    const { stdout } = await hub.run('image', 'adopt', '--all', '--pool', 'images', '--wait', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ image_ids: [IMAGE_ID, OTHER_ID, third], jobs: [{}, {}, {}] });
    expect(hall.methods().filter((method) => method === 'Import')).toHaveLength(3);
  });

  it.each([
    ['no image', []],
    ['a name without a pool', ['--rbd', 'vm']],
    ['a snapshot of a namespace', ['--rbd', 'a/b/c']],
    ['all of no pool', ['--all']],
    ['all and one', ['--all', '--pool', 'images', '--rbd', 'images/vm']],
  ])('refuses %s before the hub is asked', async (_what, args) => {
    const hall = new Hall();
    await using hub = await FakeHub.with(hall.given());
    expect((await hub.run('image', 'adopt', ...args)).code).toBe(2);
    expect(hall.asked).toEqual([]);
  });
});
