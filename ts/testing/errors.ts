/** Why there is no test server. */

/** No server program was found on this machine. */
export class ServerNotFoundError extends Error {
  readonly code = 'ERR_FERRODIS_SERVER_NOT_FOUND';

  constructor() {
    super(`No Redis or Valkey server was found. ${hint()}, or set REDIS_URL or REDIS_SERVER_BIN.`);
    this.name = 'ServerNotFoundError';
  }
}

/** A server program was found, but it did not become ready. */
export class ServerStartError extends Error {
  readonly code = 'ERR_FERRODIS_SERVER_START';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ServerStartError';
  }
}

function hint(): string {
  if (process.platform === 'darwin') return 'Install one with `brew install valkey`';
  if (process.platform === 'win32') return 'Start one in WSL or Docker';
  return 'Install one with `apt-get install redis-server` (or `dnf install valkey`, `apk add valkey`)';
}
