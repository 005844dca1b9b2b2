/** What a server refused, with what to do about it in this place. */
export class HintedError extends Error {
  override readonly name = 'HintedError'
  override readonly cause: unknown
  readonly hint: string

  constructor(cause: unknown, hint: string) {
    super(hint)
    this.cause = cause
    this.hint = hint
  }
}
