import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import {
  type ChannelOptions,
  Client,
  credentials as channelCredentials,
  type ChannelCredentials as GrpcCredentials,
} from '@grpc/grpc-js';
import { Refusal } from '../domain/refusal.ts';
import { readCertificate } from '../trust/certificate.ts';
import { type Identity, isSameIdentity, nameOf } from '../trust/identity.ts';
import { reuseMemoryOfClient } from './bulk-messages.ts';
import { ANSWER_LIMIT_BYTES, REQUEST_LIMIT_BYTES } from './limits.ts';
import { WRONG_IDENTITY } from './tls-failure.ts';
import './quiet.ts';

/**
 * HTTP/2 receive window of a bulk channel: what may be under way before we take it. Where the distance
 * is known link-plan.ts says what it asks for; more costs cache, and all of it may lie in memory when
 * a store is slow.
 */
export const BULK_WINDOW_BYTES = 16 * 1024 * 1024;

/** A peer that went silent is noticed after both together: 20 s. */
const KEEPALIVE_TIME_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;

/**
 * Image data that is queued goes before the answer to a probe: up to 10 MiB in the buffers of a connection. One that
 * still brings 180 KB/s is not to be taken for dead.
 */
const BULK_KEEPALIVE_TIMEOUT_MS = 60_000;

/** grpc-js would wait for up to two minutes; who calls again has a back-off of its own. */
const RECONNECT_FIRST_MS = 500;
const RECONNECT_MAX_MS = 5000;

/** What goes into the name of the server in TLS: addresses are not allowed there, and nobody reads it. */
const SERVER_NAME = 'entrepot';

/** Otherwise grpc-js shares the connections of channels to the same address. */
const OWN_CONNECTION = { 'grpc.use_local_subchannel_pool': 1 };

/** How a caller shows itself, and whom it believes. A `Credentials` fits. */
export interface ChannelCredentials {
  /** The authorities whose certificates are believed. */
  readonly caPem: string;
  /** Together with `privateKeyPem`: shown to the server. */
  readonly chainPem?: string | undefined;
  readonly privateKeyPem?: string | undefined;
  /** An API token, sent with each call. */
  readonly bearer?: string | undefined;
}

export interface ChannelSettings {
  /** `host:port` */
  readonly address: string;
  /** Who is there, for sentences: `hub`, `agent of store central`. */
  readonly peer: string;
  readonly credentials: ChannelCredentials;
  /** Whom the server's certificate must speak for. Host names mean nothing: sites are known by who they are. */
  readonly expect: Identity;
  /** How long a connection may be silent before it is probed. KEEPALIVE_TIME_MS when left out. */
  readonly keepaliveTimeMs?: number;
  /** How long a probe may stay without an answer. KEEPALIVE_TIMEOUT_MS or, of image data, BULK_KEEPALIVE_TIMEOUT_MS when left out. */
  readonly keepaliveTimeoutMs?: number;
}

export interface BulkChannelSettings extends ChannelSettings {
  /** BULK_WINDOW_BYTES when left out. */
  readonly windowBytes?: number | undefined;
  /** Called with each TCP connection that is made, before anything is sent on it. */
  readonly onSocket?: ((socket: Socket) => void) | undefined;
}

/** A connection to one peer, made with its first call and again whenever it broke. Disposing of it cancels its calls. */
export class Channel implements AsyncDisposable {
  /** `hub at 127.0.0.1:7440` */
  readonly peer: string;
  /** To be used by calls.ts only. */
  readonly client: Client;
  /** To be sent with each call. */
  readonly bearer: string | undefined;
  /** For image data: with `reuseMemoryOfClient`. */
  readonly isBulk: boolean;
  readonly #calls = new Set<Cancellable>();

  /** INVALID when TLS does not take the credentials. */
  constructor(settings: BulkChannelSettings, options: ChannelOptions, isBulk = false) {
    const { address, peer, credentials, expect, onSocket } = settings;
    this.peer = `${peer} at ${address}`;
    this.bearer = credentials.bearer;
    const tls = tlsOf(credentials, expect);
    if (onSocket !== undefined) tellSockets(tls, onSocket);
    this.client = new Client(address, tls, options);
    this.isBulk = isBulk;
    if (isBulk) reuseMemoryOfClient(this.client, ANSWER_LIMIT_BYTES);
  }

