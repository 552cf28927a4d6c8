import { main } from './cli/main.ts';

/**
 * The one executable: the operator's commands, and the two daemons, which are loaded only
 * when they are run and know nothing of each other.
 */
export async function entrepot(args: readonly string[]): Promise<void> {
  await main(args, {
    runHub: async (configPath) => (await import('./hub/main.ts')).runHub(configPath),
    initHub: async (request) => (await import('./hub/init.ts')).initHub(request),
    runAgent: async (configPath) => (await import('./agent/main.ts')).runAgent(configPath),
    joinAgent: async (request) => (await import('./agent/join.ts')).joinAgent(request),
  });
}
