/** More than any script puts upon one character; terminals take time and memory for each. */
const MAX_COMBINING = 16
const MARK = /\p{M}/u
// Below U+0300 there is none.
const MAY_HAVE_MARKS = /[\u0300-\u{10ffff}]/u

/** Leaves out combining marks beyond those that any writing needs, in text of any number of pieces. */
export class CombiningLimit {
  #run = 0

  apply(text: string): string {
    if (!MAY_HAVE_MARKS.test(text)) {
      this.#run = 0
      return text
    }
    let out = ''
    for (const char of text) {
      this.#run = MARK.test(char) ? this.#run + 1 : 0
      if (this.#run <= MAX_COMBINING) out += char
    }
    return out
  }
}
