import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createTempDir, type TempDir } from '@krown/testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { loginStore } from './login-store.js'
import { readPrivateFile, writePrivateFile } from './private-file.js'

let home: TempDir
let file: string

beforeEach(async () => {
  home = await createTempDir()
  file = join(home.path, 'krown', 'config.json')
})
afterEach(async () => {
  vi.restoreAllMocks()
  await home[Symbol.asyncDispose]()
})

const modeOf = async (path: string) => (await stat(path)).mode & 0o777

function becomeSomebodyElse(): void {
  vi.spyOn(process, 'getuid').mockReturnValue((process.getuid?.() ?? 0) + 1)
}

describe.skipIf(process.platform === 'win32')('a private file', () => {
  test('is its own user’s, and so are the folders made for it', async () => {
    await writePrivateFile(file, 'text')
    expect(await readPrivateFile(file)).toBe('text')
    expect([await modeOf(join(home.path, 'krown')), await modeOf(file)]).toEqual([0o700, 0o600])
    expect(await readPrivateFile(join(home.path, 'none'))).toBeUndefined()
  })

  test('that others can use is not read', async () => {
    await writePrivateFile(file, 'text')
    await chmod(file, 0o640)
    await expect(readPrivateFile(file)).rejects.toThrow('can be used by others')
  })

  test('of somebody else is not read, and none is written where they rule', async () => {
    await writePrivateFile(file, 'text')
    becomeSomebodyElse()
    await expect(readPrivateFile(file)).rejects.toThrow(`${file} belongs to somebody else`)
    await expect(writePrivateFile(file, 'new')).rejects.toThrow('krown belongs to somebody else')
    expect(await readFile(file, 'utf8')).toBe('text')
  })

  test('that is a pipe is refused, and nobody waits for who writes to it', async () => {
    await mkdir(join(home.path, 'krown'), { mode: 0o700 })
    expect(spawnSync('mkfifo', ['-m', '600', file]).status).toBe(0)
    await expect(readPrivateFile(file)).rejects.toThrow(`${file} is not a file`)
  })

  test.each(['a folder', 'a link to a folder'])('is not written to %s that others can use', async (kind) => {
    const shared = join(home.path, kind === 'a folder' ? 'krown' : 'shared')
    await mkdir(shared)
    await chmod(shared, 0o755)
    if (kind !== 'a folder') await symlink(shared, join(home.path, 'krown'))
    await expect(writePrivateFile(file, 'text')).rejects.toThrow('krown can be used by others')
    await expect(loginStore(join(home.path, 'krown'), 'http://x').save(LOGIN)).rejects.toThrow('by others')
    expect([await modeOf(shared), await readdir(shared)]).toEqual([0o755, []])
  })
})

const LOGIN = { accessToken: 'a', accessTokenExpiresAt: '2099-01-01T00:00:00.000Z', refreshToken: 'r' }
