import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { Refusal } from '../../../src/domain/refusal.ts';
import { AddressFilter } from '../../../src/fetch/address-filter.ts';
import { HttpSource, type HttpSourceSettings, type OpenOptions } from '../../../src/fetch/http-source.ts';
import { UriFilter } from '../../../src/fetch/uri-filter.ts';
import type { ServerTls } from './server-certificate.ts';

export const MIB = 1024 * 1024;

/** Waits are told here and take no time. */
export class SkippingClock {
  readonly sleptMs: number[] = [];
  nowMs = Date.parse('2026-03-01T12:00:00Z');

  epochMs(): number {
    return this.nowMs;
  }

  async sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    this.sleptMs.push(delayMs);
    await turn();
    signal.throwIfAborted();
  }
}

/** A source that may fetch from 127/8 at any port; `names` lead where the system's resolver is not asked. */
export function sourceWith(
  settings: Partial<HttpSourceSettings> & {
    readonly names?: Readonly<Record<string, readonly string[]>>;
  } = {},
): { source: HttpSource; clock: SkippingClock } {
  const { names = {}, ...rest } = settings;
  const clock = new SkippingClock();
  const source = new HttpSource({
    uris: new UriFilter({ allowedPorts: [] }),
    addresses: new AddressFilter({ allowedNetworks: ['127.0.0.0/8'] }),
    maxBytes: 64 * MIB,
    resolve: async (host) => {
      const addresses = names[host];
      if (addresses === undefined) throw Object.assign(new Error(`no ${host}`), { code: 'ENOTFOUND' });
      return addresses.map((address) => ({ address, family: 4 }));
    },
    clock,
    random: () => 0.5,
    ...rest,
  });
  return { source, clock };
}

/** All of the file, in one piece. */
export async function fetched(
  source: HttpSource,
  url: string,
  options: Partial<OpenOptions> = {},
): Promise<Buffer> {
  using file = await source.open(url, { signal: new AbortController().signal, ...options });
  const pieces: Buffer[] = [];
  for await (const bytes of file.bytes) pieces.push(bytes);
  return Buffer.concat(pieces);
}

/** What it was refused with. */
export async function refusalOf(promise: Promise<unknown>): Promise<Refusal> {
  const outcome = await promise.then(
    () => 'it went well',
    (error: unknown) => error,
  );
  if (outcome instanceof Refusal) return outcome;
  throw new Error('no refusal', { cause: outcome });
}

export interface Asked {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** A server on the loopback that remembers who came. */
export class TestServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  /** Connections that are open. */
  readonly sockets = new Set<Socket>();
  accepted = 0;
  readonly #server: Server;
  readonly #tls: boolean;

  private constructor(server: Server, tls: boolean) {
    this.#server = server;
    this.#tls = tls;
    server.on('connection', (socket: Socket) => {
      this.accepted++;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket)).on('error', () => {});
    });
    server.prependListener('request', ({ url = '', headers }: IncomingMessage) => {
      this.asked.push({ url, headers });
    });
  }

  static async start(
    listener: RequestListener,
    options: { tls?: ServerTls; host?: string; port?: number } = {},
  ): Promise<TestServer> {
    const { tls, host = '127.0.0.1', port = 0 } = options;
    const server = tls === undefined ? createServer(listener) : createTlsServer({ ...tls }, listener);
    const made = new TestServer(server, tls !== undefined);
    server.listen(port, host);
    await once(server, 'listening');
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = '/file.raw', host = '127.0.0.1'): string {
    return `${this.#tls ? 'https' : 'http'}://${host}:${this.port}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A file as a good server has it, whose connections break as it is told. */
export class ServedFile {
  bytes: Buffer;
  etag: string | undefined = '"v1"';
  lastModified: string | undefined;
  acceptRanges = 'bytes';
  takesRanges = true;
  /** No length in front. */
  chunked = false;
  /** Of each answer in turn, the body bytes after which its connection ends; none left: it does not. */
  readonly cuts: number[] = [];
  /** With a reset instead of an orderly end; not over TLS. */
  resets = false;
  /** Body bytes, of all answers. */
  sentBytes = 0;
  /** Before each answer. */
  onRequest: (request: IncomingMessage) => void = () => {};

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  readonly listener: RequestListener = (request, response) => {
    this.onRequest(request);
    const { range, 'if-range': ifRange } = request.headers;
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? -1);
    const isPart = this.takesRanges && from >= 0 && (ifRange === this.etag || ifRange === this.lastModified);
    response.setHeader('accept-ranges', this.acceptRanges);
    if (this.etag !== undefined) response.setHeader('etag', this.etag);
    if (this.lastModified !== undefined) response.setHeader('last-modified', this.lastModified);
    const size = this.bytes.length;
    if (isPart && from >= size) {
      response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
      return;
    }
    const body = isPart ? this.bytes.subarray(from) : this.bytes;
    if (isPart) response.setHeader('content-range', `bytes ${from}-${size - 1}/${size}`);
    if (!this.chunked) response.setHeader('content-length', body.length);
    response.writeHead(isPart ? 206 : 200);
    this.#send(response, body);
  };

  #send(response: ServerResponse, body: Buffer): void {
    const cut = this.cuts.shift();
    const sent = body.subarray(0, cut);
    this.sentBytes += sent.length;
    if (cut === undefined) {
      response.end(sent);
      return;
    }
    response.flushHeaders();
    const end = () => (this.resets ? response.socket?.resetAndDestroy() : response.socket?.destroy());
    if (sent.length === 0) setImmediate(end);
    else response.write(sent, end);
  }
}

/** The first answer breaks off after 1000 bytes; `second` is the next one. */
export function thenAnswering(
  served: ServedFile,
  second: (response: ServerResponse) => void,
): RequestListener {
  let count = 0;
  served.cuts.push(1000);
  return (request, response) => (count++ === 0 ? served.listener(request, response) : second(response));
}

/** Bytes that no two places have in common. */
export function sampleBytes(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at + 4 <= sizeBytes; at += 4) bytes.writeUInt32BE(Math.imul(at, 0x9e3779b1) >>> 0, at);
  return bytes;
}
