import { formatAddress } from '../config/address.ts';
import { type DriverConfig, loadAgentConfig } from '../config/agent-config.ts';
import { runDaemon } from '../daemon/run.ts';
import { VERSION } from '../daemon/version.ts';
import { HttpServer } from '../http/server.ts';
import { FileStore } from '../store/file/file-store.ts';
import { RbdStore } from '../store/rbd/rbd-store.ts';
import type { Store } from '../store/store.ts';
import { createLoggers } from '../telemetry/log.ts';
import { createRegistry } from '../telemetry/metrics.ts';
import { unlessAborted } from '../transfer/in-flight.ts';
import { Agent } from './agent.ts';
import { authenticate } from './authenticate.ts';
import './collector.ts';
import { IdleMemory } from './idle-memory.ts';
import { buildImports } from './imports/build.ts';
import { OwnCredentials } from './own-credentials.ts';

/**
 * Runs the agent of a store until SIGTERM or SIGINT. Rejects with the Refusal that made it
 * impossible: a configuration that is wrong, no credentials, a port in use.
 */
export async function runAgent(configPath: string): Promise<void> {
  const config = await loadAgentConfig(configPath);
  const { store: storeId, hub: hubAddress, listen, transferAddress: advertise } = config;
  const loggers = createLoggers({ component: 'agent', level: config.log.level, storeId });
  const registry = createRegistry('agent', VERSION);
  const credentials = await OwnCredentials.load(config.credentials, storeId);
  const agent = new Agent(
    { storeId, version: VERSION, hubAddress, transfer: listen.transfer, advertise, ...config.transfer },
    {
      store: openStore(config.driver),
      imports: await buildImports(config.imports),
      credentials,
      loggers,
      registry,
    },
  );
  const { readiness } = agent;
  const ready = () => ({
    ok: readiness.isReady,
    detail: readiness.reasons.join('; ') || `serves store ${storeId}`,
  });
  const http = new HttpServer({
    name: 'agent',
    ...listen.http,
    ...config.http,
    tls: config.http.tls ? credentials.current : undefined,
    authenticate,
    registry,
    ready,
    log: loggers.http,
  });
  credentials.onChange((renewed) => http.renew(renewed));
  using _idle = new IdleMemory({ isBusy: () => agent.bufferBytes > 0 });
  await runDaemon({
    name: 'agent',
    log: loggers.main,
    readyStatus: `serves store ${storeId}`,
    start: async (stop, status) => {
      loggers.main.info({ version: VERSION, hub: hubAddress, driver: config.driver.type }, 'agent starts');
      const httpPort = await http.start();
      loggers.main.info({ http: formatAddress({ host: listen.http.host, port: httpPort }) }, 'listening');
      status('waiting for the store');
      await agent.start(stop);
      const { transferAddress } = agent;
      loggers.main.info({ transferAddress }, 'store connected, dialling the hub');
      status('waiting for the hub');
      await unlessAborted(readiness.firstReady, stop);
    },
    parts: [agent, http],
  });
}

function openStore(driver: DriverConfig): Store {
  if (driver.type === 'file') return new FileStore(driver);
  const { conf: confPath, client: clientId, keyring: keyringPath, pool, timeoutMs } = driver;
  return new RbdStore({ confPath, clientId, keyringPath, pool, timeoutMs });
}
