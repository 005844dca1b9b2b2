import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type FaultProxy, findSshd, type Sshd, startFaultProxy, startSshd } from '@krown/testkit'
import { findChromium } from '@krown/testkit/find-chromium'
import { createTempDir, type TempDir } from '@krown/testkit/temp-dir'
import {
  type Browser,
  type BrowserContext,
  chromium,
  type Locator,
  type Page,
  type Route,
} from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serveConsole } from './console-page.js'
import { RestartableGateway } from './restartable-gateway.js'
import { CHECKOUT } from './run-example.js'

const CHROMIUM = findChromium()
const ADA = { username: 'ada', password: 'correct horse battery' }
/** Set it to make the picture for the documents anew. */
const { UPDATE_SCREENSHOTS } = process.env

interface Stage {
  readonly sshd: Sshd
  readonly gateway: RestartableGateway
  /** Between the browser and everything else. */
  readonly network: FaultProxy
  /** Files that commands wait for. */
  readonly gates: TempDir
  readonly browser: Browser
  readonly url: string
}

const ending: (() => Promise<unknown>)[] = []
let stage: Stage

/** What is started last ends first. */
function endsLater<T extends AsyncDisposable>(part: T): T {
  ending.unshift(async () => part[Symbol.asyncDispose]())
  return part
}

async function setStage(): Promise<Stage> {
  const sshd = endsLater(await startSshd())
  const gates = endsLater(await createTempDir({ mode: 0o755 }))
  const gateway = endsLater(await RestartableGateway.start())
  await gateway.register(ADA)
  const served = endsLater(await serveConsole(gateway.url))
  const network = endsLater(await startFaultProxy({ host: '127.0.0.1', port: served.port }))
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  ending.unshift(() => browser.close())
  return { sshd, gates, gateway, network, browser, url: `http://127.0.0.1:${network.port}` }
}

describe.skipIf(!CHROMIUM || !findSshd())('09: the console in a browser', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    stage = await setStage()
  })
  afterAll(async () => {
    for (const end of ending) await end()
  })

  test('signs in, opens a session and shows what a command prints while it runs', async () => {
    await using tab = await openTab()
    await tab.signIn('not the password')
    await tab.page.getByText('UNAUTHENTICATED').waitFor()
    await tab.signIn()
    await tab.openSession()
    const gate = join(stage.gates.path, 'live')
    const command = await tab.run(`echo early; echo careful >&2; ${waitFor(gate)}; echo late; exit 3`)
    await printed(command, 'careful')
    expect(await command.getByRole('status').textContent()).toBe('running')
    await writeFile(gate, '')
    await command.getByText('exit code 3').waitFor()
    expect(await command.getByRole('log').textContent()).toBe('early\ncareful\nlate\n')
    await tab.page.getByRole('button', { name: 'Close session' }).click()
    await tab.page.getByText('closed by user').waitFor()
    expect(tab.complaints).toEqual([])
  })

  // Not a test that may be skipped: there are none in CI.
  if (UPDATE_SCREENSHOTS) {
    test('is what the documents show', async () => {
      await using tab = await openTab()
      await tab.signIn()
      await tab.openSession()
      await (await tab.run('uname -s; df -h /')).getByText('exit code 0').waitFor()
      await (await tab.run('cat /etc/console.conf')).getByText('exit code 1').waitFor()
      const build = 'for part in core server sdk; do echo "building $part"; done; echo "2 warnings" >&2'
      await printed(await tab.run(`${build}; exec sleep 60`), 'warnings')
      await tab.page.screenshot({ path: join(CHECKOUT, 'docs/images/react-console.png') })
    })
  }

  test('cancels a command', async () => {
    await using tab = await openTab()
    await tab.signIn()
    await tab.openSession()
    const command = await tab.run('echo begun; exec sleep 600')
    await printed(command, 'begun')
    await command.getByRole('button', { name: 'Cancel' }).click()
    await command.getByText('cancelled, signal TERM').waitFor()
  })

  test('after its connection was cut it has all of the output, and nothing twice', async () => {
    await using tab = await openTab()
    await tab.signIn()
    await tab.openSession()
    const gate = join(stage.gates.path, 'cut')
    const command = await tab.run(`seq 1 2000; ${waitFor(gate)}; seq 2001 4000`)
    await printed(command, '2000')
    await stage.network.down()
    await tab.page.getByText('Reconnecting …').waitFor()
    await writeFile(gate, '')
    await stage.network.pass()
    await command.getByText('exit code 0').waitFor()
    await tab.page.getByText('Live', { exact: true }).waitFor()
    expect(await command.getByRole('log').textContent()).toBe(numbers(1, 4000))
  })

  test('comes back by itself when the server was restarted, and says what became of the command', async () => {
    await using tab = await openTab()
    await tab.signIn()
    await tab.openSession()
    const command = await tab.run('seq 1 100; exec sleep 600')
    await printed(command, '100')
    await stage.gateway.stop()
    await tab.page.getByText('Reconnecting …').waitFor()
    await stage.gateway.start()
    await tab.page.getByText('Live', { exact: true }).waitFor()
    await command.getByText('interrupted').waitFor()
    await command.getByText('Look what state the host is in').waitFor()
    expect(await command.getByRole('log').textContent()).toBe(numbers(1, 100))
    await tab.openSession()
    await (await tab.run('echo again')).getByText('exit code 0').waitFor()
  })

  test('two tabs refresh one after the other, follow the same sessions, and end together', async () => {
    await using first = await openTab()
    await first.signIn()
    const held: Route[] = []
    let holding = true
    await first.context.route('**/api/auth/refresh', async (route) => {
      if (holding) held.push(route)
      else await route.continue()
    })
    await using second = await openTab(first.context)
    await first.page.reload()
    await expect.poll(() => locks(second.page), WITHIN).toEqual({ held: 1, pending: 1 })
    expect(held).toHaveLength(1)
    holding = false
    await held[0]?.continue()
    for (const { page } of [first, second]) await page.getByText('Live', { exact: true }).waitFor()
    const before = await second.page.getByRole('listitem').count()
    await first.openSession()
    await second.page.getByRole('listitem').nth(before).waitFor()
    await first.page.getByRole('button', { name: 'Sign out' }).click()
    for (const { page } of [first, second]) await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })
})

