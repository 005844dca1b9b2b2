// pino-roll ships no types; only what is used here is declared.
declare module 'pino-roll' {
  interface RollOptions {
    file: string
    /** A number with its unit; `b` for bytes. */
    size?: string
    limit?: { count: number; removeOtherLogFiles?: boolean }
    /** Keeps `current.log` beside the files pointing at the newest. */
    symlink?: boolean
    mkdir?: boolean
    mode?: number
    sync?: boolean
    maxLength?: number
  }

  type Destination = ReturnType<typeof import('pino').destination>

  export default function roll(options: RollOptions): Promise<Destination>
}
