import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Recording } from '../../model/recording.js'

/** The two halves of a page; what is between them is the asciicast, made safe for there by {@link toPageText}. */
export interface HtmlPage {
  readonly before: string
  /** @param notice What is to be said above the player; undefined for nothing. */
  after(notice: string | undefined): string
}

// Nothing comes from anywhere, and nothing goes anywhere: also not when the page is opened from a web server.
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'unsafe-inline'; font-src data:; img-src data:; base-uri 'none'; form-action 'none'"

const STYLE = `html,body{margin:0;background:#16181d;color:#d7dae0;font:14px/1.5 system-ui,sans-serif}
header{padding:12px 20px}h1{font-size:15px;font-weight:600;margin:0}p{margin:2px 0 0;color:#9aa0ab}
#notice{color:#e8b339}#player{padding:0 20px 20px}`

const START = `const player = document.getElementById('player')
AsciinemaPlayer.create({ data: document.getElementById('cast').textContent }, player, {
  fit: 'width', idleTimeLimit: 5, controls: true, preload: true, terminalFontSize: '15px', poster: 'npt:0:01',
})`

/** A page with the player in it, which needs no other file and no network. */
export async function htmlPage(recording: Recording): Promise<HtmlPage> {
  const [script, style] = await Promise.all([asset('asciinema-player.min.js'), asset('asciinema-player.css')])
  const title = escapeHtml(`Krown recording ${recording.id}`)
  const about = escapeHtml(`Session ${recording.sessionId}, from ${recording.startedAt}`)
  const before = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${style}
${STYLE}</style>
</head>
<body>
<header><h1>${title}</h1><p>${about}</p><p id="notice"></p></header>
<div id="player"></div>
<script type="application/x-asciicast" id="cast">`
  const after = (notice: string | undefined) => `</script>
<script>${script}</script>
<script>document.getElementById('notice').textContent = ${toPageText(JSON.stringify(notice ?? ''))}
${START}</script>
</body>
</html>
`
  return { before, after }
}

/** JSON in a script element: there `<` could end it. */
export function toPageText(json: string): string {
  return json.replaceAll('<', '\\u003c')
}

async function asset(name: string): Promise<string> {
  const { resolve } = createRequire(import.meta.url)
  return readFile(resolve(`asciinema-player/dist/bundle/${name}`), 'utf8')
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
