import { InvalidArgumentError } from 'commander'

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/

/** `90s` → 90000. */
export function parseDuration(text: string): number {
  const [, amount, unit] = DURATION.exec(text) ?? []
  const ms = Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS]
  if (!(ms > 0)) throw new InvalidArgumentError('Write a number and ms, s, m, h or d: 90s.')
  return ms
}

/** `30d` from now, or a date; ISO 8601. */
export function parseMoment(text: string): string {
  if (!/^\d{4}-/.test(text)) return new Date(Date.now() + parseDuration(text)).toISOString()
  if (Number.isNaN(Date.parse(text))) throw new InvalidArgumentError('Write 30d or 2030-01-31T00:00:00Z.')
  return text
}

const POSITION = /^(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,5}(?:\.\d{1,3})?)$/

/** Of a recording: `90s`, `90`, `1:30` and `1:02:03` → milliseconds. */
export function parsePosition(text: string): number {
  if (DURATION.test(text) && !text.startsWith('0')) return parseDuration(text)
  const [, hours = 0, minutes = 0, seconds] = POSITION.exec(text) ?? []
  if (seconds === undefined) throw new InvalidArgumentError('Write 90s, 1:30 or 1:02:03.')
  return Math.round(((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000)
}

/** `0.5` to `100`. */
export function parseSpeed(text: string): number {
  const speed = /^\d{1,3}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (speed < 0.1 || speed > 100) throw new InvalidArgumentError('Write a number from 0.1 to 100.')
  return speed
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Write a whole number of at least 1.')
  return Number(text)
}

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535) throw new InvalidArgumentError('Write a number from 1 to 65535.')
  return port
}

export function parseSequence(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Write the number of a journal entry.')
  return Number(text)
}

/** For options that may be given more than once, or once with commas. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(',').filter((part) => part !== '')]
}
