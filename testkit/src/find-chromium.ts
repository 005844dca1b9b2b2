import { existsSync } from 'node:fs'
import { requireInCi } from './ci.js'

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Path of a browser for playwright-core. @throws Error when it is missing and `CI=true`. */
export function findChromium(): string | undefined {
  return requireInCi(PATHS.find(existsSync), 'chromium (Debian: chromium)')
}
