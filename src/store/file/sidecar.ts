import { readFile } from 'node:fs/promises';
import { Refusal } from '../../domain/refusal.ts';
import { replaceFile } from './durable.ts';
import { unlessAbsent } from './errno.ts';
import type { Turns } from './turns.ts';

/** The contract's limit on one value, in bytes of UTF-8. */
const MAX_VALUE_BYTES = 64 * 1024;

/** An image's metadata: one JSON object of strings in a file beside it. Read anew each time; never cached. */
export class Sidecar {
  readonly #path: string;
  readonly #turns: Turns;

  /** All sidecars of one path must share `turns`: setting reads, changes and replaces the file. */
  constructor(path: string, turns: Turns) {
    this.#path = path;
    this.#turns = turns;
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#read()).get(key);
  }

  async set(key: string, value: string): Promise<void> {
    await this.setAll({ [key]: value });
  }

  /** All of them at once or, cut, none. */
  async setAll(entries: Readonly<Record<string, string>>): Promise<void> {
    for (const [key, value] of Object.entries(entries)) {
      const bytes = Buffer.byteLength(value);
      if (bytes <= MAX_VALUE_BYTES) continue;
      throw new Refusal('INVALID', `metadata '${key}' has ${bytes} bytes, more than ${MAX_VALUE_BYTES}`);
    }
    await this.#turns.take(this.#path, async () => {
      const values = await this.#read();
      for (const [key, value] of Object.entries(entries)) values.set(key, value);
      await replaceFile(this.#path, JSON.stringify(Object.fromEntries(values)));
    });
  }

  async #read(): Promise<Map<string, string>> {
    const text = await unlessAbsent(readFile(this.#path, 'utf8'), '{}');
    try {
      const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
      return new Map(entries.map(([key, value]) => [key, String(value)]));
    } catch (error) {
      throw new Refusal('INTERNAL', `${this.#path} is not JSON`, {
        hint: 'someone else wrote to it: delete this copy and copy the image again',
        cause: error,
      });
    }
  }
}
