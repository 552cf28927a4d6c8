import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

/** Below these everything is; they are imported by nobody, nor by each other. */
const TOPS = ['hub', 'agent', 'cli'];

/** The executable: the one place that knows the tops. Nobody imports it. */
const EXECUTABLE = 'entrepot.ts';

/** From a folder of src/ to those it may import from, beside itself (DESIGN.md, section 6). Types count. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  catalogue: ['domain'],
  store: ['domain'],
  confine: ['domain'],
  nbd: ['domain'],
  image: ['domain', 'confine', 'nbd'],
  staging: ['domain', 'store'],
  fetch: ['domain'],
  telemetry: ['domain'],
  config: ['domain', 'telemetry'],
  trust: ['domain'],
  pacing: ['domain'],
  http: ['domain', 'trust', 'telemetry', 'config'],
  daemon: ['domain', 'telemetry'],
  queue: ['domain', 'catalogue'],
  transfer: ['domain', 'store', 'image'],
  rpc: ['domain', 'trust', 'transfer', 'telemetry', 'config'],
};

interface Import {
  /** Paths inside src/, with slashes. */
  readonly from: string;
  readonly to: string;
}

describe('imports', () => {
  it('of every file in src go one way only', async () => {
    const imports = await importsOfTree();
    // The reading itself is part of what is trusted: it must see the tree.
    expect(imports.length).toBeGreaterThan(50);
    expect(violations(imports)).toEqual([]);
  });

  it('make no circle among the folders', async () => {
    expect(cycle(edges(await importsOfTree()))).toBeUndefined();
  });

  it('have a place in the table for every folder of src', async () => {
    const entries = await readdir(SRC, { withFileTypes: true });
    const known = [...Object.keys(ALLOWED), ...TOPS, EXECUTABLE];
    const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
    expect(files).toEqual([EXECUTABLE]);
    expect(entries.map((entry) => entry.name).filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe('the check', () => {
  it.each([
    ["import { a } from '../queue/order.ts';", 'queue/order.ts'],
    ["import type { A } from '../queue/order.ts';", 'queue/order.ts'],
    ["import {\n  a,\n  type B,\n} from '../queue/order.ts';", 'queue/order.ts'],
    ["import a, * as b from '../queue/order.ts';", 'queue/order.ts'],
    ["import '../queue/order.ts';", 'queue/order.ts'],
    ["export { a } from '../queue/order.ts';", 'queue/order.ts'],
    ["export * from '../queue/order.ts';", 'queue/order.ts'],
    ["export type { A } from '../queue/order.ts';", 'queue/order.ts'],
    ["const { a } = await import('../queue/order.ts');", 'queue/order.ts'],
    ["const { a } = await import(\n  '../queue/order.ts'\n);", 'queue/order.ts'],
    ["let a: import('../queue/order.ts').A;", 'queue/order.ts'],
    ["new Worker(new URL('../queue/order.ts', import.meta.url));", 'queue/order.ts'],
    ['import { a } from "../queue/order.ts";', 'queue/order.ts'],
    ["import { a } from '../../test/contract/store-suite.ts';", '../test/contract/store-suite.ts'],
  ])('reads %j', (text, to) => {
    expect(importsOf('store/offender.ts', text)).toEqual([{ from: 'store/offender.ts', to }]);
  });

  it.each([
    "import { open } from 'node:fs/promises';",
    "import koffi from 'koffi';",
    "// import { a } from '../queue/order.ts';",
    "/* import { a } from '../queue/order.ts'; */",
    "/**\n * import { a } from '../queue/order.ts';\n */",
    "const important = from('../queue/order.ts');",
  ])('passes over %j', (text) => {
    expect(importsOf('store/innocent.ts', text)).toEqual([]);
  });

  it.each([
    ['domain/x.ts', "import type { A } from '../store/store.ts';"],
    ['domain/rules/x.ts', "import { a } from '../../catalogue/images.ts';"],
    ['catalogue/x.ts', "import { a } from '../queue/order.ts';"],
    ['store/rbd/x.ts', "import { a } from '../../transfer/frames.ts';"],
    ['queue/x.ts', "import { a } from '../hub/hub.ts';"],
    ['hub/x.ts', "const { a } = await import('../agent/agent.ts');"],
    ['agent/x.ts', "import { a } from '../cli/main.ts';"],
    ['rpc/x.ts', "export * from '../store/store.ts';"],
    ['newcomer/x.ts', "import { a } from '../domain/ids.ts';"],
    ['hub/x.ts', "import { a } from '../newcomer/x.ts';"],
    ['hub/x.ts', "import { a } from '../../test/x.ts';"],
  ])('finds an offence in %s: %s', (path, text) => {
    expect(violations(importsOf(path, text))).toHaveLength(1);
  });

  it.each([
    ['store/file/x.ts', "import { a } from '../store.ts';"],
    ['queue/x.ts', "import { a } from '../catalogue/jobs.ts';"],
    ['hub/x.ts', "import { a } from '../queue/order.ts';"],
    ['agent/tasks/x.ts', "import { a } from '../../store/store.ts';"],
  ])('finds none in %s: %s', (path, text) => {
    expect(violations(importsOf(path, text))).toEqual([]);
  });

  it('finds a circle, and names it', () => {
    const circle = [
      { from: 'a/x.ts', to: 'b/x.ts' },
      { from: 'b/y.ts', to: 'c/x.ts' },
      { from: 'c/y.ts', to: 'a/y.ts' },
      { from: 'a/x.ts', to: 'd/x.ts' },
    ];
    expect(cycle(edges(circle))?.join(' -> ')).toBe('a -> b -> c -> a');
    expect(cycle(edges(circle.slice(1)))).toBeUndefined();
  });
});

async function importsOfTree(): Promise<Import[]> {
  const entries = await readdir(SRC, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
  const perFile = await Promise.all(
    files.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return importsOf(path.slice(SRC.length).replaceAll(sep, '/'), await readFile(path, 'utf8'));
    }),
  );
  return perFile.flat();
}

/** Every relative path that the text of the file at `from` loads, as value, type, worker or when run. */
function importsOf(from: string, text: string): Import[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const patterns = [
    /^\s*(?:import|export)\b[^;'"]*?\bfrom\s*['"](\.[^'"]*)['"]/gm,
    /^\s*import\s*['"](\.[^'"]*)['"]/gm,
    /\bimport\(\s*['"](\.[^'"]*)['"]/g,
    /\bnew URL\(\s*['"](\.[^'"]*\.ts)['"]/g,
  ];
  const paths = patterns.flatMap((pattern) => [...code.matchAll(pattern)].map(([, path = '']) => path));
  return paths.map((path) => ({ from, to: normalize(join(dirname(from), path)).replaceAll(sep, '/') }));
}

/** What the table forbids, one line each. */
function violations(imports: readonly Import[]): string[] {
  return imports
    .filter(({ from, to }) => {
      const [importer, imported] = [folderOf(from), folderOf(to)];
      if (importer === imported) return false;
      if (importer === EXECUTABLE) return !TOPS.includes(imported);
      if (TOPS.includes(importer)) return !(imported in ALLOWED);
      return !ALLOWED[importer]?.includes(imported);
    })
    .map(({ from, to }) => `${from} imports ${to}`);
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function edges(imports: readonly Import[]): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    const [importer, imported] = [folderOf(from), folderOf(to)];
    if (importer === imported) continue;
    graph.set(importer, (graph.get(importer) ?? new Set()).add(imported));
  }
  return graph;
}

/** A way from some folder back to itself, in order; undefined when there is none. */
function cycle(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>();
  const walk = (folder: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(folder)) return [...path.slice(path.indexOf(folder)), folder];
    if (done.has(folder)) return undefined;
    for (const next of graph.get(folder) ?? []) {
      const found = walk(next, [...path, folder]);
      if (found !== undefined) return found;
    }
    done.add(folder);
    return undefined;
  };
  for (const folder of graph.keys()) {
    const found = walk(folder, []);
    if (found !== undefined) return found;
  }
  return undefined;
}
