/** What Krown asks of a logger; pino fits. Facts are fields, the message is constant. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A library does not print unless asked to. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
