import { Refusal } from '../domain/refusal.ts';

interface Claim {
  /** On disk already. */
  allocatedBytes: number;
  /** Of writes under way, each as if it fell into a hole. */
  reservedBytes: number;
  /** What the file is to become, while it is being brought; 0 when that is not known. */
  expectedBytes: number;
}

/**
 * A limit on what staged files take up on disk, as `du` counts it: holes are free. A file of a known size
 * claims all of it before its first byte, and what it did not need is free again once it is whole; a file
 * of unknown size claims each write before it is made. So two at once never pass the limit together.
 */
export class Room {
  readonly quotaBytes: number;
  readonly #claims = new Map<string, Claim>();

  constructor(quotaBytes: number) {
    this.quotaBytes = quotaBytes;
  }

  /** On disk, or claimed by writes under way. */
  get usedBytes(): number {
    let bytes = 0;
    for (const { allocatedBytes, reservedBytes } of this.#claims.values())
      bytes += allocatedBytes + reservedBytes;
    return bytes;
  }

  /** What nobody has claimed. */
  get freeBytes(): number {
    let bytes = 0;
    for (const claim of this.#claims.values()) bytes += claimedBytes(claim);
    return Math.max(0, this.quotaBytes - bytes);
  }

  /** Claims all that the file is to become, together with what is there of it. NO_SPACE when it cannot have it. */
  expect(file: string, expectedBytes: number): void {
    const claim = this.#claimOf(file);
    this.#grow(claim, { expectedBytes }, () => {
      // What is there of the file already is not asked for again.
      return noSpace(this.freeBytes + claimedBytes(claim), this.quotaBytes, `the file has ${expectedBytes}`);
    });
  }

  /** Room for a write of the file, until what is returned is called with what the file then takes. NO_SPACE when there is none. */
  reserve(file: string, bytes: number): (allocatedBytes: number | undefined) => void {
    const claim = this.#claimOf(file);
    this.#grow(claim, { reservedBytes: claim.reservedBytes + bytes }, () => {
      return noSpace(this.freeBytes, this.quotaBytes, `the next ${bytes} do not fit in`);
    });
    return (allocatedBytes) => {
      claim.reservedBytes -= bytes;
      if (allocatedBytes !== undefined) claim.allocatedBytes = allocatedBytes;
    };
  }

  /** What the file takes now; nothing more is expected of it. */
  settle(file: string, allocatedBytes: number): void {
    const claim = this.#claimOf(file);
    claim.allocatedBytes = allocatedBytes;
    claim.expectedBytes = 0;
  }

  forget(file: string): void {
    this.#claims.delete(file);
  }

  #grow(claim: Claim, change: Partial<Claim>, refusal: () => Refusal): void {
    const before = claimedBytes(claim);
    const after = claimedBytes({ ...claim, ...change });
    if (after - before > this.freeBytes) throw refusal();
    Object.assign(claim, change);
  }

  #claimOf(file: string): Claim {
    const known = this.#claims.get(file);
    if (known !== undefined) return known;
    const claim: Claim = { allocatedBytes: 0, reservedBytes: 0, expectedBytes: 0 };
    this.#claims.set(file, claim);
    return claim;
  }
}

function claimedBytes({ allocatedBytes, reservedBytes, expectedBytes }: Claim): number {
  return Math.max(expectedBytes, allocatedBytes + reservedBytes);
}

function noSpace(freeBytes: number, quotaBytes: number, need: string): Refusal {
  return new Refusal(
    'NO_SPACE',
    `staging has ${freeBytes} bytes free of its quota of ${quotaBytes}, ${need}`,
    {
      hint: 'raise staging.quota_bytes in the configuration of the agent, or try again when other imports are done',
    },
  );
}
