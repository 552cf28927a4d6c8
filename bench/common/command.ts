const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** A bench as a command: what it takes of the command line, and what it does. */
export interface Command<Options> {
  readonly usage: string;
  /** Throws an Error whose message says what is wrong with the arguments. */
  readonly parse: (args: readonly string[]) => Options | 'help';
  /** Ends soon after the signal is aborted, with nothing left of what it made. */
  readonly run: (options: Options, signal: AbortSignal) => Promise<void>;
}

/** Runs it on the arguments of this process, and sets the exit code. Ctrl-C aborts the signal, a second one ends the process. */
export async function runCommand<Options>({ usage, parse, run }: Command<Options>): Promise<void> {
  const interruption = new AbortController();
  for (const [name, code] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      // The second time nothing is waited for; what is left to do at exit is done.
      if (interruption.signal.aborted) process.exit(code);
      say('stopping, and removing what was made');
      process.exitCode = code;
      interruption.abort(new Error('interrupted'));
    });
  }
  try {
    const options = parse(process.argv.slice(2));
    if (options === 'help') console.log(usage);
    else await run(options, interruption.signal);
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode ??= 1;
  }
}

/** Standard output has the tables alone. */
export function say(line: string): void {
  console.error(line);
}
