import type { CommandSummary } from '@krown/sdk'
import { expect, test } from 'vitest'
import { exitCodeOf, exitCodeOfCommand } from './exit-codes.js'

test.each([
  [{ status: 'completed', exitCode: 0 }, 0],
  [{ status: 'completed', exitCode: 254 }, 254],
  [{ status: 'completed', exitCode: null, signal: 'TERM' }, 143],
  [{ status: 'completed', exitCode: null, signal: 'FROM-THE-FUTURE' }, 255],
  [{ status: 'timed_out', exitCode: null, signal: 'KILL' }, 124],
  [{ status: 'cancelled', exitCode: null, signal: 'TERM' }, 143],
  [{ status: 'interrupted', exitCode: null }, 255],
  [{ status: 'completed', exitCode: 256 }, 255],
  [{ status: 'completed', exitCode: 'none' }, 255],
  [{ status: 'failed', exitCode: null }, 255],
] as const)('%j exits with %i', (command, expected) => {
  expect(exitCodeOfCommand({ signal: null, ...command } as unknown as CommandSummary)).toBe(expected)
})

test.each([
  ['UNAUTHENTICATED', 'unauthenticated', 3],
  ['TARGET_POLICY_DENIED', 'forbidden', 8],
  ['HOST_KEY_MISMATCH', 'failed_precondition', 8],
  ['CONNECTION_LOST', 'unavailable', 7],
  ['FROM_THE_FUTURE', 'not_found', 5],
  ['INTERNAL', 'internal', 1],
] as const)('%s of kind %s exits with %i', (code, kind, expected) => {
  expect(exitCodeOf({ code, kind })).toBe(expected)
})
