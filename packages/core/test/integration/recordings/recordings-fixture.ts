import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findRecordingKey } from '../../../src/db/repositories/recording.repository.js'
import type { OrgId, RecordingId } from '../../../src/model/ids.js'
import { FolderRecordingStore } from '../../../src/recordings/folder-recording-store.js'
import type { RecordingRecord } from '../../../src/recordings/format/record.js'
import { RecordingKeys } from '../../../src/recordings/recording-keys.js'
import { type RecordingEnding, RecordingReader } from '../../../src/recordings/recording-reader.js'
import type {
  RecordingPlace,
  RecordingSink,
  RecordingStore,
} from '../../../src/recordings/recording-store.js'
import { Keyring } from '../../../src/vault/keyring.js'
import { Vault } from '../../../src/vault/vault.js'
import { type KrownFixture, recordingsDir } from '../../support/krown-fixture.js'

export interface ReadRecording {
  readonly records: readonly RecordingRecord[]
  readonly ending: RecordingEnding | undefined
}

/** The whole content of a recording, past every rule. */
export async function readRecording(
  fixture: KrownFixture,
  id: RecordingId | null,
  store: RecordingStore = new FolderRecordingStore(recordingsDir(fixture.place)),
): Promise<ReadRecording> {
  if (id === null) throw new Error('it was not recorded')
  const { krown, database, actors } = fixture
  const { orgId } = actors.admin
  const sealed = await findRecordingKey(database.db, orgId, id)
  if (!sealed) throw new Error('its key is gone')
  const vault = new Vault(new Keyring(krown.config.vault))
  const key = new RecordingKeys({ database, vault }).open(sealed)
  const source = await store.open({ orgId, id })
  if (!source) throw new Error('it has no file')
  await using _closing = { [Symbol.asyncDispose]: () => source.close() }
  const reader = await RecordingReader.open(source, { recordingId: id, orgId, key })
  const records: RecordingRecord[] = []
  for await (const frame of reader.frames()) records.push(...frame.records)
  return { records, ending: reader.ending }
}

/** What a channel printed according to the recording; of all channels when none is given. */
export function printedIn({ records }: ReadRecording, commandId?: string): string {
  const starts = records.filter(({ kind }) => kind === 'channel_start')
  const channel = starts.find(({ data }) => JSON.parse(data.toString()).commandId === commandId)?.channel
  return Buffer.concat(
    records
      .filter(({ kind }) => kind === 'stdout' || kind === 'stderr')
      .filter((record) => commandId === undefined || record.channel === channel)
      .map(({ data }) => data),
  ).toString()
}

export function fileOf({ place, actors }: KrownFixture, id: RecordingId | null): string {
  return join(recordingsDir(place), actors.admin.orgId, `${id}.krec`)
}

/** Everything that is in the files of an organization. */
export async function allFiles({ place }: KrownFixture, orgId: OrgId): Promise<Buffer> {
  const folder = join(recordingsDir(place), orgId)
  return Buffer.concat(await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name)))))
}

/** A folder whose disk can be made to have no room left, or to take nothing. */
export class FaultyStore implements RecordingStore {
  free = Number.POSITIVE_INFINITY
  refuses = false
  readonly #inner: RecordingStore

  constructor(dir: string) {
    this.#inner = new FolderRecordingStore(dir)
  }

  async create(place: RecordingPlace): Promise<RecordingSink> {
    this.#check()
    const sink = await this.#inner.create(place)
    return {
      write: async (pieces, at) => {
        this.#check()
        await sink.write(pieces, at)
      },
      sync: () => sink.sync(),
      close: () => sink.close(),
    }
  }

  open(place: RecordingPlace) {
    return this.#inner.open(place)
  }

  remove(place: RecordingPlace) {
    return this.#inner.remove(place)
  }

  async freeBytes(): Promise<number> {
    return this.free
  }

  #check(): void {
    if (this.refuses) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  }
}
