/** The newest ticket of an attempt, for whoever shows it to another agent. Empty: the hub gave none. */
export class LiveTicket {
  readonly #listeners = new Set<(text: string) => void>();
  #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  renew(text: string): void {
    this.#text = text;
    for (const listener of this.#listeners) listener(text);
  }

  /** Called with each ticket from now on, until disposed of. */
  onRenewed(listener: (text: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}
