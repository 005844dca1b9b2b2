/**
 * For finders of optional programs: suites may skip on a developer's machine, never in CI.
 *
 * @throws Error when `CI=true` and nothing was found.
 */
export function requireInCi<T>(found: T | undefined, what: string): T | undefined {
  if (found === undefined && process.env.CI === 'true')
    throw new Error(`${what} is missing, and CI must not skip`)
  return found
}
