/** As on the wire, without fractions of a second: `2026-11-22T13:15:42Z`. */
export function formatTime(time: string | null): string {
  return time === null ? '-' : time.replace(/\.\d+Z$/, 'Z')
}

export function formatDuration(ms: number | null): string {
  if (ms === null) return '-'
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 60_000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`
}
