import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Refusal } from '../domain/refusal.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { type ConfinedRun, execute, type Output } from './process.ts';
import { confined, type Isolation, WRAPPERS } from './wrapper.ts';

export interface ConfinementOptions {
  /** Default: DEFAULT_LIMITS, each. */
  readonly limits?: Partial<Limits>;
  /** Where programs are looked for, as PATH. Default: where the agent finds its own. */
  readonly path?: string;
}

const HINT_NAMESPACES =
  'let the agent make user namespaces: the sysctls user.max_user_namespaces, kernel.unprivileged_userns_clone and ' +
  'kernel.apparmor_restrict_unprivileged_userns, and RestrictNamespaces=user net in its unit';

/**
 * The one door to foreign programs that read strangers' bytes. What runs behind it has no network, no
 * capability and no way to get one, writes no file, sees nothing of our environment, takes bounded memory,
 * time and processes, and dies with the agent.
 */
export class Confinement {
  readonly limits: Limits;
  readonly #path: string;
  readonly #isRoot = process.getuid?.() === 0;
  #isolation: Promise<Isolation> | undefined;

  constructor({ limits = {}, path = process.env['PATH'] ?? '' }: ConfinementOptions = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.#path = path;
  }

  /** Finds out how programs are confined here. UNSUPPORTED, with what to do, where they cannot be. */
  async start(): Promise<void> {
    this.#isolation ??= this.#choose();
    await this.#isolation;
  }

  /**
   * Runs a program to its end; when it settles, the process is gone. Rejects with
   * - what `signal` was aborted for, what `stdout` threw, or what `stdin` threw, after the program was ended;
   * - UNSUPPORTED when the program is not installed, its hint from `packageName`;
   * - INVALID when it ran into a limit, which is named;
   * - ProgramFailedError when it failed by itself.
   */
  async run(run: ConfinedRun): Promise<Output> {
    run.signal?.throwIfAborted();
    await this.start();
    const isolation = await this.#isolation;
    await this.#requireProgram(run.program, run.packageName);
    return await this.#execute(isolation as Isolation, run);
  }

  async #execute(isolation: Isolation, run: ConfinedRun): Promise<Output> {
    const limits = { ...this.limits, ...run.limits };
    const command = confined(isolation, limits, this.#isRoot, [run.program, ...run.args]);
    return await execute(command, run, limits, this.#path);
  }

  async #choose(): Promise<Isolation> {
    for (const wrapper of WRAPPERS) await this.#requireProgram(wrapper, 'util-linux');
    const failures: unknown[] = [];
    for (const isolation of ['user-namespace', 'root'] as const) {
      try {
        await this.#execute(isolation, { program: 'true', args: [], packageName: 'coreutils' });
        return isolation;
      } catch (error) {
        failures.push(error);
      }
    }
    throw new Refusal('UNSUPPORTED', 'programs that read images cannot be cut off from the network here', {
      hint: HINT_NAMESPACES,
      cause: new AggregateError(failures),
    });
  }

  async #requireProgram(program: string, packageName: string): Promise<void> {
    for (const folder of this.#path.split(delimiter)) {
      if (folder !== '' && (await isExecutable(join(folder, program)))) return;
    }
    throw new Refusal('UNSUPPORTED', `the program ${program} is not installed here`, {
      hint: `on the machine of the agent: apt install ${packageName}`,
    });
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
