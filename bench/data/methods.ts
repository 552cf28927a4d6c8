import type { SshServer } from '../common/ssh-server.ts';
import { TOOLS } from '../common/tools.ts';
import { entrepotMethod } from './entrepot-method.ts';
import { limitMethod } from './limit-method.ts';
import type { Method } from './method.ts';
import type { Sites } from './sites.ts';
import { ToolMethod } from './tool-method.ts';

/** Every method by its name, in the order of the table. */
export function methodsOf(sites: Sites, ssh: SshServer | undefined): ReadonlyMap<string, Method> {
  const methods = [
    entrepotMethod(sites, { name: 'entrepot', title: 'entrepot, full read-back', storeIds: ['dcn0'] }),
    entrepotMethod(sites, {
      name: 'entrepot-arrival',
      title: 'entrepot, verified on arrival',
      storeIds: ['dcn0'],
      verify: 'arrival',
    }),
    ...TOOLS.map((tool) => new ToolMethod(tool, sites, ['dcn0'], ssh)),
    entrepotMethod(sites, {
      name: 'entrepot-2',
      title: 'entrepot, full read-back, 2 at once',
      storeIds: ['dcn0', 'dcn1'],
    }),
    entrepotMethod(sites, {
      name: 'entrepot-2-arrival',
      title: 'entrepot, verified on arrival, 2 at once',
      storeIds: ['dcn0', 'dcn1'],
      verify: 'arrival',
    }),
    ...TOOLS.map((tool) => new ToolMethod(tool, sites, ['dcn0', 'dcn1'], ssh)),
    entrepotMethod(sites, {
      name: 'entrepot-similar',
      title: 'entrepot, full read-back, where a similar image is',
      storeIds: ['dcn0'],
      image: 'second',
      given: 'first',
    }),
    limitMethod(sites, 'read'),
    limitMethod(sites, 'write'),
  ];
  return new Map(methods.map((method) => [method.name, method]));
}
