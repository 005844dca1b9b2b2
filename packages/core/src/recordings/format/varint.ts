/** More would not be whole numbers any more. */
const MAX_BYTES = 8

/** Bytes that {@link writeVarint} takes for it. */
export function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length += 1
  return length
}

/** Unsigned LEB128, up to 2^53 - 1. @returns Where the next byte goes. */
export function writeVarint(into: Buffer, at: number, value: number): number {
  let next = at
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    into[next] = (rest % 128) | 128
    next += 1
  }
  into[next] = rest
  return next + 1
}

/** @returns Undefined when it does not end, or is too large to be exact. */
export function readVarint(from: Buffer, at: number): { value: number; next: number } | undefined {
  let value = 0
  let factor = 1
  for (let next = at; next < from.length && next < at + MAX_BYTES; next += 1) {
    const byte = from[next] ?? 0
    value += (byte & 127) * factor
    factor *= 128
    if (byte < 128) return Number.isSafeInteger(value) ? { value, next: next + 1 } : undefined
  }
  return undefined
}
