import koffi, { type KoffiFunc } from 'koffi';

/** A libc call that returns -1 on failure, off the event loop. */
type Call = (...args: readonly number[]) => Promise<number>;

export interface Libc {
  /** Rejects with an error whose `code` is the errno's name, as those of node:fs. */
  readonly lseek: Call;
  readonly flock: Call;
  /** Linux has it; elsewhere it rejects with ENOSYS. */
  readonly fallocate: Call;
}

let loaded: Libc | undefined;

/** The libc this process runs on, whichever it is. Throws where it lacks these calls. */
export function libc(): Libc {
  if (loaded === undefined) {
    const library = koffi.load(null);
    loaded = {
      lseek: asynchronous('lseek', library.func('int64_t lseek(int fd, int64_t offset, int whence)')),
      flock: asynchronous('flock', library.func('int flock(int fd, int operation)')),
      fallocate: onLinux('fallocate', () =>
        library.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)'),
      ),
    };
  }
  return loaded;
}

function onLinux(name: string, find: () => KoffiFunc<(...args: number[]) => number | bigint>): Call {
  if (process.platform === 'linux') return asynchronous(name, find());
  return () => Promise.reject(errnoError(name, koffi.os.errno['ENOSYS'] ?? 0));
}

function asynchronous(name: string, func: KoffiFunc<(...args: number[]) => number | bigint>): Call {
  return (...args) =>
    new Promise((resolve, reject) => {
      func.async(...args, (error: Error | null, result: number | bigint) => {
        if (error) reject(error);
        // koffi keeps the errno of the thread that made the call, for this callback only.
        else if (Number(result) === -1) reject(errnoError(name, koffi.errno()));
        else resolve(Number(result));
      });
    });
}

function errnoError(syscall: string, errno: number): NodeJS.ErrnoException {
  const code = Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
  return Object.assign(new Error(`${code}: ${syscall}`), { code, errno, syscall });
}
