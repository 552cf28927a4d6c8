#!/usr/bin/env node
// The executable. CommonJS in old syntax, so that any Node gets as far as the sentence below,
// and so that the size of the thread pool is set before anything uses the pool.
'use strict';

// Before anything else: everybody on the machine sees the arguments of a process, and a token is a
// secret. The title takes their place in `ps`.
const hasSecret = process.argv.some((argument) => /^--token(=|$)|entrepot-(join|api)-/.test(argument));
if (hasSecret) process.title = 'entrepot (arguments hidden)';

const NEEDED_NODE = 24;

// librbd calls, file reads and digests wait on threads of this pool; with the four that Node has
// by default, one slow cluster would hold up everything else.
if (process.env.UV_THREADPOOL_SIZE === undefined) process.env.UV_THREADPOOL_SIZE = '16';

// An agent moves bytes in large pieces. V8 lets 30 MiB of small ones lie before it looks for those it can free,
// and malloc keeps what it frees for the thread that had it: an agent came to 400 MiB, with these to
// 250. Both can only be told to a process that begins, so it begins anew, as the same process.
const SMALL_YOUNG_SPACE = '--max-semi-space-size=1';
const isAgent = process.argv[2] === 'agent' && process.argv[3] !== 'join';
if (isAgent && process.execve !== undefined && !process.execArgv.includes(SMALL_YOUNG_SPACE)) {
  const args = [SMALL_YOUNG_SPACE].concat(process.execArgv, process.argv.slice(1));
  const env = Object.assign({ MALLOC_ARENA_MAX: '1' }, process.env);
  process.execve(process.execPath, [process.execPath].concat(args), env);
}

// A hub with a thousand agents attached has 60 MiB of objects alive, of which V8 by itself makes 200 before
// it looks for those it can free: how much it lets lie depends on how much it may have at most. With
// these, and malloc as above, it is 260 MiB large then, not 340. Options it was begun with come later, and win.
const HUB_HEAP = ['--max-semi-space-size=8', '--max-old-space-size=768'];
const isHub = process.argv[2] === 'hub' && process.argv[3] !== 'init';
if (isHub && process.execve !== undefined && !process.execArgv.includes(HUB_HEAP[0])) {
  const args = HUB_HEAP.concat(process.execArgv, process.argv.slice(1));
  const env = Object.assign({ MALLOC_ARENA_MAX: '1' }, process.env);
  process.execve(process.execPath, [process.execPath].concat(args), env);
}

if (Number(process.versions.node.split('.')[0]) < NEEDED_NODE) {
  process.stderr.write(
    `entrepot: Node ${NEEDED_NODE} or later is needed, this is ${process.versions.node} (${process.execPath})\n` +
      `hint: in a checkout, \`npm ci\` brings one and \`npx entrepot\` uses it; elsewhere install Node ${NEEDED_NODE}\n`,
  );
  process.exitCode = 1;
} else {
  const fs = require('node:fs');
  const path = require('node:path');
  // A checkout runs its sources; Node strips their types only outside of node_modules.
  const isCheckout = fs.existsSync(path.join(__dirname, '../src/entrepot.ts'));
  const loaded = isCheckout ? import('../src/entrepot.ts') : import('../dist/entrepot.js');
  loaded
    .then(({ entrepot }) => entrepot(process.argv.slice(2)))
    .catch((error) => {
      process.stderr.write(`entrepot: cannot start: ${error.stack || error}\n`);
      process.exitCode = 1;
    });
}
