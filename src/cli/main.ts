import { CommanderError } from 'commander';
import { Refusal } from '../domain/refusal.ts';
import { complaintJson, complaintOf, complaintText, EXIT_CODES } from './exit-codes.ts';
import { createProgram, type Daemons, type Program } from './program.ts';
import type { Streams } from './session.ts';

/**
 * The process: one command line. Sets the exit code and lets the process end by itself, so that
 * output that is still on its way gets out.
 */
export async function main(args: readonly string[], daemons: Daemons): Promise<void> {
  endQuietlyOnClosedPipe(process.stdout);
  endQuietlyOnClosedPipe(process.stderr);
  const exitCode = await runCommandLine(args, process, daemons);
  // A daemon may have set its own.
  if (exitCode !== 0) process.exitCode = exitCode;
}

/** Runs one command line to its end; its exit code. */
export async function runCommandLine(
  args: readonly string[],
  streams: Streams,
  daemons: Daemons,
): Promise<number> {
  const program = createProgram(streams, daemons);
  try {
    await program.command.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return complain(error, program, args, streams);
  }
}

/** The one place where a failure becomes words and an exit code. */
function complain(
  error: unknown,
  { command, session }: Program,
  args: readonly string[],
  { stderr }: Streams,
): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  if (error instanceof CommanderError && error.code === 'commander.help') {
    stderr.write(commandOf(command, args).helpInformation());
    return EXIT_CODES.INVALID;
  }
  const complaint = complaintOf(
    error instanceof CommanderError ? usageRefusal(error, commandOf(command, args)) : error,
  );
  const requestId = session?.contactedHub === true ? session.requestId : undefined;
  const form = command.getOptionValue('output') === 'json' ? complaintJson : complaintText;
  stderr.write(withoutSecrets(form(complaint, requestId)));
  return complaint.exitCode;
}

/** A token in the wrong place of a command line is quoted by whatever complains of it. */
function withoutSecrets(text: string): string {
  return text.replaceAll(/entrepot-(join|api)-[A-Za-z0-9_-]{8,}/g, 'entrepot-$1-...');
}

type Command = Program['command'];

/** The innermost command that the arguments name. */
function commandOf(root: Command, args: readonly string[]): Command {
  let command = root;
  for (const arg of args) command = command.commands.find((one) => one.name() === arg) ?? command;
  return command;
}

/** commander's `error: unknown option '--nmae'\n(Did you mean --name?)` in our form. */
function usageRefusal(error: CommanderError, command: Command): Refusal {
  const [sentence = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const names: string[] = [];
  for (let one: Command | null = command; one !== null; one = one.parent) names.unshift(one.name());
  const help = `\`${names.join(' ')} --help\` shows how`;
  const hint = suggestion === undefined ? help : `${suggestion.replace(/^\(|\)$/g, '')} ${help}`;
  return new Refusal('INVALID', sentence, { hint });
}

/** `entrepot image list | head`: whoever reads has enough, and that is no failure. */
function endQuietlyOnClosedPipe(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    // A wait would wait for nobody. What goes to stderr only goes along with something else.
    if (stream === process.stdout) process.exit();
  });
}
