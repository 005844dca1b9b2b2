import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { findSshd, type Sshd, startSshd } from '@krown/testkit'
import { findChromium } from '@krown/testkit/find-chromium'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { build } from 'tsup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SdkGateway, startSdkGateway } from '../support/sdk-gateway.js'
import { type InstalledSdk, installSdk } from './installed-sdk.js'

const CHROMIUM = findChromium()

/** What the page has of the SDK. */
const PAGE = `
import * as sdk from '@krown/sdk'
Object.assign(globalThis, { sdk })
`

interface PageServer extends AsyncDisposable {
  readonly origin: string
}

describe.skipIf(!CHROMIUM || !findSshd())('in a browser', { timeout: 60_000 }, () => {
  let sdk: InstalledSdk
  let bundle: string
  let site: PageServer
  let gateway: SdkGateway
  let sshd: Sshd
  let browser: Browser

  beforeAll(async () => {
    sdk = await installSdk()
    bundle = await bundlePage(sdk)
    site = await serve(bundle)
    gateway = await startSdkGateway({ server: { corsOrigins: [site.origin] } })
    sshd = await startSshd()
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    for (const part of [gateway, site, sdk]) await part?.[Symbol.asyncDispose]()
    await sshd?.stop()
  })

  const target = () => {
    const { host, port, username, privateKey } = sshd
    return { host, port, username, auth: { method: 'key', privateKey } }
  }

  async function openPage(context: BrowserContext): Promise<Page> {
    const page = await context.newPage()
    await page.goto(site.origin)
    await page.waitForFunction('globalThis.sdk')
    return page
  }

  test('nothing of Node is in the bundle', () => {
    expect(bundle).not.toMatch(/require\(|from ['"](node:|ws['"])|handshakeTimeout/)
    expect(Buffer.byteLength(bundle)).toBeLessThan(100 * 1024)
  })

  test('a page runs commands and streams their output, also after a cut', async () => {
    const credentials = await gateway.newUser({ role: 'operator' })
    const context = await browser.newContext()
    const page = await openPage(context)
    await page.exposeFunction('cut', () => gateway.proxy.reset())
    const result = await page.evaluate(
      async ([url, credentials, target]) => {
        const { sdk, cut } = globalThis as never as { sdk: never; cut: () => Promise<void> }
        const { createKrownClient } = sdk as typeof import('../../src/index.js')
        const client = createKrownClient({ url, credentials })
        const session = await client.sessions.open(target as never)
        const { stdout } = await session.exec('echo executed')
        const stream = await session.stream('for i in 1 2 3 4; do echo $i; sleep 0.2; done; exit 3')
        let text = ''
        for await (const { data } of stream) {
          text += new TextDecoder().decode(data)
          if (text === '1\n') await cut()
        }
        const { exitCode } = await stream.result
        const error = await session.exec('true', { timeoutMs: -1 }).catch((error) => error)
        return { stdout, text, exitCode, code: error.code, json: JSON.stringify(error) }
      },
      [gateway.url, credentials, target()] as const,
    )
    expect(result).toMatchObject({
      stdout: 'executed\n',
      text: '1\n2\n3\n4\n',
      exitCode: 3,
      code: 'VALIDATION_FAILED',
    })
    expect(result.json).toContain('timeoutMs')
    await context.close()
  })

  test('a login in a cookie outlives the page, is refreshed once by each tab, and no script sees it', async () => {
    const credentials = await gateway.newUser({ role: 'operator' })
    const context = await browser.newContext()
    const first = await openPage(context)
    const signedIn = await first.evaluate(
      async ([url, credentials]) => {
        const { createKrownClient } = (globalThis as never as { sdk: typeof import('../../src/index.js') })
          .sdk
        const user = await createKrownClient({ url, refresh: 'cookie' }).auth.login(credentials)
        const { document, localStorage } = globalThis as never as Record<string, { cookie?: string }>
        return { username: user.username, visible: document?.cookie + JSON.stringify({ ...localStorage }) }
      },
      [gateway.url, credentials] as const,
    )
    expect(signedIn).toEqual({ username: credentials.username, visible: '{}' })
    await first.reload()
    await first.waitForFunction('globalThis.sdk')
    const second = await openPage(context)
    let refreshes = 0
    context.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/api/auth/refresh')) refreshes += 1
    })
    const names = await Promise.all(
      [first, second].map((page) =>
        page.evaluate(async (url) => {
          const { createKrownClient } = (globalThis as never as { sdk: typeof import('../../src/index.js') })
            .sdk
          const client = createKrownClient({ url, refresh: 'cookie' })
          const users = await Promise.all(Array.from({ length: 20 }, () => client.auth.me()))
          return new Set(users.map(({ username }) => username)).size === 1 ? users[0]?.username : 'several'
        }, gateway.url),
      ),
    )
    expect(names).toEqual([credentials.username, credentials.username])
    expect(refreshes).toBe(2)
    await context.close()
  })
})

/** As the bundler of an application does it. */
async function bundlePage(sdk: InstalledSdk): Promise<string> {
  const entry = await sdk.write('page.js', PAGE)
  const outDir = join(sdk.path, 'bundle')
  await build({
    entry: [entry],
    outDir,
    format: 'esm',
    platform: 'browser',
    noExternal: [/.*/],
    minify: true,
    silent: true,
    config: false,
    dts: false,
    outExtension: () => ({ js: '.js' }),
  })
  return readFile(join(outDir, 'page.js'), 'utf8')
}

async function serve(bundle: string): Promise<PageServer> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(
      isScript ? bundle : '<!doctype html><title>Page</title><script type="module" src="/page.js"></script>',
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
