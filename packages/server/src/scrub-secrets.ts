const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, '[private key]'],
  [/\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g, '[token]'],
  [/\bkrn_[a-z]+_[\w.-]+/g, '[token]'],
  // The password of a URL: `postgres://krown:…@host`.
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):[^\s@/]+@/gi, '$1:[secret]@'],
]

/** Takes what looks like a secret out of text that other libraries wrote. */
export function scrubSecrets(text: string): string {
  return SECRETS.reduce((scrubbed, [pattern, stand]) => scrubbed.replaceAll(pattern, stand), text)
}
