import type { Copy, CopyState } from '../../../src/domain/copy.ts';
import type { Image, ImageStatus, Visibility } from '../../../src/domain/image.ts';
import type { Job, JobSpec } from '../../../src/domain/job.ts';
import type { ImageMember, MemberStatus } from '../../../src/domain/member.ts';
import type { ImageView } from '../../../src/domain/rules/index.ts';
import type { StoreRecord } from '../../../src/domain/store.ts';

/**
 * A catalogue in a line: copies as `central=present dcn0=copying`, jobs as
 * `copy dcn0,dcn1`, `copy! dcn0` (all must succeed), `import dcn0 > dcn1`,
 * `delete-copy dcn0`, `delete`. Stores are central, dcn0, dcn1, dcn2; those in `revoked` are cut off.
 */
export interface Picture {
  readonly copies?: string;
  readonly jobs?: readonly string[];
  readonly status?: ImageStatus;
  readonly protected?: boolean;
  readonly owner?: string;
  readonly visibility?: Visibility;
  /** With whom it is shared: `bob=pending eve=accepted`. */
  readonly members?: string;
  readonly revoked?: string;
}

export const IMAGE_ID = '11111111-1111-4111-8111-111111111111';
export const ROOT = 'a'.repeat(64);

export const STORES: readonly StoreRecord[] = ['central', 'dcn0', 'dcn1', 'dcn2'].map((id, index) => ({
  id,
  role: id === 'central' ? 'central' : 'edge',
  identity: { driver: 'rbd', fsid: `00000000-0000-4000-8000-00000000000${index}`, pool: 'images' },
  lastSeenMs: undefined,
  revoked: false,
  rate: undefined,
  pausedAtMs: undefined,
}));

export function view(picture: Picture): ImageView {
  return {
    image: image(picture),
    copies: words(picture.copies).map(copy),
    jobs: (picture.jobs ?? []).map(job),
    stores: storesWith(picture.revoked),
  };
}

export function storesWith(revoked = ''): readonly StoreRecord[] {
  return STORES.map((store) => ({ ...store, revoked: words(revoked).includes(store.id) }));
}

export function image(picture: Picture = {}): Image {
  const status = picture.status ?? 'active';
  return {
    id: IMAGE_ID,
    status,
    name: 'debian-12',
    visibility: picture.visibility ?? 'private',
    owner: picture.owner ?? 'ada',
    protected: picture.protected ?? false,
    osHidden: false,
    diskFormat: 'raw',
    containerFormat: 'bare',
    minDiskGib: 0,
    minRamMib: 0,
    tags: [],
    properties: {},
    staged: undefined,
    data:
      status === 'queued' || status === 'uploading'
        ? undefined
        : {
            sizeBytes: 8_388_608,
            virtualSizeBytes: 8_388_608,
            dataBytes: 4_194_304,
            checksum: 'b'.repeat(32),
            osHashAlgo: 'sha512',
            osHashValue: 'c'.repeat(128),
            root: ROOT,
          },
    createdAtMs: 0,
    updatedAtMs: 0,
    ...(picture.members !== undefined && { members: words(picture.members).map(member) }),
  };
}

function member(word: string): ImageMember {
  const [name = '', status = ''] = word.split('=');
  return {
    imageId: IMAGE_ID,
    member: name,
    status: status as MemberStatus,
    createdAtMs: 0,
    updatedAtMs: 0,
  };
}

function copy(word: string): Copy {
  const [storeId = '', state = ''] = word.split('=');
  const present = state === 'present';
  return {
    imageId: IMAGE_ID,
    storeId,
    state: state as CopyState,
    reason: undefined,
    verifiedRoot: present ? ROOT : undefined,
    verifiedAtMs: present ? 5 : undefined,
    isLeftOver: false,
    updatedAtMs: 0,
  };
}

export function job(text: string, index = 0): Job {
  return {
    id: `job-${index + 1}`,
    sequence: index + 1,
    imageId: IMAGE_ID,
    spec: spec(text),
    state: index === 0 ? 'running' : 'queued',
    reason: undefined,
    cancelRequested: text.endsWith('(cancelled)'),
    rate: undefined,
    pausedAtMs: text.includes('(paused)') ? 5 : undefined,
    lane: 'normal',
    requestedBy: 'ada',
    requestId: 'r',
    createdAtMs: 0,
    startedAtMs: undefined,
    endedAtMs: undefined,
  };
}

function spec(text: string): JobSpec {
  const [kind = '', stores = '', , others = ''] = text.replace(/ \((cancelled|paused)\)/g, '').split(' ');
  const list = (names: string) => names.split(',').filter((name) => name !== '');
  switch (kind.replace('!', '')) {
    case 'copy':
      return { kind: 'copy', storeIds: list(stores), allMustSucceed: kind.endsWith('!') };
    case 'import':
      return {
        kind: 'import',
        source: { method: 'upload' },
        entryStoreId: stores,
        sizeBytes: 1,
        storeIds: list(others),
        allMustSucceed: kind.endsWith('!'),
      };
    case 'delete-copy':
      return { kind: 'delete-copy', storeId: stores };
    default:
      return { kind: 'delete' };
  }
}

function words(text = ''): string[] {
  return text.split(' ').filter((word) => word !== '');
}

/** The outcome of a rule in a word or two: its answer, or `CODE RULE`. */
export function verdict(rule: () => unknown): unknown {
  try {
    return rule() ?? 'allowed';
  } catch (error) {
    const { code, rule: number } = error as { code: string; rule?: string };
    return number === undefined ? code : `${code} ${number}`;
  }
}
