import { installDevice, type Link, type LinkEnd } from './link.ts';
import { delayBytes, FRAME_BYTES, type LinkSpec, MTU_BYTES, queueBytes } from './link-spec.ts';
import { Namespace, network } from './namespaces.ts';

/** A veth pair with Linux's own emulation at both ends, each for what it sends. */
export class NetemLink implements Link {
  readonly pid = undefined;
  readonly #ends: readonly LinkEnd[];

  private constructor(ends: readonly LinkEnd[]) {
    this.#ends = ends;
  }

  /** `names`: two that no interface of this namespace has; they are free again afterwards. */
  static async create(
    ends: readonly [LinkEnd, LinkEnd],
    names: readonly [string, string],
  ): Promise<NetemLink> {
    const [left, right] = names;
    await network('ip', ['link', 'add', left, 'type', 'veth', 'peer', 'name', right]);
    await installDevice(left, ends[0]);
    await installDevice(right, ends[1]);
    return new NetemLink(ends);
  }

  async shape(spec: LinkSpec | undefined): Promise<void> {
    for (const end of this.#ends) {
      for (const args of pieceCommands(end, spec)) await network('ip', args);
      await network('tc', shapeCommand(end, spec));
    }
  }

  async counts(): Promise<undefined> {}

  /** Interfaces go with their namespaces. */
  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Whether this machine's Linux has netem: many that are made for virtual machines do not. */
export async function hasNetem(namespaceName: string): Promise<boolean> {
  await using namespace = await Namespace.create(namespaceName);
  const end = { namespace: namespace.name, device: 'lo', address: '127.0.0.1' };
  const spec = { name: '', bitsPerSecond: 1e8, roundTripMs: 10, lossShare: 0.001 };
  return await network('tc', shapeCommand(end, spec)).then(
    () => true,
    () => false,
  );
}

/** Arguments of `tc` for what one end sends. */
export function shapeCommand({ namespace, device }: LinkEnd, spec: LinkSpec | undefined): string[] {
  const at = ['-n', namespace, 'qdisc', 'replace', 'dev', device, 'root'];
  if (spec === undefined) return [...at, 'pfifo', 'limit', '20000'];
  const { bitsPerSecond, roundTripMs, lossShare } = spec;
  // netem counts those under way too.
  const packets = Math.ceil((queueBytes(spec) + delayBytes(spec)) / (MTU_BYTES + FRAME_BYTES));
  const loss = lossShare === 0 ? [] : ['loss', 'random', `${lossShare * 100}%`];
  const delay = ['delay', `${Math.round((roundTripMs * 1000) / 2)}us`];
  return [...at, 'netem', 'rate', `${bitsPerSecond}bit`, ...delay, ...loss, 'limit', String(packets)];
}

/** netem loses what it is given whole, and that may be a piece of 64 KiB: with loss, Linux must cut it before. */
function pieceCommands({ namespace, device }: LinkEnd, spec: LinkSpec | undefined): string[][] {
  const segments = spec === undefined || spec.lossShare === 0 ? 64 : 1;
  return [['-n', namespace, 'link', 'set', 'dev', device, 'gso_max_segs', String(segments)]];
}
