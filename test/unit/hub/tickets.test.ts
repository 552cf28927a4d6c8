import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Attachments } from '../../../src/hub/attachments.ts';
import { Pacing } from '../../../src/hub/pacing.ts';
import { TicketRenewals } from '../../../src/hub/ticket-renewals.ts';
import { Tickets } from '../../../src/hub/tickets.ts';
import type { HubMessage } from '../../../src/rpc/generated/entrepot/v1/HubMessage.ts';
import { createLoggers } from '../../../src/telemetry/log.ts';
import { HUB } from '../../../src/trust/identity.ts';
import { TICKET_LIFETIME_MS, TicketReader } from '../../../src/trust/ticket.ts';
import { waitFor } from '../../cloud/wait.ts';
import { TestAuthority } from '../../trust/test-authority.ts';
import { Scratch, uuid } from '../catalogue/scratch.ts';
import { attach, IMAGE, putImage } from './central-image.ts';

const authority = await TestAuthority.create();
const hubCredentials = await authority.credentials(HUB);
const reader = new TicketReader(authority.caPem);

const lines: string[] = [];
const target = { write: (line: string) => void lines.push(line) };
const log = createLoggers({ component: 'hub', level: 'info', target }).attach;

let scratch: Scratch;
let current = hubCredentials;
let tickets: Tickets;
let attachments: Attachments;
beforeEach(() => {
  scratch = new Scratch();
  scratch.nowMs = Date.now();
  current = hubCredentials;
  const { catalogue } = scratch;
  tickets = new Tickets({ catalogue, credentials: () => current, now: () => scratch.nowMs });
  attachments = new Attachments(tickets, new Pacing(catalogue));
  putImage(scratch);
});
afterEach(() => scratch[Symbol.dispose]());

/** A copy at work. */
function copying(storeId: string, sourceStoreId: string, state: 'assigned' | 'waiting' = 'assigned'): string {
  const { catalogue } = scratch;
  const taskId = uuid(100);
  const jobId = uuid(200);
  const spec = { kind: 'copy', storeIds: [storeId], allMustSucceed: false } as const;
  catalogue.transact(() => {
    catalogue.jobs.insert({ id: jobId, imageId: IMAGE, spec, requestedBy: 'ada', requestId: 'r' });
    catalogue.tasks.insert({ id: taskId, jobId, imageId: IMAGE, storeId, kind: 'copy', sourceStoreId });
    catalogue.tasks.set(taskId, 'assigned', { attempt: 3 });
    if (state === 'waiting') catalogue.tasks.set(taskId, 'waiting');
  });
  return taskId;
}

const renewedIn = (told: readonly HubMessage[]) =>
  told.flatMap(({ renewedTicket }) => (renewedTicket ? [renewedTicket] : []));

describe('tickets of copies at work', () => {
  test.each([
    ['dcn0', 'central', 'pull'],
    ['central', 'dcn0', 'push'],
  ] as const)(
    'to %s from %s are renewed, while it lasts, for the side that dials',
    async (storeId, source, action) => {
      const told = attach(attachments, 'dcn0');
      const central = attach(attachments, 'central');
      const taskId = copying(storeId, source);
      using renewals = new TicketRenewals({
        catalogue: scratch.catalogue,
        attachments,
        tickets,
        log,
        intervalMs: 10,
      });
      renewals.start();
      await waitFor('two renewals', () => renewedIn(told).length >= 2, 5000);
      expect(renewedIn(central)).toEqual([]);
      const [renewed] = renewedIn(told);
      expect(renewed).toMatchObject({ taskId, attempt: 3 });
      const ticket = reader.read(renewed?.ticket ?? '', scratch.nowMs);
      expect(ticket).toMatchObject({
        taskId,
        attempt: 3,
        action,
        imageId: IMAGE,
        holder: { kind: 'store', storeId: 'dcn0' },
        atStoreId: 'central',
        expiresAtMs: scratch.nowMs + TICKET_LIFETIME_MS,
      });
      scratch.catalogue.transact(() => scratch.catalogue.tasks.set(taskId, 'done'));
      told.length = 0;
      renewals.renewOf('dcn0');
      expect(renewedIn(told)).toEqual([]);
    },
  );

  test('that cannot be renewed are logged, and renewed the next time', async () => {
    const told = attach(attachments, 'dcn0');
    copying('dcn0', 'central');
    const { tasks } = scratch.catalogue;
    let isBroken = true;
    const atWork = tasks.atWork.bind(tasks);
    const sometimes = () => {
      if (isBroken) throw new Error('disk I/O error');
      return atWork();
    };
    Object.assign(tasks, { atWork: sometimes });
    using renewals = new TicketRenewals({
      catalogue: scratch.catalogue,
      attachments,
      tickets,
      log,
      intervalMs: 5,
    });
    renewals.start();
    await waitFor('a line in the log', () => lines.join('').includes('disk I/O error'), 5000);
    isBroken = false;
    await waitFor('a renewal', () => renewedIn(told).length > 0, 5000);
  });

  test('go at once to an agent that came back, and to no other', () => {
    const dcn0 = attach(attachments, 'dcn0');
    const central = attach(attachments, 'central');
    copying('dcn0', 'central', 'waiting');
    const renewals = new TicketRenewals({ catalogue: scratch.catalogue, attachments, tickets, log });
    renewals.renewOf('central');
    expect([...renewedIn(dcn0), ...renewedIn(central)]).toEqual([]);
    renewals.renewOf('dcn0');
    expect(renewedIn(dcn0)).toHaveLength(1);
  });

  test('are not renewed towards a store that is cut off', () => {
    const dcn0 = attach(attachments, 'dcn0');
    copying('dcn0', 'central');
    scratch.catalogue.transact(() => scratch.catalogue.stores.revoke('central'));
    new TicketRenewals({ catalogue: scratch.catalogue, attachments, tickets, log }).renewOf('dcn0');
    expect(renewedIn(dcn0)).toEqual([]);
  });

  test('are signed with the hub’s certificate of the day', async () => {
    const ticket = tickets.forDownload(IMAGE, 'central');
    const before = ticket();
    current = await authority.credentials(HUB);
    const after = ticket();
    expect(after.split('.')[2]).not.toBe(before.split('.')[2]);
    // For the same download.
    expect(reader.read(after, scratch.nowMs)).toEqual(reader.read(before, scratch.nowMs));
  });
});
