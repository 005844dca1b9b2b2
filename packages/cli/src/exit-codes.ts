import { constants } from 'node:os'
import type { CommandSummary, ErrorKind } from '@krown/sdk'

/** docs/guide/cli.md says the same. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notSignedIn: 3,
  forbidden: 4,
  notFound: 5,
  conflict: 6,
  notNow: 7,
  target: 8,
  /** Of exec, as timeout(1) has it. */
  timedOut: 124,
  interrupted: 130,
  pipeClosed: 141,
  /** Of exec, as ssh(1) has it: what went wrong is not the command's affair. */
  execFailed: 255,
} as const

const SIGNAL_BASE = 128

const BY_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid_input: EXIT.usage,
  unauthenticated: EXIT.notSignedIn,
  forbidden: EXIT.forbidden,
  not_found: EXIT.notFound,
  conflict: EXIT.conflict,
  failed_precondition: EXIT.conflict,
  limit_exceeded: EXIT.notNow,
  timeout: EXIT.notNow,
  upstream: EXIT.target,
  unavailable: EXIT.notNow,
  internal: EXIT.failed,
}

/** The exit code for a refusal or failure that the server, or the way to it, is the source of. */
export function exitCodeOf({ code, kind }: { code: string; kind: ErrorKind }): number {
  if (/^(?:TARGET|HOST_KEY)_/.test(code)) return EXIT.target
  return BY_KIND[kind] ?? EXIT.failed
}

/** The exit code that says how a command ended, as a shell on the target would have said it. */
export function exitCodeOfCommand({ status, exitCode, signal }: CommandSummary): number {
  if (status === 'timed_out') return EXIT.timedOut
  if (exitCode !== null) return isExitCode(exitCode) ? exitCode : EXIT.execFailed
  return signal === null ? EXIT.execFailed : exitCodeOfSignal(`SIG${signal}`)
}

/** Of anything else the lowest byte would be left, which can be 0: success. */
function isExitCode(code: number): boolean {
  return Number.isInteger(code) && code >= 0 && code <= 255
}

/** @param name With SIG. What this machine has no number for is 255. */
export function exitCodeOfSignal(name: string): number {
  const number = (constants.signals as Readonly<Record<string, number>>)[name]
  return number === undefined ? EXIT.execFailed : SIGNAL_BASE + number
}
