/**
 * Matches whole text against a pattern in which `*` stands for any characters, none included, and `?` for one; case
 * does not count.
 *
 * Takes at most pattern times text many steps, whatever both are: no pattern makes it slow.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const folded = pattern.toLowerCase().replace(/\*+/g, '*')
  if (folded === '*') return () => true
  if (!/[*?]/.test(folded)) return (text) => text.toLowerCase() === folded
  return (text) => matchGlob(folded, text.toLowerCase())
}

// After a mismatch only the last star can still give way: what an earlier one took, the later one can take instead.
function matchGlob(pattern: string, text: string): boolean {
  let at = 0
  let read = 0
  let star = -1
  let starTook = 0
  while (read < text.length) {
    const wanted = pattern[at]
    if (wanted === '*') {
      star = at++
      starTook = read
    } else if (wanted === '?' || wanted === text[read]) {
      at += 1
      read += 1
    } else if (star >= 0) {
      at = star + 1
      starTook += 1
      read = starTook
    } else return false
  }
  return at === pattern.length || (at === pattern.length - 1 && pattern[at] === '*')
}
