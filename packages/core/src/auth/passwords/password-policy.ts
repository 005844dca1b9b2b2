import { isCommonPassword } from './common-passwords.js'

const MAX_CHARACTERS = 256
/** No list of common passwords holds longer ones. */
const MAX_PATTERN_CHARACTERS = 32
const MAX_UNIT = 4

/** Says what is wrong with a new password; undefined when it is good enough. Compares exact characters. */
export function findPasswordProblem(
  password: string,
  { minLength, username }: { minLength: number; username: string },
): string | undefined {
  const characters = [...password]
  if (characters.length < minLength) return `must have at least ${minLength} characters`
  if (characters.length > MAX_CHARACTERS) return `must have at most ${MAX_CHARACTERS} characters`
  if (password.includes('\0')) return 'must not contain NUL'
  if (!password.isWellFormed()) return 'must be valid Unicode text'
  if (password.toLowerCase() === username.toLowerCase()) return 'must not be the user name'
  if (isCommonPassword(password)) return 'is one of the most common passwords'
  if (isPattern(characters)) return 'must not be a mere repetition or sequence'
  return undefined
}

function isPattern(characters: readonly string[]): boolean {
  if (characters.length > MAX_PATTERN_CHARACTERS) return false
  return isRepetition(characters) || isSequence(characters, 1) || isSequence(characters, -1)
}

/** `aaaaaaaaaaaa`, `abababababab`, `123412341234`. */
function isRepetition(characters: readonly string[]): boolean {
  for (let unit = 1; unit <= MAX_UNIT; unit += 1) {
    if (characters.every((character, i) => i < unit || character === characters[i - unit])) return true
  }
  return false
}

/** `abcdefghijkl`, `123456789012`, `210987654321`. */
function isSequence(characters: readonly string[], step: 1 | -1): boolean {
  return characters.every((character, i) => {
    const previous = characters[i - 1]
    return previous === undefined || follows(previous, character, step)
  })
}

function follows(previous: string, character: string, step: 1 | -1): boolean {
  const wraps = step === 1 ? previous === '9' && character === '0' : previous === '0' && character === '9'
  return wraps || (character.codePointAt(0) ?? 0) - (previous.codePointAt(0) ?? 0) === step
}
