/** Argon2id, the least that OWASP recommends; memory in KiB. */
export const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/** The computation itself, without any bound on how many run at once. */
export interface PasswordHasher {
  /** @returns PHC form, with a new salt. */
  hash(password: string): Promise<string>
  verify(hash: string, password: string): Promise<boolean>
}

/** Argon2id (the library's default) of a native module, which is loaded by the first call. */
export const argon2Hasher: PasswordHasher = {
  async hash(password) {
    const { hash } = await import('@node-rs/argon2')
    return hash(password, ARGON2)
  },
  async verify(hash, password) {
    const { verify } = await import('@node-rs/argon2')
    return verify(hash, password)
  },
}
