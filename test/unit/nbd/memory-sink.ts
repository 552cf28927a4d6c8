import type { NbdSink } from '../../../src/nbd/transmission.ts';

/** A disk in memory that knows which of its bytes were written. */
export class MemorySink implements NbdSink {
  readonly bytes: Buffer;
  readonly written: { readonly offset: number; readonly length: number }[] = [];
  flushes = 0;

  constructor(sizeBytes: number) {
    this.bytes = Buffer.alloc(sizeBytes);
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    this.bytes.copy(target, 0, offset);
  }

  async write(offset: number, bytes: Buffer): Promise<void> {
    bytes.copy(this.bytes, offset);
    this.written.push({ offset, length: bytes.length });
  }

  async zero(offset: number, lengthBytes: number): Promise<void> {
    this.bytes.fill(0, offset, offset + lengthBytes);
  }

  async flush(): Promise<void> {
    this.flushes += 1;
  }
}
