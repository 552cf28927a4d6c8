import koffi from 'koffi';

/** How often it is looked: what ended longer ago than this does not go on at once. */
const EVERY_MS = 3000;

export interface IdleMemoryParts {
  /** Whether image data is on its way, in or out. */
  readonly isBusy: () => boolean;
  /** Default: has malloc give back what it keeps. */
  readonly trim?: () => void;
  /** Default: EVERY_MS. */
  readonly everyMs?: number;
}

/**
 * When transfers have ended, gives the system the memory back that malloc kept of their buffers, librados' above all:
 * by itself it gives back only what lies at the end of its heap, and the next transfer would begin with all the
 * last ones left. Not while one is under way, which would get the same pages anew, a fault each.
 */
export class IdleMemory implements Disposable {
  readonly #timer: NodeJS.Timeout;

  constructor({ isBusy, trim = trimMalloc, everyMs = EVERY_MS }: IdleMemoryParts) {
    let wasBusy = false;
    this.#timer = setInterval(() => {
      const isBusyNow = isBusy();
      if (wasBusy && !isBusyNow) trim();
      wasBusy = isBusyNow;
    }, everyMs);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** On another thread, as it may take milliseconds. Nothing where the C library has no such call. */
function trimMalloc(): void {
  mallocTrim ??= findTrim();
  mallocTrim.async(0, () => {});
}

let mallocTrim: { readonly async: (padBytes: number, done: () => void) => void } | undefined;

function findTrim(): NonNullable<typeof mallocTrim> {
  try {
    return koffi.load(null).func('int malloc_trim(size_t padBytes)') as unknown as NonNullable<
      typeof mallocTrim
    >;
  } catch {
    return { async: (_padBytes, done) => done() };
  }
}
