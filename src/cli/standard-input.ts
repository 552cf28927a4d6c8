/** Far more than a token or a URI has: what is none is refused before all of it is read. */
const LIMIT_CHARACTERS = 64 * 1024;

/** A secret that is on no command line, where other users would see it. */
export async function readStdin(): Promise<string> {
  let text = '';
  for await (const part of process.stdin.setEncoding('utf8')) {
    text += part;
    if (text.length > LIMIT_CHARACTERS) break;
  }
  return text;
}
