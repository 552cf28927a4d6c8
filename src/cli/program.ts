import { randomUUID } from 'node:crypto';
import { Command, Option } from 'commander';
import type { HubConfig } from '../config/hub-config.ts';
import { VERSION } from '../daemon/version.ts';
import { registerAgent } from './commands/agent.ts';
import { registerAgentJoin } from './commands/agent-join.ts';
import { registerConfigCheck } from './commands/config-check.ts';
import { registerEventList } from './commands/event-list.ts';
import { registerHub } from './commands/hub.ts';
import { registerHubInit } from './commands/hub-init.ts';
import { registerImageAdopt } from './commands/image-adopt.ts';
import { registerImageCopy } from './commands/image-copy.ts';
import { registerImageCreate } from './commands/image-create.ts';
import { registerImageDeactivate } from './commands/image-deactivate.ts';
import { registerImageDelete } from './commands/image-delete.ts';
import { registerImageDeleteCopy } from './commands/image-delete-copy.ts';
import { registerImageDownload } from './commands/image-download.ts';
import { registerImageImport } from './commands/image-import.ts';
import { registerImageList } from './commands/image-list.ts';
import { registerImageLocations } from './commands/image-locations.ts';
import { registerImageMember } from './commands/image-member.ts';
import { registerImageSet, registerImageUnset } from './commands/image-set.ts';
import { registerImageShow } from './commands/image-show.ts';
import { registerImageStage } from './commands/image-stage.ts';
import { registerImageUpload } from './commands/image-upload.ts';
import { registerJobCancel } from './commands/job-cancel.ts';
import { registerJobList } from './commands/job-list.ts';
import { registerJobPause } from './commands/job-pause.ts';
import { registerJobSet } from './commands/job-set.ts';
import { registerJobShow } from './commands/job-show.ts';
import { registerJobWatch } from './commands/job-watch.ts';
import { registerOperatorAdd } from './commands/operator-add.ts';
import { registerOperatorIssue } from './commands/operator-issue.ts';
import { registerOperatorList } from './commands/operator-list.ts';
import { registerOperatorRevoke } from './commands/operator-revoke.ts';
import { registerOperatorWhoami } from './commands/operator-whoami.ts';
import { registerStoreAdd } from './commands/store-add.ts';
import { registerStoreList } from './commands/store-list.ts';
import { registerStorePause } from './commands/store-pause.ts';
import { registerStoreRemove } from './commands/store-remove.ts';
import { registerStoreRevoke } from './commands/store-revoke.ts';
import { registerStoreSet } from './commands/store-set.ts';
import { DEFAULT_FOLDER_NAME, defaultCredentialsFolder } from './credentials-folder.ts';
import { EXIT_CODE_HELP } from './exit-codes.ts';
import { example, wholeNumber } from './options.ts';
import { type GlobalOptions, parseHubAddress, parseRequestId, Session, type Streams } from './session.ts';

const DEFAULT_HUB = '127.0.0.1:7440';
/** A hub that has not answered a question after so long will not. */
const DEFAULT_TIMEOUT_SECONDS = 30;
const MAX_TIMEOUT_SECONDS = 86_400;

/** What a command does: its session, its arguments, then the options of its own and of the commands above it. */
// biome-ignore lint/suspicious/noExplicitAny: commander does not type what it parsed
type Body = (session: Session, ...parsed: any[]) => Promise<void>;

/** Makes a commander action of a body: opens its session, and closes it whatever happens. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export type Run = (body: Body) => (...given: any[]) => Promise<void>;

/** The daemons of the same executable, handed in: they are no part of the command line. */
export interface Daemons {
  readonly runHub: (configPath: string) => Promise<void>;
  /** Makes what a hub needs before its first start, and keeps what is there; `made`: paths of the new files. */
  readonly initHub: (request: {
    readonly config: HubConfig;
    readonly operatorName: string;
    readonly operatorFolder: string;
  }) => Promise<{ readonly made: readonly string[] }>;
  readonly runAgent: (configPath: string) => Promise<void>;
  /** Trades a join token for a certificate. */
  readonly joinAgent: (request: {
    /** host:port */
    readonly hub: string;
    readonly token: string;
    readonly folder: string;
  }) => Promise<{ readonly storeId: string; readonly expiresAtMs: number }>;
}

export interface Program {
  readonly command: Command;
  /** Undefined until a command began to run, as after a mistake in its arguments. */
  readonly session: Session | undefined;
}

