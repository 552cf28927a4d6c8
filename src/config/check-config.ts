import { Refusal } from '../domain/refusal.ts';
import { type AgentConfig, agentSchema, loadAgentConfig } from './agent-config.ts';
import { ConfigDocument } from './document.ts';
import { type HubConfig, hubSchema, loadHubConfig } from './hub-config.ts';

export type CheckedConfig =
  | { readonly kind: 'hub'; readonly config: HubConfig }
  | { readonly kind: 'agent'; readonly config: AgentConfig };

const HUB_KEYS = Object.keys(hubSchema.shape);
const AGENT_KEYS = Object.keys(agentSchema.shape);

/** Loads a configuration of either kind, told apart by the keys that only one of them has. INVALID as the loaders. */
export async function checkConfig(file: string): Promise<CheckedConfig> {
  const keys = (await ConfigDocument.read(file)).keys();
  const count = (own: readonly string[], others: readonly string[]) =>
    keys.filter((key) => own.includes(key) && !others.includes(key)).length;
  const hub = count(HUB_KEYS, AGENT_KEYS);
  const agent = count(AGENT_KEYS, HUB_KEYS);
  if (hub > agent) return { kind: 'hub', config: await loadHubConfig(file) };
  if (agent > hub) return { kind: 'agent', config: await loadAgentConfig(file) };
  throw new Refusal('INVALID', `${file}: is neither a hub's configuration nor an agent's`, {
    hint: 'a hub has `catalogue`, an agent has `store`, `hub` and `driver`; config/ has examples of both',
  });
}
