/** Of one message, both ways, at servers and clients. A frame carries 1 MiB, a pull request 4096 runs. */
export const MESSAGE_LIMIT_BYTES = 8 * 1024 * 1024;

/** Metadata of a call that holds the request id, from the CLI to the last agent. */
export const REQUEST_ID_KEY = 'entrepot-request-id';