/** All commands. Their libraries are loaded by what they run, so that `--help` is quick. */
export function createProgram(streams: Streams, daemons: Daemons): Program {
  let session: Session | undefined;
  const run: Run =
    (body) =>
    async (...given) => {
      const command = given.pop() as Command;
      const options = command.optsWithGlobals<GlobalOptions>();
      await using opened = new Session(options, typedOptions(command), streams);
      session = opened;
      await body(opened, ...given.slice(0, -1), options);
    };

  const root = new Command('entrepot')
    .description('Keeps virtual machine images where they boot: one UUID, one verified copy at every site.')
    .version(VERSION, '--version', 'print the version')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    // Mistakes are told in one place, in the form that was asked for (main.ts).
    .configureOutput({ writeOut: (text) => streams.stdout.write(text), writeErr: () => {} })
    .addOption(
      new Option('--hub <host:port>', 'address of the hub')
        .env('ENTREPOT_HUB')
        .default(DEFAULT_HUB)
        .argParser(parseHubAddress),
    )
    .addOption(
      new Option('--credentials <folder>', 'certificate or API token of the operator who asks')
        .env('ENTREPOT_CREDENTIALS')
        .default(defaultCredentialsFolder(), DEFAULT_FOLDER_NAME),
    )
    .addOption(
      new Option('-o, --output <form>', 'for people or for scripts')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addOption(
      new Option('--request-id <id>', 'found again in the logs of hub and agents')
        .default(randomUUID(), 'a new one')
        .argParser(parseRequestId),
    )
    .addOption(
      new Option('--timeout <seconds>', 'for one question to the hub; waits and transfers have no limit')
        .default(DEFAULT_TIMEOUT_SECONDS)
        .argParser(wholeNumber('timeout', 1, MAX_TIMEOUT_SECONDS)),
    )
    .addHelpText('after', `\n${EXIT_CODE_HELP.trimEnd()}`)
    .addHelpText('after', example('entrepot store list', 'entrepot image copy --help'));

  registerHubInit(registerHub(root, run, daemons), run, daemons);
  registerAgentJoin(registerAgent(root, run, daemons), run, daemons);
  const config = group(root, 'config', 'configuration files', 'entrepot config check config/hub.yaml');
  registerConfigCheck(config, run);
  const store = group(root, 'store', 'the stores of all sites', 'entrepot store list');
  registerStoreAdd(store, run);
  registerStoreList(store, run);
  registerStoreRevoke(store, run);
  registerStoreRemove(store, run);
  registerStoreSet(store, run);
  registerStorePause(store, run);
  const operator = group(root, 'operator', 'who may ask, and what they may', 'entrepot operator list');
  registerOperatorAdd(operator, run);
  registerOperatorIssue(operator, run);
  registerOperatorList(operator, run);
  registerOperatorRevoke(operator, run);
  registerOperatorWhoami(operator, run);
  const image = group(root, 'image', 'images and their copies', 'entrepot image list --stores');
  registerImageCreate(image, run);
  registerImageUpload(image, run);
  registerImageStage(image, run);
  registerImageImport(image, run);
  registerImageAdopt(image, run);
  registerImageCopy(image, run);
  registerImageList(image, run);
  registerImageShow(image, run);
  registerImageLocations(image, run);
  registerImageDownload(image, run);
  registerImageDeleteCopy(image, run);
  registerImageDelete(image, run);
  registerImageSet(image, run);
  registerImageUnset(image, run);
  registerImageMember(image, run);
  registerImageDeactivate(image, run);
  const job = group(root, 'job', 'what operators asked for, and how far it is', 'entrepot job list');
  registerJobList(job, run);
  registerJobShow(job, run);
  registerJobWatch(job, run);
  registerJobCancel(job, run);
  registerJobSet(job, run);
  registerJobPause(job, run);
  const event = group(root, 'event', 'what was changed, and what was refused', 'entrepot event list');
  registerEventList(event, run);

  return {
    command: root,
    get session() {
      return session;
    },
  };
}

function group(root: Command, name: string, description: string, sample: string): Command {
  return root.command(name).description(description).addHelpText('after', example(sample));
}

/** Names of the global options that stand on the command line itself. */
function typedOptions(command: Command): ReadonlySet<string> {
  const names = Object.keys(command.optsWithGlobals());
  return new Set(names.filter((name) => command.getOptionValueSourceWithGlobals(name) === 'cli'));
}
