import { join } from 'node:path'
import { runProcess, startProcess } from '@krown/testkit/child-process'
import { createTempDir } from '@krown/testkit/temp-dir'
import { CHECKOUT, plainEnvironment } from './run-example.js'

const CONSOLE = join(CHECKOUT, 'examples/09-react-console')

export interface ConsolePage extends AsyncDisposable {
  readonly port: number
}

/** The console as `pnpm start` builds and serves it, on a free port and with its files elsewhere. */
export async function serveConsole(krownUrl: string): Promise<ConsolePage> {
  const outDir = await createTempDir()
  const vite = (...args: string[]) => ({
    command: process.execPath,
    args: ['node_modules/vite/bin/vite.js', ...args, '--outDir', outDir.path],
    options: { cwd: CONSOLE, env: plainEnvironment({ KROWN_URL: krownUrl, NO_COLOR: '1' }) },
  })
  await runProcess(vite('build', '--emptyOutDir'))
  const preview = startProcess(vite('preview', '--host', '127.0.0.1', '--port', '0'))
  const [, port] = await preview.untilLog(/http:\/\/127\.0\.0\.1:(\d+)\//)
  const stop = async () => {
    await preview.stop()
    await outDir.stop()
  }
  return { port: Number(port), [Symbol.asyncDispose]: stop }
}
