import type { OutgoingHttpHeaders } from 'node:http';
import { Refusal } from '../domain/refusal.ts';
import type { Answer } from './answer.ts';
import type { Means } from './exchange.ts';
import { brokenOff, TransientError } from './failures.ts';
import type { FetchClock } from './limits.ts';
import {
  changed,
  encoded,
  notResumable,
  tooLarge,
  tooMuch,
  withoutLength,
  wrongPart,
} from './reading-refusals.ts';
import { type Followed, follow } from './redirects.ts';
import { statusFailure } from './statuses.ts';
import type { UriFilter } from './uri-filter.ts';
import { type FileVersion, isOf, parseContentRange, parseUnsatisfied, versionOf } from './version.ts';

export interface ReadingSettings {
  readonly uris: UriFilter;
  readonly means: Means;
  readonly maxBytes: number;
  readonly clock: FetchClock;
  readonly random: () => number;
}

/** How far an earlier reading came, and what of. */
export interface ResumePoint {
  readonly fromByte: number;
  readonly version: FileVersion;
}

/** An answer that brings bytes from where the reading is. */
interface Piece {
  readonly answer: Answer;
  /** The position after its last byte; undefined: its end says. */
  readonly endByte: number | undefined;
}

/**
 * With these a link that somebody was redirected to says that its time is over; or the mirror behind it that the file
 * has gone from there.
 */
const STALE: ReadonlySet<number> = new Set([401, 403, 404, 410]);

/**
 * One reading of a file over as many connections as it takes. After the first answer it stays where that came from,
 * as other mirrors of the same file know it by other ETags; when that place has it no longer, it asks where it began.
 */
export class Reading {
  readonly #start: URL;
  readonly #settings: ReadingSettings;
  readonly #onRetry: ((reason: Refusal, delayMs: number) => void) | undefined;
  readonly #closed = new AbortController();
  readonly #signal: AbortSignal;
  #at: URL;
  #position: number;
  #version: FileVersion | undefined;
  #piece: Piece | undefined;
  /** An end came that was not announced. */
  #ended = false;
  /** In a row without a byte. */
  #failures = 0;

  constructor(
    start: URL,
    settings: ReadingSettings,
    resume: ResumePoint | undefined,
    onRetry: ((reason: Refusal, delayMs: number) => void) | undefined,
    signal: AbortSignal,
  ) {
    this.#start = start;
    this.#at = start;
    this.#settings = settings;
    this.#position = resume?.fromByte ?? 0;
    this.#version = resume?.version;
    this.#onRetry = onRetry;
    this.#signal = AbortSignal.any([signal, this.#closed.signal]);
  }

  get version(): FileVersion {
    return this.#version ?? {};
  }