  /** Remembers a call for as long as it runs. */
  track(call: Cancellable): Disposable {
    this.#calls.add(call);
    return { [Symbol.dispose]: () => void this.#calls.delete(call) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const call of this.#calls) call.cancel();
    this.client.close();
  }
}

interface Cancellable {
  cancel(): void;
}

/** For everything but image data. */
export function controlChannel(settings: ChannelSettings): Channel {
  return new Channel(settings, commonOptions(settings));
}

/** For calls on a connection of their own, which `onSocket` is told of. */
export function separateChannel(settings: BulkChannelSettings): Channel {
  return new Channel(settings, { ...commonOptions(settings), ...OWN_CONNECTION });
}

/**
 * For image data: a connection of its own, so that no heartbeat waits behind an image,
 * with a window wide enough for the distance.
 */
export function bulkChannel(settings: BulkChannelSettings): Channel {
  const options = {
    ...commonOptions({ keepaliveTimeoutMs: BULK_KEEPALIVE_TIMEOUT_MS, ...settings }),
    ...OWN_CONNECTION,
    'grpc-node.flow_control_window': settings.windowBytes ?? BULK_WINDOW_BYTES,
    // Otherwise grpc-js calls up to 1 MiB of a call sent when it has only kept it for a retry.
    'grpc.per_rpc_retry_buffer_size': 0,
  };
  return new Channel(settings, options, true);
}

function commonOptions({ keepaliveTimeMs, keepaliveTimeoutMs }: ChannelSettings): ChannelOptions {
  return {
    'grpc.max_receive_message_length': ANSWER_LIMIT_BYTES,
    'grpc.max_send_message_length': REQUEST_LIMIT_BYTES,
    'grpc.ssl_target_name_override': SERVER_NAME,
    'grpc.keepalive_time_ms': keepaliveTimeMs ?? KEEPALIVE_TIME_MS,
    'grpc.keepalive_timeout_ms': keepaliveTimeoutMs ?? KEEPALIVE_TIMEOUT_MS,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.initial_reconnect_backoff_ms': RECONNECT_FIRST_MS,
    'grpc.max_reconnect_backoff_ms': RECONNECT_MAX_MS,
    // What is worth a retry is decided where the work is known, not down here.
    'grpc.enable_retries': 0,
    // A proxy meant for the web is no way to an agent.
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_channelz': 0,
  };
}

/** TLS 1.3 only. There is no way to a server that shows no certificate, or somebody else's. */
function tlsOf({ caPem, chainPem, privateKeyPem }: ChannelCredentials, expect: Identity) {
  try {
    const context = createSecureContext({
      ca: caPem,
      minVersion: 'TLSv1.3',
      ...(chainPem !== undefined && privateKeyPem !== undefined && { cert: chainPem, key: privateKeyPem }),
    });
    return channelCredentials.createFromSecureContext(context, {
      checkServerIdentity: (_host, certificate) => strangerIn(certificate.raw, expect),
    });
  } catch (error) {
    // OpenSSL's own words may hold a piece of the key.
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new Refusal('INVALID', `TLS does not take the certificate or its key (${code})`);
  }
}

/**
 * grpc-js connects a socket itself, and hands it to the credentials for TLS. The method is one that it keeps for
 * credentials of its own packages: a test holds that it is called with the socket.
 */
function tellSockets(credentials: GrpcCredentials, onSocket: (socket: Socket) => void): void {
  const create = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...parts) => {
    const connector = create(...parts);
    const secure = connector.connect.bind(connector);
    connector.connect = (socket) => {
      onSocket(socket);
      return secure(socket);
    };
    return connector;
  };
}

/** Why this is not who was expected; only the text of the error gets through to the call. */
function strangerIn(der: Buffer, expect: Identity): Error | undefined {
  try {
    const { identity } = readCertificate(der);
    if (isSameIdentity(identity, expect)) return undefined;
    return new Error(`${WRONG_IDENTITY}${nameOf(identity)}, not ${nameOf(expect)};`);
  } catch {
    return new Error(`${WRONG_IDENTITY}nobody of this cloud, not ${nameOf(expect)};`);
  }
}
