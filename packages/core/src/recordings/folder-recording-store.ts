import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { KrownConfig } from '../config/krown-config.js'
import type { RecordingPlace, RecordingSink, RecordingSource, RecordingStore } from './recording-store.js'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants

/** Where the configuration has them. */
export function openRecordingFolder({
  recordings,
  dataDir,
}: Pick<KrownConfig, 'recordings' | 'dataDir'>): FolderRecordingStore {
  return new FolderRecordingStore(recordings.dir || join(dataDir, 'recordings'))
}

/** Files in a folder of this machine, one folder for each organization; for their owner alone. */
export class FolderRecordingStore implements RecordingStore {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  async create(place: RecordingPlace): Promise<RecordingSink> {
    const folder = join(this.#dir, place.orgId)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = await open(this.#fileOf(place), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600)
    return new FileSink(file, folder)
  }

  async open(place: RecordingPlace): Promise<RecordingSource | undefined> {
    try {
      return new FileSource(await open(this.#fileOf(place), O_RDONLY | O_NOFOLLOW))
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw error
    }
  }

  async remove(place: RecordingPlace): Promise<void> {
    await rm(this.#fileOf(place), { force: true })
  }

  async freeBytes(): Promise<number> {
    try {
      return await this.#free()
    } catch (error) {
      if (!isAbsent(error)) throw error
      await mkdir(this.#dir, { recursive: true, mode: 0o700 })
      return this.#free()
    }
  }

  async #free(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#dir)
    return bavail * bsize
  }

  #fileOf({ orgId, id }: RecordingPlace): string {
    return join(this.#dir, orgId, `${id}.krec`)
  }
}

class FileSink implements RecordingSink {
  readonly #file: FileHandle
  readonly #folder: string
  #folderSynced = false

  constructor(file: FileHandle, folder: string) {
    this.#file = file
    this.#folder = folder
  }

  async write(pieces: readonly Buffer[], at: number): Promise<void> {
    const size = pieces.reduce((sum, { length }) => sum + length, 0)
    const { bytesWritten } = await this.#file.writev(pieces, at)
    if (bytesWritten < size) await this.#writeRest(Buffer.concat(pieces), { done: bytesWritten, at })
  }

  async sync(): Promise<void> {
    await this.#file.datasync()
    // The name of a new file is in its folder.
    if (!this.#folderSynced) await syncFolder(this.#folder)
    this.#folderSynced = true
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  // A disk that is nearly full takes a part; the next attempt says why.
  async #writeRest(bytes: Buffer, { done, at }: { done: number; at: number }): Promise<void> {
    for (let next = done; next < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, next, bytes.length - next, at + next)
      if (bytesWritten === 0) throw new Error('the disk took nothing')
      next += bytesWritten
    }
  }
}

class FileSource implements RecordingSource {
  readonly #file: FileHandle

  constructor(file: FileHandle) {
    this.#file = file
  }

  async read(into: Buffer, at: number): Promise<number> {
    let done = 0
    for (let read = 1; read > 0 && done < into.length; done += read) {
      read = (await this.#file.read(into, done, into.length - done, at + done)).bytesRead
    }
    return done
  }

  async size(): Promise<number> {
    return (await this.#file.stat()).size
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
