import { readFile } from 'node:fs/promises';
import { type Document, isMap, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import type { z } from 'zod';
import { Refusal } from '../domain/refusal.ts';
import { keysAt, nearest, sentenceOf } from './problems.ts';

type Path = readonly PropertyKey[];

/** One thing wrong with a configuration file. */
interface Problem {
  readonly offset: number;
  readonly path: Path;
  readonly message: string;
}

/** A YAML file that knows where in its text each value stands. */
export class ConfigDocument {
  readonly #file: string;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  private constructor(file: string, document: Document.Parsed, lines: LineCounter) {
    this.#file = file;
    this.#document = document;
    this.#lines = lines;
  }

  /** NOT_FOUND or INVALID when it cannot be read; INVALID when it is not YAML. */
  static async read(file: string): Promise<ConfigDocument> {
    const text = await readText(file);
    const lines = new LineCounter();
    const document = new ConfigDocument(
      file,
      parseDocument(text, { lineCounter: lines, prettyErrors: false }),
      lines,
    );
    const problems = document.#document.errors.map(({ pos, message }) => ({
      offset: pos[0],
      path: [],
      message,
    }));
    if (problems.length > 0) throw document.#refuse(problems);
    return document;
  }

  /** Names of the keys at the top; none when there is no mapping. */
  keys(): string[] {
    const { contents } = this.#document;
    return isMap(contents) ? contents.items.map(keyOf) : [];
  }

  /** The value the schema makes of it. INVALID with all problems, one a line, in the order of the file. */
  parse<Schema extends z.ZodType>(schema: Schema): z.output<Schema> {
    const value: unknown = this.#document.toJS() ?? {};
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    throw this.#refuse(result.error.issues.flatMap((issue) => this.#problemsOf(schema, value, issue)));
  }

  #problemsOf(schema: z.ZodType, value: unknown, issue: z.core.$ZodIssue): Problem[] {
    if (issue.code !== 'unrecognized_keys') {
      return [{ offset: this.#offsetOf(issue.path), path: issue.path, message: sentenceOf(issue, value) }];
    }
    const known = keysAt(schema, issue.path, value);
    return issue.keys.map((key) => ({
      offset: this.#offsetOfKey(issue.path, key),
      path: [...issue.path, key],
      message: unknownKey(key, known),
    }));
  }

  #refuse(problems: readonly Problem[]): Refusal {
    const lines = [...problems]
      .sort((left, right) => left.offset - right.offset)
      .map(({ offset, path, message }) => {
        const { line, col } = this.#lines.linePos(offset);
        const where = path.length === 0 ? '' : `${pathText(path)}: `;
        return `${this.#file}:${line}:${col}: ${where}${message}`;
      });
    return new Refusal('INVALID', lines.join('\n'), {
      hint: `\`entrepot config check ${this.#file}\` checks it again; README.md describes every key`,
    });
  }

  /** Of the value; of what is around it, when it is missing. */
  #offsetOf(path: Path): number {
    for (let length = path.length; length >= 0; length--) {
      const node = this.#nodeAt(path.slice(0, length));
      if (node?.range) return node.range[0];
    }
    return 0;
  }

  #offsetOfKey(path: Path, key: string): number {
    const map = this.#nodeAt(path);
    const pair = isMap(map) ? map.items.find((item) => keyOf(item) === key) : undefined;
    return isScalar(pair?.key) && pair.key.range ? pair.key.range[0] : this.#offsetOf(path);
  }

  #nodeAt(path: Path): Node | undefined {
    const node: unknown = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
    return (node as Node | null | undefined) ?? undefined;
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw new Refusal('NOT_FOUND', `configuration file ${file} is not there`, {
        hint: 'config/ has examples to start from',
        cause: error,
      });
    }
    throw new Refusal('INVALID', `configuration file ${file} cannot be read: ${message}`, { cause: error });
  }
}

function unknownKey(key: string, known: readonly string[]): string {
  const suggestion = nearest(key, known);
  const help = suggestion === undefined ? `known here: ${known.join(', ')}` : `did you mean ${suggestion}?`;
  return `unknown key; ${help}`;
}

function keyOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key);
}

/** `stores[1].role` */
function pathText(path: Path): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('');
}