  /** Until there is an answer to read from. */
  async begin(): Promise<void> {
    if (this.#position > 0 && this.#version?.validator === undefined) throw notResumable(this.#start);
    while (this.#piece === undefined && !this.#isComplete) {
      try {
        this.#piece = await this.#ask();
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  async *bytes(): AsyncGenerator<Buffer, void, void> {
    try {
      while (!this.#isComplete) {
        try {
          this.#piece ??= await this.#ask();
          if (this.#piece !== undefined) yield* this.#drain(this.#piece);
        } catch (error) {
          await this.#recover(error);
        }
      }
    } finally {
      this.close();
    }
  }

  /** Ends whatever is under way. May be called twice. */
  close(): void {
    this.#closed.abort(new Refusal('CANCELLED', 'the file was closed while it was fetched'));
    this.#piece?.answer.close();
    this.#piece = undefined;
  }

  get #isComplete(): boolean {
    return this.#ended || this.#position === this.#version?.sizeBytes;
  }

  async *#drain({ answer, endByte }: Piece): AsyncGenerator<Buffer, void, void> {
    try {
      for (let bytes = await answer.next(); bytes !== undefined; bytes = await answer.next()) {
        const position = this.#position + bytes.length;
        if (position > (endByte ?? Number.POSITIVE_INFINITY)) throw tooMuch(this.#at);
        if (position > this.#settings.maxBytes) throw tooLarge(this.#at, undefined, this.#settings.maxBytes);
        this.#position = position;
        this.#failures = 0;
        yield bytes;
      }
    } finally {
      answer.close();
      this.#piece = undefined;
    }
    if (endByte === undefined) this.#ended = true;
    else if (this.#position < endByte) throw brokenOff(this.#at);
  }

  /** One attempt to get on. Undefined when it turns out that nothing is left. */
  async #ask(): Promise<Piece | undefined> {
    const validator = this.#version?.validator;
    const isPart = this.#position > 0;
    const headers = isPart ? { range: `bytes=${this.#position}-`, 'if-range': validator } : {};
    const { answer, url } = await this.#follow(headers);
    try {
      const piece = isPart ? this.#part(answer, url) : this.#whole(answer, url);
      this.#at = url;
      if (piece === undefined) answer.close();
      return piece;
    } catch (error) {
      answer.close();
      throw error;
    }
  }

  async #follow(headers: OutgoingHttpHeaders): Promise<Followed> {
    const { uris, means } = this.#settings;
    const followed = await follow(this.#at, headers, uris, means, this.#signal);
    if (this.#at === this.#start || !STALE.has(followed.answer.status)) return followed;
    followed.answer.close();
    this.#at = this.#start;
    return follow(this.#start, headers, uris, means, this.#signal);
  }

  #whole(answer: Answer, url: URL): Piece {
    if (answer.status !== 200) throw statusFailure(url, answer, this.#settings.clock.epochMs());
    const sizeBytes = lengthOf(answer, url);
    const version = versionOf(answer.headers, sizeBytes);
    // The caller was told of the other one already.
    if (this.#version !== undefined && !isOf(this.#version, version)) throw changed(url);
    this.#version = version;
    this.#requireSize(url, sizeBytes);
    return { answer, endByte: sizeBytes };
  }

  #part(answer: Answer, url: URL): Piece | undefined {
    const version = this.version;
    if (answer.status === 416) {
      const sizeBytes = parseUnsatisfied(answer.headers['content-range']);
      if (version.sizeBytes !== undefined || sizeBytes !== this.#position) throw changed(url);
      // It broke off between the last byte and the word that it was the last one.
      this.#ended = true;
      return undefined;
    }
    if (answer.status === 200) {
      const whole = versionOf(answer.headers, lengthOf(answer, url));
      const isSame = [whole.etag, whole.lastModified].includes(version.validator) && isOf(version, whole);
      throw isSame ? notResumable(url) : changed(url);
    }
    if (answer.status !== 206) throw statusFailure(url, answer, this.#settings.clock.epochMs());
    const range = parseContentRange(answer.headers['content-range']);
    const length = lengthOf(answer, url);
    if (
      range?.first !== this.#position ||
      (length ?? range.last + 1 - range.first) !== range.last + 1 - range.first
    ) {
      throw wrongPart(url, this.#position);
    }
    if (!isOf(version, versionOf(answer.headers, range.sizeBytes))) throw changed(url);
    this.#version = { ...version, sizeBytes: range.sizeBytes };
    this.#requireSize(url, range.sizeBytes);
    return { answer, endByte: range.last + 1 };
  }

  #requireSize(url: URL, sizeBytes: number | undefined): void {
    const { maxBytes } = this.#settings;
    if (sizeBytes !== undefined && sizeBytes > maxBytes) throw tooLarge(url, sizeBytes, maxBytes);
  }

  /** Waits for the time of the next attempt, or throws what ends the reading. */
  async #recover(error: unknown): Promise<void> {
    if (this.#signal.aborted) throw Refusal.from(this.#signal.reason);
    if (!(error instanceof TransientError)) throw error;
    // All bytes are there; only the goodbye is missing.
    if (this.#isComplete) return;
    const { refusal, retryAfterMs = 0 } = error;
    if (this.#position > 0 && this.#version?.validator === undefined) throw notResumable(this.#at, refusal);
    const { clock, random } = this.#settings;
    const { attempts, firstDelayMs, maxDelayMs, maxRetryAfterMs } = this.#settings.means.limits;
    this.#failures++;
    if (this.#failures >= attempts) {
      const { code, message, hint } = refusal;
      throw new Refusal(code, `${message}; given up after ${attempts} attempts`, { hint, cause: refusal });
    }
    const fullMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (this.#failures - 1));
    const delayMs = Math.max((fullMs / 2) * (1 + random()), Math.min(retryAfterMs, maxRetryAfterMs));
    this.#onRetry?.(refusal, delayMs);
    try {
      await clock.sleep(delayMs, this.#signal);
    } catch {
      throw Refusal.from(this.#signal.reason);
    }
  }
}

/**
 * Of the body, in bytes; undefined when it comes in chunks, of which the last says that it is. UNSUPPORTED when the
 * bytes would not be those of the file, or nothing would tell whether all of them have come.
 */
function lengthOf({ headers }: Answer, url: URL): number | undefined {
  const coding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (coding !== '' && coding !== 'identity') throw encoded(url, coding);
  const transfer = headers['transfer-encoding']?.trim().toLowerCase();
  if (transfer !== undefined) {
    if (transfer !== 'chunked') throw encoded(url, transfer);
    return undefined;
  }
  const length = headers['content-length'];
  if (length === undefined || !/^\d{1,15}$/.test(length)) throw withoutLength(url);
  return Number(length);
}
