/** Run by notify.test.ts in a process of its own, as a service manager would run a daemon. */
import { notifier } from '../../../src/daemon/notify.ts';

const notify = notifier();
notify.status('opening the catalogue');
notify.ready('serving\nMAINPID=1');

let isHealthy = true;
let askedWhileSick = 0;
notify.watchdog(() => {
  if (!isHealthy && ++askedWhileSick === 3) notify.status('still sick');
  return isHealthy;
});

process.on('message', (order: 'fall-sick' | 'get-well' | 'stop') => {
  isHealthy = order === 'get-well';
  notify.status(order);
  if (order !== 'stop') return;
  notify.stopping();
  process.disconnect();
});