/** Longer than a loaded machine takes, and shorter than the test. */
const WITHIN = { timeout: 20_000 }

async function openTab(shared?: BrowserContext) {
  const context = shared ?? (await stage.browser.newContext({ viewport: { width: 1200, height: 760 } }))
  const page = await context.newPage()
  page.setDefaultTimeout(WITHIN.timeout)
  /** Exceptions, and what the content security policy refused. */
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) complaints.push(message.text())
  })
  await page.goto(stage.url)
  return {
    context,
    page,
    complaints,
    signIn: (password?: string) => signIn(page, password),
    openSession: () => openSession(page),
    run: (command: string) => run(page, command),
    [Symbol.asyncDispose]: async () => (shared ? page.close() : context.close()),
  }
}

async function signIn(page: Page, password = ADA.password): Promise<void> {
  await page.getByLabel('User name').fill(ADA.username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

async function openSession(page: Page): Promise<void> {
  await page.getByLabel('Host', { exact: true }).fill(stage.sshd.host)
  await page.getByLabel('Port').fill(String(stage.sshd.port))
  await page.getByLabel('User on the host').fill(stage.sshd.username)
  await page.getByRole('radio', { name: 'Private key' }).check()
  await page.getByRole('textbox', { name: 'Private key' }).fill(stage.sshd.privateKey)
  await page.getByRole('button', { name: 'Open' }).click()
}

/** @returns Where the command and its output are. */
async function run(page: Page, command: string): Promise<Locator> {
  await page.getByLabel('Command').fill(command)
  await page.getByRole('button', { name: 'Run' }).click()
  return page.getByRole('article', { name: command })
}

async function printed(command: Locator, text: string): Promise<void> {
  await command.getByRole('log').filter({ hasText: text }).waitFor()
}

function waitFor(gate: string): string {
  return `while [ ! -e ${gate} ]; do sleep 0.05; done`
}

function numbers(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join('')
}

function locks(page: Page): Promise<unknown> {
  return page.evaluate(
    'navigator.locks.query().then(({ held, pending }) => ({ held: held.length, pending: pending.length }))',
  )
}
