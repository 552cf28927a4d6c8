/** `    (12.34/100%)`, each followed by a carriage return. */
const PROGRESS = /\((\d{1,3}(?:\.\d+)?)\/100%\)/g;

/** Longer than any one of them; what is before the last so many characters has been read. */
const KEPT_CHARACTERS = 32;

/** Reads what `qemu-img convert -p` says of its progress, however it is cut. */
export class ProgressReader {
  readonly #tell: (part: number) => void;
  #text = '';
  #toldPercent = -1;

  /** `tell` gets the part that is done, from 0 to 1, whenever it has grown. */
  constructor(tell: (part: number) => void) {
    this.#tell = tell;
  }

  read(bytes: Buffer): void {
    this.#text = (this.#text + bytes.toString('latin1')).slice(-(KEPT_CHARACTERS + bytes.length));
    const percent = Number([...this.#text.matchAll(PROGRESS)].at(-1)?.[1] ?? -1);
    this.#text = this.#text.slice(-KEPT_CHARACTERS);
    if (percent <= this.#toldPercent || percent > 100) return;
    this.#toldPercent = percent;
    this.#tell(percent / 100);
  }
}
