const MIB = 1024 * 1024

/** Lines of text as a log has them, so many bytes of them, as fast as the reader takes them. */
export function printing(bytes: number): string {
  return `yes '2026-01-01T00:00:00Z app[42]: something happened, and here is a line of it' | head -c ${bytes}`
}

/** A scenario's size, unless the environment variable BENCH_OUTPUT_MIB asks for a smaller one, for a try. */
export function outputBytes(mib: number): number {
  const wanted = Number(process.env.BENCH_OUTPUT_MIB ?? mib)
  return Math.min(mib, Math.max(1, wanted)) * MIB
}

export function toMib(bytes: number): number {
  return bytes / MIB
}
