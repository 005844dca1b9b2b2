const MAX_NAME = 253
/** Letters, digits, hyphens (RFC 1123 §2.1), and underscores inside, which many internal names have. */
const LABEL = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/i
/** Resolvers take a name that ends so for a number, and the number for an address: `0x7f.1` is 127.0.0.1. */
const NUMBER_LIKE = /^(?:\d+|0x[0-9a-f]*)$/i

/**
 * ASCII in any case, no trailing dot, nothing that a resolver could read as an address.
 * Ask before lower-casing: that turns the Kelvin sign into a plain `k`.
 */
export function isHostName(name: string): boolean {
  if (name.length > MAX_NAME) return false
  const labels = name.split('.')
  return labels.every((label) => LABEL.test(label)) && !NUMBER_LIKE.test(labels.at(-1) ?? '')
}
