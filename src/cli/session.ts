import { parseAddress } from '../config/address.ts';
import { Refusal } from '../domain/refusal.ts';
import { isRequestId } from '../telemetry/request-context.ts';
import type { HubConnection } from './hub-connection.ts';
import { progressPrinter, type Screen } from './output/printers.ts';
import type { ProgressPrinter } from './output/progress.ts';

export type OutputForm = 'table' | 'json';

export interface GlobalOptions {
  /** host:port */
  readonly hub: string;
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
  readonly #address: string;
  readonly #streams: Streams;
  #connection: HubConnection | undefined;

  constructor(options: GlobalOptions, streams: Streams) {
    this.output = options.output;
    this.requestId = options.requestId;
    this.timeoutMs = options.timeout * 1000;
    this.#address = options.hub;
    this.#streams = streams;
  }

  /** Whether a log anywhere may hold the request id. */
  get contactedHub(): boolean {
    return this.#connection !== undefined;
  }

  /** The hub's calls. gRPC is loaded by the first command that needs it: it takes longer than all the rest. */
  async hub(): Promise<HubConnection> {
    if (this.#connection === undefined) {
      const { HubConnection } = await import('./hub-connection.ts');
      const { requestId, timeoutMs } = this;
      this.#connection = new HubConnection({ address: this.#address, requestId, timeoutMs });
    }
    return this.#connection;
  }

  /** The result, in the form that was asked for. */
  print(result: { readonly text: string; readonly json: unknown }): void {
    const text = this.output === 'json' ? `${JSON.stringify(result.json, undefined, 2)}\n` : result.text;
    this.#streams.stdout.write(text);
  }

  progress(): ProgressPrinter {
    return progressPrinter(this.output, this.#streams.stderr);
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
