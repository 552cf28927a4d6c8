import { parseAddress } from '../config/address.ts';
import { Refusal } from '../domain/refusal.ts';
import { isRequestId } from '../telemetry/request-context.ts';
import type { OperatorCredentials } from '../trust/credentials.ts';
import type { HubConnection } from './hub-connection.ts';
import { progressPrinter, type Screen } from './output/printers.ts';
import type { ProgressPrinter } from './output/progress.ts';
import { printable } from './output/units.ts';

export type OutputForm = 'table' | 'json';

export interface GlobalOptions {
  /** host:port */
  readonly hub: string;
  /** Folder of the operator's credentials. */
  readonly credentials: string;
  readonly output: OutputForm;
  readonly requestId: string;
  /** Seconds one call may take; waits and transfers have no limit. */
  readonly timeout: number;
}

/** Where a command writes to: results to `stdout`, progress and errors to `stderr`. */
export interface Streams {
  readonly stdout: Screen;
  readonly stderr: Screen;
}

/** One run of one command: what was asked for globally, where it prints, and its way to the hub. */
export class Session implements AsyncDisposable {
  readonly output: OutputForm;
  readonly requestId: string;
  readonly timeoutMs: number;
  /** host:port of the hub. */
  readonly hubAddress: string;
  readonly credentialsFolder: string;
  readonly #typed: ReadonlySet<string>;
  readonly #streams: Streams;
  #credentials: Promise<OperatorCredentials> | undefined;
  #connection: HubConnection | undefined;

  /** `typed`: the global options that stand on the command line itself. */
  constructor(options: GlobalOptions, typed: ReadonlySet<string>, streams: Streams) {
    this.output = options.output;
    this.requestId = options.requestId;
    this.timeoutMs = options.timeout * 1000;
    this.hubAddress = options.hub;
    this.credentialsFolder = options.credentials;
    this.#typed = typed;
    this.#streams = streams;
  }

  /** Whether an option was given on the command line, and not by the environment or by default. */
  isTyped(option: keyof GlobalOptions): boolean {
    return this.#typed.has(option);
  }

  /** Whether a log anywhere may hold the request id. */
  get contactedHub(): boolean {
    return this.#connection !== undefined;
  }

  /**
   * The hub's calls. gRPC is loaded by the first command that needs it: it takes longer than all the
   * rest. UNAUTHENTICATED or INVALID, and no hub is asked, when there are no credentials to show.
   */
  async hub(): Promise<HubConnection> {
    if (this.#connection === undefined) {
      const credentials = await this.credentials();
      const { HubConnection } = await import('./hub-connection.ts');
      const { hubAddress: address, requestId, timeoutMs } = this;
      this.#connection = new HubConnection({ address, credentials, requestId, timeoutMs });
    }
    return this.#connection;
  }

  /** The operator's. Says once, to people, when its certificate should be renewed. */
  credentials(): Promise<OperatorCredentials> {
    this.#credentials ??= this.#openCredentials();
    return this.#credentials;
  }

  /** The result, in the form that was asked for. */
  print(result: { readonly text: string; readonly json: unknown }): void {
    const text = this.output === 'json' ? `${JSON.stringify(result.json, undefined, 2)}\n` : result.text;
    this.#streams.stdout.write(text);
  }

  /** Something a person should know though all went well. A script has it in the result. */
  warn(text: string): void {
    if (this.output === 'table') this.#streams.stderr.write(`warning: ${printable(text)}\n`);
  }

  /** `everySecond`: also where stderr is no terminal, in place of every few seconds. */
  progress({ everySecond = false } = {}): ProgressPrinter {
    return progressPrinter(this.output, this.#streams.stderr, everySecond);
  }

  async #openCredentials(): Promise<OperatorCredentials> {
    const { openCredentials, renewalAdvice } = await import('./credentials.ts');
    const credentials = await openCredentials(this.credentialsFolder);
    const advice = renewalAdvice(credentials);
    // A script asks `operator whoami`; on its stderr it expects an error or nothing.
    if (advice !== undefined && this.output === 'table') this.#streams.stderr.write(`${printable(advice)}\n`);
    return credentials;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.[Symbol.asyncDispose]();
  }
}

/** `host:port`, also `[::1]:7440`; INVALID otherwise. */
export function parseHubAddress(text: string): string {
  const address = parseAddress(text);
  if (address !== undefined && address.port > 0) return text;
  throw new Refusal('INVALID', `'${text}' is not the address of a hub`, {
    hint: 'give HOST:PORT, as in --hub 127.0.0.1:7440, or set ENTREPOT_HUB',
  });
}

/** As the hub takes it: 1 to 64 letters, digits, dots, dashes and underscores. INVALID otherwise. */
export function parseRequestId(text: string): string {
  if (isRequestId(text)) return text;
  throw new Refusal('INVALID', `request id '${text}' is not valid`, {
    hint: '1 to 64 letters, digits, dots, dashes and underscores',
  });
}
