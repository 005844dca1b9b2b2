/** Enough for hundreds of commands that print all they may, and no more than a process can spare. */
const DEFAULT_BYTES = 256 * 1024 * 1024

/** Memory for output that is kept for answers, shared by everything that runs in this process. */
export class OutputBudget {
  #left: number

  constructor(bytes = DEFAULT_BYTES) {
    this.#left = bytes
  }

  /** False when there is not so much left; then nothing was taken. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#left += bytes
  }
}
