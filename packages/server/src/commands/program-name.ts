import { basename } from 'node:path'
import type { Io } from './io.js'

/** How whoever reads this called the program, so that what is printed can be pasted. */
export function programName({ env }: Pick<Io, 'env'>, path = process.argv[1] ?? ''): string {
  if (env.npm_command === 'exec') return 'npx krown-server'
  return basename(path) === 'krown-server' ? 'krown-server' : `node ${quoteForShell(path)}`
}

/** For a POSIX shell. */
export function quoteForShell(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
