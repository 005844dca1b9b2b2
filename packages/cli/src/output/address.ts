/** Where something is, with its port when that is not the usual one. */
export function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  // A pattern of known_hosts says its port itself.
  if (port === 22 || port === 0) return host
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The same with the user name there. */
export function loginAddressOf(place: {
  readonly username: string
  readonly host: string
  readonly port: number
}): string {
  return `${place.username}@${addressOf(place)}`
}
