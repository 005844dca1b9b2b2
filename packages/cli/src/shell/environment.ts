const TERM = /^[A-Za-z0-9._+-]{1,64}$/
const FALLBACK_TERM = 'xterm-256color'
/** What ssh sends on most machines: how text is encoded, and whether there are colours. */
const PASSED_ON = /^(?:LANG|LC_[A-Z]{1,30}|COLORTERM|NO_COLOR)$/
const MAX_VARIABLES = 32
const MAX_CHARACTERS = 1_024

/** The kind of terminal that this is; a usual one where nothing says so. */
export function termOf({ TERM: term = '' }: NodeJS.ProcessEnv): string {
  return TERM.test(term) ? term : FALLBACK_TERM
}

/** What a shell should know of this machine; the target takes what its configuration names. */
export function shellEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const passedOn = Object.entries(env).flatMap(([name, value = '']) =>
    PASSED_ON.test(name) && value.length <= MAX_CHARACTERS ? [[name, value] as const] : [],
  )
  return Object.fromEntries(passedOn.slice(0, MAX_VARIABLES))
}
