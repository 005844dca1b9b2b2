import { spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTempDir, type TempDir } from '@krown/testkit'
import { CompiledQuery } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import { insertEntriesQuery, insertHead } from '../../../src/db/repositories/journal.repository.js'
import type { JournalEntriesTable } from '../../../src/db/tables/journal.table.js'
import { canonicalJson, type JsonValue } from '../../../src/journal/canonical-json.js'
import { digestDetails, hashLink } from '../../../src/journal/entry.js'
import { verifyChain } from '../../../src/journal/verify-chain.js'
import type { OrgId } from '../../../src/model/ids.js'
import { describeOnBothDatabases } from '../../support/databases.js'
import { draft } from './drafts.js'
import { journalOver } from './journal-fixture.js'

interface Chain {
  readonly name: string
  readonly head: { readonly seq: number; readonly hash: string }
  readonly entries: readonly JournalEntriesTable[]
  readonly expected: { readonly ok: boolean; readonly firstBreak: { seq: number; kind: string } | null }
}

interface Vectors {
  readonly canonical: readonly { value: JsonValue; text: string }[]
  readonly details: readonly { salt: string; details: string; digest: string }[]
  readonly links: readonly {
    orgId: string
    seq: number
    prevHash: string
    text: string
    textSha256: string
    hashed: string
    hash: string
  }[]
  readonly chains: readonly Chain[]
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const vectors = JSON.parse(await readFile(here('../../vectors/journal-v1.json'), 'utf8')) as Vectors
const page = await readFile(here('../../../../../docs/journal-format.md'), 'utf8')

/** The block of code in that language on the page. */
function codeOnPage(language: string): string {
  const [, code] = new RegExp(`\`\`\`${language}\n([^]*?)\n\`\`\``).exec(page) ?? []
  if (code === undefined) throw new Error(`no ${language} on the page`)
  return code
}

describe('the vectors of the journal', () => {
  test.each(vectors.canonical)('the canonical form of $text', ({ value, text }) => {
    expect(canonicalJson(value)).toBe(text)
  })

  test.each(vectors.details)('the digest of details under the salt $salt', ({ salt, details, digest }) => {
    expect(digestDetails(salt, details)).toBe(digest)
    expect(hash('sha256', Buffer.from(salt + details, 'utf8'), 'hex')).toBe(digest)
  })

  test.each(vectors.links)('the hash of link $seq of $orgId', (link) => {
    expect(hashLink(link)).toBe(link.hash)
    expect(hash('sha256', link.text, 'hex')).toBe(link.textSha256)
    expect(hash('sha256', Buffer.from(link.hashed, 'hex'), 'hex')).toBe(link.hash)
    expect(link.hashed).toContain(link.textSha256)
  })

  test('have a chain for every kind of break', () => {
    const kinds = vectors.chains.map(({ expected }) => expected.firstBreak?.kind)
    expect([...new Set(kinds)].sort()).toEqual([
      'columns',
      'details',
      'gap',
      'hash',
      'head',
      'link',
      undefined,
    ])
  })
})

describeOnBothDatabases('the chains of the vectors', (openTestDatabase) => {
  test('are found whole or broken where they are', async () => {
    await using opened = await openTestDatabase()
    const { db } = opened.database
    for (const { name, head, entries, expected } of vectors.chains) {
      const orgId = (entries[0]?.org_id ?? newId()) as OrgId
      await insertHead(db, orgId, head)
      if (entries.length > 0) await insertEntriesQuery(db, orgId, [...entries]).execute()
      expect(await verifyChain(db, orgId), name).toMatchObject(expected)
      await db.deleteFrom('journal_entries').execute()
      await db.deleteFrom('journal_heads').execute()
    }
  })
})

const hasPython = spawnSync('python3', ['--version']).status === 0

describe.skipIf(!hasPython && !process.env.CI)('the verifier on the page, run by python3', () => {
  let dir: TempDir
  beforeAll(async () => {
    dir = await createTempDir()
    await writeFile(join(dir.path, 'verify.py'), codeOnPage('python'))
  })
  afterAll(() => dir.stop())

  async function runPython(chain: string): Promise<unknown> {
    const file = join(dir.path, 'chain.json')
    await writeFile(file, chain)
    const { status, stdout, stderr } = spawnSync('python3', [join(dir.path, 'verify.py'), file], {
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    const found = JSON.parse(stdout) as { ok: boolean }
    expect(status).toBe(found.ok ? 0 : 1)
    return found
  }

  test.each(vectors.chains)('agrees about the chain: $name', async (chain) => {
    const { ok, firstBreak } = chain.expected
    expect(await runPython(JSON.stringify(chain))).toEqual({ ok, entries: chain.entries.length, firstBreak })
  })

  test('is no longer than somebody reads', () => {
    expect(codeOnPage('python').split('\n').filter(Boolean).length).toBeLessThan(45)
  })

  describeOnBothDatabases('what the page exports', (openTestDatabase, kind) => {
    test('is verified, and a change is found', async () => {
      await using opened = await openTestDatabase()
      const { db } = opened.database
      const orgId = newId<OrgId>()
      const journal = journalOver(opened.database)
      const resource = { kind: 'session', id: newId() }
      await journal.append(orgId, [
        draft({ details: { command: 'echo "é 日本 😀"\n' } }),
        draft({ resource }),
        draft(),
      ])
      const [sqlite = '', postgres = ''] = [...codeOnPage('sh').matchAll(/"(select [^"]*)"/g)].map(
        ([, sql]) => sql,
      )
      const schema = opened.place.kind === 'postgres' ? opened.place.schema : ''
      const sql = (kind === 'sqlite' ? sqlite : postgres)
        .replaceAll('ORG', orgId)
        .replaceAll('krown.', `${schema}.`)
      const exported = async () => {
        const { rows } = await db.executeQuery<Record<string, unknown>>(CompiledQuery.raw(sql))
        const [value] = Object.values(rows[0] ?? {})
        return typeof value === 'string' ? value : JSON.stringify(value)
      }
      expect(await runPython(await exported())).toEqual({ ok: true, entries: 3, firstBreak: null })
      await db.updateTable('journal_entries').set({ details: '{}' }).where('seq', '=', 2).execute()
      expect(await runPython(await exported())).toEqual({
        ok: false,
        entries: 3,
        firstBreak: { seq: 2, kind: 'details' },
      })
    })
  })
})
