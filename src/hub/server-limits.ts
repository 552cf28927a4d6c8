import type { LimitsConfig } from '../config/hub-config.ts';
import type { ServerLimits } from '../rpc/limits.ts';

/** What is configured, in the server's own terms. */
export function serverLimits(config: LimitsConfig): Partial<ServerLimits> {
  const { operatorCallsPerSecond, agentCallsPerSecond, connections, connectionsPerNetwork } = config;
  return {
    operatorRate: { perSecond: operatorCallsPerSecond, burst: 2 * operatorCallsPerSecond },
    peerRate: { perSecond: agentCallsPerSecond, burst: 2 * agentCallsPerSecond },
    connections,
    connectionsPerNetwork,
  };
}
