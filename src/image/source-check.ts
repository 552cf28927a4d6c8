import { Refusal } from '../domain/refusal.ts';
import { zeroPieces } from './digests.ts';
import { Inspector } from './inspect/inspector.ts';
import type { AcceptedFile, FoundFormat, InspectionLimits } from './inspect/verdict.ts';
import { OrderedHash } from './ordered-hash.ts';

/** What hears of a file's bytes in their order, and says at the end whether it is what it should be. */
export interface ByteCheck extends AsyncDisposable {
  /** Until it resolves the bytes must not change. Rejects as soon as the file is certain to be refused. */
  update(bytes: Uint8Array): Promise<void>;
  /** After the last byte. */
  verify(): Promise<void>;
}

/** Digests that a file may be held against. */
export type ExpectedAlgorithm = 'md5' | 'sha256' | 'sha512';

export interface SourceCheckSettings {
  /** Undefined: the file is opaque, whatever is in it. */
  readonly inspection: InspectionLimits | undefined;
  /** In hexadecimal, by algorithm. */
  readonly expected: Partial<Readonly<Record<ExpectedAlgorithm, string>>>;
  readonly signature?: ByteCheck | undefined;
}

/**
 * Looks at a file as it comes in, before anything else does: what it is, whether it hashes to what was said, and
 * whether it is signed as was said. Calls come in the order of the file; each may be made before the one before has
 * settled.
 */
export class SourceCheck implements AsyncDisposable {
  readonly #inspector: Inspector | undefined;
  readonly #checks: readonly ByteCheck[];

  constructor({ inspection, expected, signature }: SourceCheckSettings) {
    this.#inspector = inspection && new Inspector(inspection);
    const digests = Object.entries(expected).map(
      ([name, value]) => new DigestCheck(name as ExpectedAlgorithm, value),
    );
    this.#checks = signature === undefined ? digests : [...digests, signature];
  }

  /** What the file's first bytes say it is; undefined before they are there, and of one that is opaque. */
  get format(): FoundFormat | undefined {
    return this.#inspector?.format;
  }

  /** Until it resolves the bytes must not change. INVALID as soon as the file is certain to be refused. */
  async update(bytes: Uint8Array): Promise<void> {
    const taken = this.#checks.map((check) => check.update(bytes));
    try {
      this.#inspect(bytes);
    } finally {
      await Promise.allSettled(taken);
    }
    await Promise.all(taken);
  }

  /** As `update` with so many zeros. `signal` is heeded every MiB. */
  async skip(lengthBytes: number, signal: AbortSignal): Promise<void> {
    for (const piece of zeroPieces(lengthBytes)) {
      signal.throwIfAborted();
      await this.update(piece);
    }
  }

  /** After the last byte: what the file is; undefined for one that is opaque. INVALID when it may not come in. */
  async end(): Promise<AcceptedFile | undefined> {
    const verdict = this.#inspector?.end();
    if (verdict?.ok === false) throw refusalOf(verdict);
    for (const check of this.#checks) await check.verify();
    return verdict;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#checks.map((check) => check[Symbol.asyncDispose]()));
  }

  #inspect(bytes: Uint8Array): void {
    const inspector = this.#inspector;
    if (inspector === undefined) return;
    inspector.write(bytes);
    if (!inspector.isDecided) return;
    const verdict = inspector.end();
    if (!verdict.ok) throw refusalOf(verdict);
  }
}

/** Whether a file hashes to what was said of it. */
class DigestCheck implements ByteCheck {
  readonly #algorithm: ExpectedAlgorithm;
  readonly #expected: string;
  readonly #hash: OrderedHash;

  constructor(algorithm: ExpectedAlgorithm, expected: string) {
    this.#algorithm = algorithm;
    this.#expected = expected.toLowerCase();
    this.#hash = new OrderedHash(algorithm);
  }

  update(bytes: Uint8Array): Promise<void> {
    return this.#hash.update(bytes);
  }

  async verify(): Promise<void> {
    const found = (await this.#hash.finish()).toString('hex');
    if (found === this.#expected) return;
    throw new Refusal('INVALID', `the ${this.#algorithm} of the file is ${found}, not ${this.#expected}`, {
      hint: 'it is another file than the one that was meant, or it was damaged on the way',
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hash[Symbol.asyncDispose]();
  }
}

function refusalOf({ message, hint }: { readonly message: string; readonly hint: string }): Refusal {
  return new Refusal('INVALID', message, { hint });
}
