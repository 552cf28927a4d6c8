import { parseAddress } from '../config/address.ts';
import { parseStoreId, parseUuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { DRIVERS, type StoreIdentity } from '../domain/store.ts';
import type { TaskAttempt } from '../queue/agent-port.ts';
import type { AgentMessage__Output } from '../rpc/generated/entrepot/v1/AgentMessage.ts';
import type { Hello__Output } from '../rpc/generated/entrepot/v1/Hello.ts';
import type { StoredImage } from '../store/store.ts';

/*
 * What an agent says of itself before anything else. It is kept for as long as the agent is attached,
 * logged, and shown to operators: so none of it is taken that is longer than it has to be.
 */

/** What the text of a release may take, with all that a build appends. */
const VERSION_LENGTH = 64;
/** A host name has at most 253 characters; with its port. */
const ADDRESS_LENGTH = 260;
/** Of a cluster's id, a UUID, and of a pool's name. */
const NAME_LENGTH = 255;

/** A store is given 64 tasks at most at a time (`queue.width_per_store`); results not told yet may come on top. */
const RUNNING_LIMIT = 256;

/** As the wire contract has it. */
const PAGE_LIMIT = 1000;

/**
 * Ten times the images of a large cloud, and some 20 MB of the hub's memory while they are compared
 * with the catalogue.
 */
const INVENTORY_LIMIT = 100_000;

/** No control characters, nothing that turns the direction of a line, no half characters. */
const PLAIN = /^\P{C}*$/u;

/** Who says it, what its store is, how others reach it, and what it is at. */
export interface Introduction {
  readonly storeId: string;
  readonly identity: StoreIdentity;
  readonly version: string;
  /** `host:port` */
  readonly transferAddress: string;
  readonly running: readonly TaskAttempt[];
}

/** The first message of an agent. INVALID when it is no hello, or says what makes no sense. */
export function readHello(message: AgentMessage__Output | undefined): Introduction {
  const hello = message?.hello;
  if (!hello) throw new Refusal('INVALID', 'the first message of an agent must be its hello');
  const { version, transferAddress, running } = hello;
  requirePlain('version', version, VERSION_LENGTH);
  if (transferAddress.length > ADDRESS_LENGTH || !isReachable(transferAddress)) {
    throw new Refusal('INVALID', 'the transfer address of the agent is not host:port', {
      hint: 'set `transfer_address` in its configuration',
    });
  }
  if (running.length > RUNNING_LIMIT) {
    throw new Refusal('INVALID', `the agent says it is at ${running.length} tasks, more than it can have`);
  }
  return {
    storeId: parseStoreId(hello.storeId),
    identity: identityOf(hello),
    version,
    transferAddress,
    running: running.map(({ taskId, attempt }) => ({ taskId: parseUuid(taskId, 'task id'), attempt })),
  };
}

/** All that the store holds, to the page that says it is the last. INVALID when it makes no sense, or is too much. */
export async function readInventory(stream: AsyncIterator<AgentMessage__Output>): Promise<StoredImage[]> {
  const images: StoredImage[] = [];
  for (;;) {
    const next = await stream.next();
    const page = next.done ? undefined : next.value.inventory;
    if (!page) throw new Refusal('INVALID', 'after its hello an agent sends its whole inventory');
    if (page.images.length > PAGE_LIMIT) {
      throw new Refusal('INVALID', `a page of the inventory has more than ${PAGE_LIMIT} images`);
    }
    for (const { imageId, form, sizeBytes } of page.images) {
      const id = parseUuid(imageId);
      // A form of a newer agent is none of those the catalogue speaks of.
      if (form === 'whole') images.push({ imageId: id, form: 'whole', sizeBytes });
      if (form === 'partial') images.push({ imageId: id, form: 'partial', sizeBytes });
    }
    if (images.length > INVENTORY_LIMIT) {
      throw new Refusal('INVALID', `the store holds more than ${INVENTORY_LIMIT} images`, {
        hint: 'images of others in its pool count too: give the store a pool of its own',
      });
    }
    if (page.last) return images;
  }
}

function identityOf({ driver: named, fsid, pool }: Hello__Output): StoreIdentity {
  const driver = DRIVERS.find((one) => one === named);
  if (driver === undefined) {
    throw new Refusal('INVALID', `driver '${named.slice(0, 64)}' is not known`, { rule: 'R10' });
  }
  requirePlain('fsid', fsid, NAME_LENGTH);
  requirePlain('pool', pool, NAME_LENGTH);
  return { driver, fsid, pool };
}

function isReachable(address: string): boolean {
  return (parseAddress(address)?.port ?? 0) > 0;
}

function requirePlain(field: string, text: string, limit: number): void {
  if (text.length <= limit && PLAIN.test(text)) return;
  throw new Refusal('INVALID', `the ${field} in the hello of the agent is too long, or cannot be printed`, {
    hint: `at most ${limit} characters that can be printed`,
  });
}
