import { loadHubConfig } from '../config/hub-config.ts';
import { runDaemon } from '../daemon/run.ts';
import { VERSION } from '../daemon/version.ts';
import { createLoggers } from '../telemetry/log.ts';
import { createRegistry } from '../telemetry/metrics.ts';
import { Hub } from './hub.ts';

/** Runs the hub until SIGTERM or SIGINT. Rejects with the Refusal that made it impossible. */
export async function runHub(configPath: string): Promise<void> {
  const config = await loadHubConfig(configPath);
  const loggers = createLoggers({ component: 'hub', level: config.log.level });
  const hub = new Hub({ config, loggers, registry: createRegistry('hub', VERSION) });
  await runDaemon({
    name: 'hub',
    log: loggers.main,
    readyStatus: 'the catalogue is open',
    start: async () => {
      await hub.start();
    },
    parts: [hub],
  });
}
