import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTempDir, findSshd, startFaultProxy, startSshd } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { BIN } from '../support/krown.js'
import { startOffice } from '../support/office.js'
import { hasTmux, Tmux } from '../support/tmux.js'

const KROWN = `"${process.execPath}" "${BIN}"`

describe.skipIf(!findSshd() || !hasTmux)('a connection to the server that breaks', () => {
  test('is made again where it was, and said on a line of its own', async () => {
    await using sshd = await startSshd()
    await using office = await startOffice()
    const desk = await office.desk('operator')
    const keyFile = join(desk.home, 'key')
    await writeFile(keyFile, sshd.privateKey, { mode: 0o600 })
    const host = [`${sshd.username}@${sshd.host}`, '-p', String(sshd.port), '-i', keyFile, '--yes']
    const session = (await desk.krown(['sessions', 'open', ...host])).stdout.trim()
    const { hostname, port } = new URL(office.url)
    await using proxy = await startFaultProxy({ host: hostname, port: Number(port) })
    const token = (await desk.krown(['tokens', 'create', 'far'])).stdout.trim()
    await using shared = await createTempDir({ mode: 0o755 })
    const goOn = join(shared.path, 'go-on')
    await using tmux = await Tmux.start()
    const env = { ...desk.env, KROWN_TOKEN: token, KROWN_URL: `http://127.0.0.1:${proxy.port}` }
    const pane = await tmux.open({ env })
    await pane.run(`${KROWN} shell ${session}`)
    await pane.shows(/[$%>#] ?$/m)
    await pane.run(
      `PS1='> '; clear; echo be"g"un; until [ -e ${goOn} ]; do sleep 0.1; done; seq 1 5; echo fi"n"ished`,
    )
    await pane.shows(/^begun$/m)
    proxy.reset()
    await pane.shows('[krown: the connection is lost')
    await writeFile(goOn, '')
    await pane.shows('[krown: the connection is back]')
    await pane.shows(/^finished$/m)
    expect(await pane.screen()).not.toContain('keyboard')
    expect((await pane.screen()).match(/^[1-5]$/gm)).toEqual(['1', '2', '3', '4', '5'])
    await pane.run('exit 6')
    await pane.shows(/^\$$/m)
    await pane.run('echo "it was $?"')
    await pane.shows('it was 6')
  })
})
