/** Number of single-character edits between two short names. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[right.length] ?? 0
}

/** Longer than any name we know; keeps the comparison cheap whatever was written. */
const LONGEST_NAME = 100

/** The known name that was probably meant, or undefined when none is close. */
export function nearestName(written: string, known: readonly string[]): string | undefined {
  if (written.length > LONGEST_NAME) return undefined
  const limit = Math.max(2, Math.floor(written.length / 3))
  const ranked = known
    .map((name) => ({ name, distance: editDistance(written, name) }))
    .filter(({ distance, name }) => distance <= limit && distance < name.length)
    .sort((a, b) => a.distance - b.distance)
  return ranked[0]?.name
}
