import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTempDir } from '@krown/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { openSqlite } from '../../../src/db/open-sqlite.js'
import { DatabaseProcess } from './database-process.js'

async function newFile(): Promise<string> {
  const dir = await createTempDir()
  onTestFinished(() => dir.stop())
  return join(dir.path, 'krown.db')
}

const TAKEN = {
  code: 'CONFLICT',
  message: 'another Krown has this SQLite database open: stop it first, or use PostgreSQL to run several',
}

test('a second server is refused while the first has the file, in this process and in another', async () => {
  const file = await newFile()
  await using _first = await openSqlite({ file, exclusive: true })
  await expect(openSqlite({ file, exclusive: true })).rejects.toMatchObject(TAKEN)
  await using second = new DatabaseProcess({ act: 'serve', file })
  expect(await second.outcome()).toMatchObject({ kind: 'failed', code: 'CONFLICT' })
})

test('an admin command opens the file all the same', async () => {
  const file = await newFile()
  await using server = await openSqlite({ file, exclusive: true })
  await server.migrate('auto')
  await using command = await openSqlite({ file, exclusive: false })
  await command.migrate('check')
})

test('a server that was closed leaves the file to the next', async () => {
  const file = await newFile()
  for (let i = 0; i < 3; i += 1) {
    const server = await openSqlite({ file, exclusive: true })
    await server.ping()
    await server[Symbol.asyncDispose]()
  }
})

test('a server that was killed leaves the file to the next', async () => {
  const file = await newFile()
  await using first = new DatabaseProcess({ act: 'serve', file })
  expect(await first.ready()).toEqual({ kind: 'ready' })
  await expect(openSqlite({ file, exclusive: true })).rejects.toMatchObject(TAKEN)
  await first.kill()
  await using second = await openSqlite({ file, exclusive: true })
  await second.ping()
})

test('closing twice is fine, and the lock goes although the thread is dead', async () => {
  const file = await newFile()
  const crashing = join(file, '..', 'crashing-thread.mjs')
  await writeFile(crashing, 'process.exit(3)')
  const server = await openSqlite({ file, exclusive: true, threadFile: crashing })
  await expect(server.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await server[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await using next = await openSqlite({ file, exclusive: true })
  await next.ping()
})

test('what is in the way of the lock is not taken for another server', async () => {
  const file = await newFile()
  await mkdir(`${file}-lock`)
  await expect(openSqlite({ file, exclusive: true })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await writeFile(join(file, '..', 'plain'), '')
  const below = join(file, '..', 'plain', 'krown.db')
  await expect(openSqlite({ file: below, exclusive: true })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  const folder = join(file, '..')
  await expect(openSqlite({ file: folder, exclusive: true })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})
