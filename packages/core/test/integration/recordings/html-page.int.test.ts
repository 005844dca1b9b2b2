import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createTempDir } from '@krown/testkit'
import { findChromium } from '@krown/testkit/find-chromium'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Recording } from '../../../src/model/recording.js'
import { toAsciicast } from '../../../src/recordings/export/asciicast.js'
import type { CutStart } from '../../../src/recordings/export/cut.js'
import { toHtml } from '../../../src/recordings/export/html.js'
import { htmlPage } from '../../../src/recordings/export/html-page.js'
import type { PlayedEvent } from '../../../src/recordings/export/playback.js'

const CHROMIUM = findChromium()

const recording = {
  id: '01932c1f-5e20-7b63-a4d7-0c8e1f9a2b12',
  sessionId: '01932c1f-10b4-7a52-8c11-6f2b9e7d4a03',
  kind: 'terminal',
  startedAt: '2026-11-22T09:32:00.000Z',
} as Recording

async function* events(): AsyncGenerator<CutStart | PlayedEvent> {
  yield { kind: 'start', timeUs: 0, size: { columns: 80, rows: 24 }, term: 'xterm-256color' }
  yield { kind: 'output', timeUs: 0, text: '$ \u001b[1;32mecho\u001b[0m žluťoučký 日本\r\n' }
  yield { kind: 'output', timeUs: 200_000, text: '</script><script>document.title = "evil"</script>\r\n' }
  yield { kind: 'marker', timeUs: 300_000, text: 'uname -a' }
  yield { kind: 'output', timeUs: 3_600_000_000, text: '\u001b[31man hour later\u001b[0m\r\n' }
}

async function pageText(): Promise<string> {
  let html = ''
  const lines = toAsciicast(events(), { version: 3, recording })
  for await (const piece of toHtml(await htmlPage(recording), lines)) html += piece
  return html
}

describe.skipIf(!CHROMIUM)('the page of a recording, opened from a disk', { timeout: 60_000 }, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  }, 60_000)
  afterAll(() => browser.close())

  test('plays to its end, skips what nobody waits for, and asks the network for nothing', async () => {
    await using dir = await createTempDir()
    const file = join(dir.path, 'recording.html')
    await writeFile(file, await pageText())
    const context = await browser.newContext({ offline: true, viewport: { width: 1000, height: 760 } })
    const page = await context.newPage()
    const asked: string[] = []
    const complaints: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))

    await page.goto(pathToFileURL(file).href)
    await page.locator('.ap-overlay-start').click()
    await page.getByText('an hour later').waitFor()

    const shown = (await page.locator('.ap-term').textContent()) ?? ''
    expect(shown).toContain('žluťoučký')
    expect(shown).toContain('</script><script>')
    expect(await page.title()).toBe(`Krown recording ${recording.id}`)
    expect(asked.filter((url) => !/^(?:file|data|blob):/.test(url))).toEqual([])
    expect(complaints).toEqual([])
    const { KROWN_SCREENSHOTS: screenshots } = process.env
    if (screenshots) await page.screenshot({ path: join(screenshots, 'recording.png') })
    await context.close()
  })
})
