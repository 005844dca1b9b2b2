import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTempDir } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import type { OrgId, RecordingId } from '../../../src/model/ids.js'
import { FrameCipher } from '../../../src/recordings/format/frame-cipher.js'
import type { RecordingRecord } from '../../../src/recordings/format/record.js'
import { varintLength, writeVarint } from '../../../src/recordings/format/varint.js'
import { type RecordingEnding, RecordingReader } from '../../../src/recordings/recording-reader.js'
import type { RecordingSource } from '../../../src/recordings/recording-store.js'

interface VectorRecord {
  readonly kind: string
  readonly timeUs: number
  readonly channel: number
  /** Each byte as the character of that number. */
  readonly text: string
}

interface VectorFile {
  readonly name: string
  readonly recordingId: RecordingId
  readonly orgId: OrgId
  readonly key: string
  readonly file: string
  readonly records: readonly VectorRecord[]
  readonly ending: Omit<RecordingEnding, 'bytes' | 'sha256'> & { bytes: number; sha256: string }
}

interface Vectors {
  readonly numbers: readonly { value: number; bytes: string }[]
  readonly frames: readonly {
    recordingId: RecordingId
    orgId: OrgId
    key: string
    number: number
    final: boolean
    plain: string
    frame: string
  }[]
  readonly files: readonly VectorFile[]
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const vectors = JSON.parse(await readFile(here('../../vectors/recording-v1.json'), 'utf8')) as Vectors
const page = await readFile(here('../../../../../docs/recording-format.md'), 'utf8')

const sourceOf = (bytes: Buffer): RecordingSource => ({
  read: async (into, at) => bytes.copy(into, 0, at),
  size: async () => bytes.length,
  close: async () => {},
})

const toVector = ({ kind, timeUs, channel, data }: RecordingRecord): VectorRecord => ({
  kind,
  timeUs,
  channel,
  text: data.toString('latin1'),
})

async function readAll({ recordingId, orgId, key, file }: VectorFile) {
  const source = sourceOf(Buffer.from(file, 'base64'))
  await using reader = await RecordingReader.open(source, {
    recordingId,
    orgId,
    key: Buffer.from(key, 'base64'),
  })
  const records: VectorRecord[] = []
  for await (const frame of reader.frames()) records.push(...frame.records.map(toVector))
  return { records, ending: reader.ending }
}

describe('the vectors of recordings', () => {
  test.each(vectors.numbers)('the number $value', ({ value, bytes }) => {
    const written = Buffer.alloc(varintLength(value))
    writeVarint(written, 0, value)
    expect(written.toString('hex')).toBe(bytes)
  })

  test.each(vectors.frames)('frame $number', ({ key, number, final, plain, frame, ...place }) => {
    const sealed = new FrameCipher(Buffer.from(key, 'base64'), place).seal(Buffer.from(plain, 'hex'), {
      number,
      final,
    })
    expect(Buffer.concat(sealed).toString('hex')).toBe(frame)
  })

  test.each(vectors.files)('G10: the file of $name', async (vector) => {
    const { records, ending } = await readAll(vector)
    expect(ending).toEqual(vector.ending)
    expect(records).toEqual(vector.records)
  })

  test('have a file for each way to end', () => {
    const ways = vectors.files.map(
      ({ ending }) => ending.problem?.reason ?? (ending.complete ? 'complete' : 'open'),
    )
    expect([...new Set(ways)].sort()).toEqual(['changed', 'complete', 'open', 'truncated'])
  })
})

describe('the reader on the page', () => {
  test.each(vectors.files.filter(({ ending }) => ending.problem === null))(
    'agrees about the file of $name',
    async ({ recordingId, orgId, key, file, records, ending }) => {
      const dir = await createTempDir()
      try {
        const [, code = ''] = /```js\n([\s\S]*?)\n```/.exec(page) ?? []
        await writeFile(join(dir.path, 'read.mjs'), code)
        await writeFile(join(dir.path, 'file.krec'), Buffer.from(file, 'base64'))
        const args = [join(dir.path, 'read.mjs'), join(dir.path, 'file.krec'), key, recordingId, orgId]
        const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
        expect(stderr).toBe('')
        const lines = stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
        const { complete, frames, bytes, sha256 } = ending
        expect(lines).toEqual([...records, { complete, frames, bytes, sha256 }])
      } finally {
        await dir.stop()
      }
    },
  )
})
