import type { Job } from '../../src/cli/wire.ts';
import type { ImportRequest } from '../../src/rpc/generated/entrepot/v1/ImportRequest.ts';
import { type Asked, TestServer } from '../unit/fetch/http-bench.ts';
import type { Bench } from './helpers-file.ts';
import { beginImport, type HeldFile } from './importing.ts';

/** A web server with a file for each image that is imported from it. */
export class HeldFiles implements AsyncDisposable {
  readonly #server: TestServer;
  readonly #files: Map<string, HeldFile>;

  private constructor(server: TestServer, files: Map<string, HeldFile>) {
    this.#server = server;
    this.#files = files;
  }

  static async start(): Promise<HeldFiles> {
    const files = new Map<string, HeldFile>();
    const server = await TestServer.start((request, response) => {
      const file = files.get(request.url ?? '');
      if (file === undefined) response.writeHead(404).end();
      else void file.answer(request, response);
    });
    return new HeldFiles(server, files);
  }

  /** Every request so far. */
  get asked(): readonly Asked[] {
    return this.#server.asked;
  }

  /** Begins an import of the file from here: to central, unless `more` says otherwise. */
  async download(bench: Bench, imageId: string, file: HeldFile, more: ImportRequest = {}): Promise<Job> {
    this.#files.set(`/${imageId}`, file);
    const uri = this.#server.url(`/${imageId}`);
    return await beginImport(bench, imageId, { webDownload: { uri }, ...more });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
