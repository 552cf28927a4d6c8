import { randomUUID } from 'node:crypto';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { HubConfig } from '../config/hub-config.ts';
import type { Queue } from '../queue/queue.ts';
import {
  Agents,
  Enrolment as EnrolmentMethods,
  Events,
  Images,
  Jobs,
  Operators,
  Stores,
} from '../rpc/proto.ts';
import type { RpcServer } from '../rpc/server.ts';
import type { HubMetrics } from '../telemetry/hub-metrics.ts';
import type { Loggers } from '../telemetry/log.ts';
import { AGENTS_RIGHTS, agentsService } from './agents-service.ts';
import type { Attachments } from './attachments.ts';
import type { Authenticator } from './authenticator.ts';
import type { ChangeFeed } from './change-feed.ts';
import { CutOff } from './cut-off.ts';
import { Downloads } from './downloads.ts';
import { Enrolment } from './enrolment.ts';
import { ENROLMENT_RIGHTS, enrolmentService } from './enrolment-service.ts';
import { EVENTS_RIGHTS, eventsService } from './events-service.ts';
import type { HubCredentials } from './hub-credentials.ts';
import { IMAGES_RIGHTS, imagesService } from './images-service.ts';
import { Imports } from './imports.ts';
import { JOBS_RIGHTS, jobsService } from './jobs-service.ts';
import type { LastSeen } from './last-seen.ts';
import { OPERATORS_RIGHTS, operatorsService } from './operators-service.ts';
import { Paces } from './paces.ts';
import type { ProgressBoard } from './progress-board.ts';
import { Reports } from './reports.ts';
import { Requests } from './requests.ts';
import { STORES_RIGHTS, storesService } from './stores-service.ts';
import type { TicketRenewals } from './ticket-renewals.ts';
import type { Tickets } from './tickets.ts';
import { Uploads } from './uploads.ts';
import { welcome } from './welcome.ts';

export interface ServicesParts {
  readonly config: HubConfig;
  readonly loggers: Loggers;
  readonly metrics: HubMetrics;
  readonly catalogue: Catalogue;
  readonly credentials: HubCredentials;
  readonly authenticator: Authenticator;
  readonly attachments: Attachments;
  readonly tickets: Tickets;
  readonly ticketRenewals: TicketRenewals;
  readonly lastSeen: LastSeen;
  readonly queue: Queue;
  readonly board: ProgressBoard;
  readonly feed: ChangeFeed;
  readonly now: () => number;
}

/** All that the hub serves, for operators and for agents, each method with the right it asks for. */
export function addServices(rpc: RpcServer, parts: ServicesParts): void {
  const { config, catalogue, credentials, attachments, queue, board, feed, now } = parts;
  const { heartbeatIntervalMs } = config;
  const own = () => credentials.current;
  const downloads = new Downloads({ catalogue, attachments, tickets: parts.tickets, credentials: own });
  const cutOff = new CutOff({
    attachments,
    abortCalls: rpc.abortCalls.bind(rpc),
    endDownloads: downloads.endFrom.bind(downloads),
    welcome: () => welcome(catalogue, heartbeatIntervalMs),
  });
  const enrolment = new Enrolment({
    catalogue,
    credentials,
    lifetimes: config.certificates,
    credentialOf: parts.authenticator.credentialOf,
    onJoined: cutOff.joined.bind(cutOff),
    now,
  });
  const paces = new Paces({ catalogue, queue, attachments, feed });
  const onRaised = paces.changed.bind(paces);
  const requests = new Requests({ catalogue, queue, agents: attachments, newId: randomUUID, onRaised });
  const imports = new Imports({ catalogue, requests, rules: config.imports });
  const uploads = new Uploads({ catalogue, feed, onOffered: queue.uploaderCame.bind(queue) });
  const onRefused = parts.metrics.reportRefused.bind(parts.metrics);
  const reports = new Reports({ catalogue, queue, attachments, board, feed, onRefused });

  const stores = { catalogue, attachments, queue, paces, enrolment, cutOff, now };
  const operators = { catalogue, enrolment, cutOff, authorities: () => own().caPem };
  const agents = { catalogue, queue, attachments, uploads, board, reports, heartbeatIntervalMs, now };

  const { strictProperties } = config;
  const data = { imports, attachments, uploads, downloads, formats: config.imports };
  const images = { catalogue, requests, board, strictProperties, ...data };
  rpc.add(Images, imagesService(images), IMAGES_RIGHTS);
  rpc.add(Jobs, jobsService({ catalogue, requests, paces, board, feed }), JOBS_RIGHTS);
  rpc.add(Stores, storesService({ ...stores, tokenLifetimeMs: config.joinTokenLifetimeMs }), STORES_RIGHTS);
  const tokenLifetimeMs = config.certificates.operatorLifetimeMs;
  rpc.add(Operators, operatorsService({ ...operators, tokenLifetimeMs }), OPERATORS_RIGHTS);
  rpc.add(EnrolmentMethods, enrolmentService(enrolment), ENROLMENT_RIGHTS);
  rpc.add(Events, eventsService(catalogue), EVENTS_RIGHTS);
  const { ticketRenewals, lastSeen } = parts;
  rpc.add(
    Agents,
    agentsService({ ...agents, ticketRenewals, lastSeen, log: parts.loggers.attach }),
    AGENTS_RIGHTS,
  );
}
