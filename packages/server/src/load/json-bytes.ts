const SHORT = 256

/** About how long `value` is as JSON; exact where it matters, for long texts full of what has to be escaped. */
export function jsonBytes(value: unknown): number {
  if (typeof value === 'string') return textBytes(value)
  if (typeof value !== 'object' || value === null) return 8
  return Object.entries(value).reduce((sum, [key, inner]) => sum + key.length + 4 + jsonBytes(inner), 2)
}

function textBytes(text: string): number {
  if (text.length <= SHORT) return text.length
  let bytes = text.length
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit < 0x20) bytes += 5
    else if (unit === 0x22 || unit === 0x5c) bytes += 1
    else if (unit > 0x7f) bytes += 2
  }
  return bytes
}
