import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { Io } from '../io.js'

/** Where this platform wants a program to keep what it knows of its user. */
export function configDirectory({ env, platform }: Pick<Io, 'env' | 'platform'>, home = homedir()): string {
  return join(baseDirectory(env, platform, home), 'krown')
}

function baseDirectory(env: NodeJS.ProcessEnv, platform: NodeJS.Platform, home: string): string {
  if (platform === 'win32') return env.APPDATA || join(home, 'AppData', 'Roaming')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support')
  // The XDG specification has relative paths ignored.
  const { XDG_CONFIG_HOME = '' } = env
  return isAbsolute(XDG_CONFIG_HOME) ? XDG_CONFIG_HOME : join(home, '.config')
}
