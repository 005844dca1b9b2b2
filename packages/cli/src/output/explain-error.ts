import { CliError } from '../cli-error.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import { HintedError } from './hinted-error.js'
import { HINTS } from './hints.js'

export interface Explanation {
  readonly exitCode: number
  /** What happened with its code, facts, what to do next; none where there is nothing to say. */
  readonly lines: readonly string[]
  readonly json: unknown
}

/** What the SDK throws; told by its name, so that the SDK need not be loaded for it. */
type KrownClientError = import('@krown/sdk').KrownClientError

/** @param tokenFromEnvironment KROWN_TOKEN is what was tried. */
export function explainError(error: unknown, { tokenFromEnvironment = false } = {}): Explanation {
  try {
    if (error instanceof CliError) return explainOwn(error)
    if (error instanceof HintedError && isKrownError(error.cause))
      return explainKrown(error.cause, error.hint)
    if (isKrownError(error)) return explainKrown(error, hintOf(error, tokenFromEnvironment))
    if (error instanceof Error && 'syscall' in error) return explainSystem(error)
    return explainUnexpected(error)
  } catch (unexplained) {
    return explainUnexpected(unexplained)
  }
}

/** A target that is not found is the same to a program, whoever looked for it. */
const OWN_CODES: Readonly<Record<number, string>> = {
  [EXIT.usage]: 'USAGE',
  [EXIT.notFound]: 'NOT_FOUND',
  [EXIT.forbidden]: 'FORBIDDEN',
  [EXIT.conflict]: 'CONFLICT',
}

function explainOwn({ message, hint, exitCode }: CliError): Explanation {
  const lines = [message, ...(hint ? [hint] : [])].filter((line) => line !== '')
  return { exitCode, lines, json: { code: OWN_CODES[exitCode] ?? 'CLI', message, hint } }
}

function explainKrown(error: KrownClientError, hint: string | null): Explanation {
  const lines = [`${error.message} (${error.rawCode})`, ...factsOf(error), ...(hint ? hint.split('\n') : [])]
  return { exitCode: exitCodeOf(error), lines, json: { ...jsonOf(error), hint } }
}

function jsonOf(error: KrownClientError): object {
  const { rawCode: code, message, kind, retryable, retryAfterMs, requestId, details } = error
  return { code, message, kind, retryable, retryAfterMs, requestId, details }
}

function hintOf({ code }: KrownClientError, tokenFromEnvironment: boolean): string | null {
  return (tokenFromEnvironment ? TOKEN_HINTS[code] : undefined) ?? HINTS[code] ?? null
}

/** Where KROWN_TOKEN is what was tried. */
const TOKEN_HINTS: Readonly<Partial<Record<string, string>>> = {
  UNAUTHENTICATED:
    'the token in KROWN_TOKEN is wrong, expired or revoked; "krown tokens create" makes another',
  FORBIDDEN:
    'the token in KROWN_TOKEN may do what its scopes, the access rules that name it and its owner all allow; "krown tokens ls" without it shows the scopes',
}

const FACTS = ['reason', 'presented', 'expected', 'setting', 'limit', 'sessionId', 'commandId'] as const

function factsOf({ code, details = {}, retryAfterMs, requestId }: KrownClientError): string[] {
  const { fields } = details
  const problems = Array.isArray(fields) ? fields.map(({ path, message }) => `${path}: ${message}`) : []
  const facts = FACTS.flatMap((name) => (details[name] === undefined ? [] : [`${name}: ${details[name]}`]))
  const wait = retryAfterMs === undefined ? [] : [`wait: ${Math.ceil(retryAfterMs / 1000)} s`]
  const request = code === 'INTERNAL' || code === 'UNKNOWN' ? [`request id: ${requestId ?? 'none'}`] : []
  return [...problems, ...facts, ...wait, ...request]
}

/** Nothing checks what a server answers: one that is of another kind than it should be fails where it is used. */
function explainUnexpected(error: unknown): Explanation {
  const message = error instanceof Error ? error.message : 'an unknown error'
  const hint = 'a bug of the server or of krown, or their versions differ: "krown --version"'
  const lines = [`the answer of the server was not understood: ${message}`, hint]
  return { exitCode: EXIT.failed, lines, json: { code: 'INTERNAL', message, hint } }
}

function explainSystem(error: Error): Explanation {
  const { code } = error as NodeJS.ErrnoException
  return { exitCode: EXIT.failed, lines: [error.message], json: { code, message: error.message } }
}

export function isCode(error: unknown, code: import('@krown/sdk').KrownClientErrorCode): boolean {
  return isKrownError(error) && error.code === code
}

/** Did the server refuse the input, because of that field among others? */
export function hasField(error: unknown, path: string): boolean {
  return fieldsOf(error).some((field) => field.path === path)
}

/** What the server has against the input, by field; nothing when the error is another one. */
export function fieldsOf(error: unknown): { path: string; message: string }[] {
  if (!isKrownError(error) || error.code !== 'VALIDATION_FAILED') return []
  const fields = error.details?.fields
  if (!Array.isArray(fields)) return []
  return fields.map((field) => ({ path: String(field?.path), message: String(field?.message) }))
}

function isKrownError(error: unknown): error is KrownClientError {
  return error instanceof Error && error.name === 'KrownError' && 'code' in error
}
