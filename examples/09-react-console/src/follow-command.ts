import type { CommandId, RemoteKrownClient, SessionId } from '@krown/sdk'
import type { Change } from './screen.js'

/** A command that was started in this page. */
export interface Run {
  readonly commandId: CommandId
  readonly sessionId: SessionId
  readonly command: string
}

/** Its output to the end, as text. The SDK goes on at the byte where a lost connection left it. */
export async function* followCommand(krown: RemoteKrownClient, { commandId }: Run): AsyncGenerator<Change> {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  for await (const event of krown.commands.output(commandId)) {
    if (event.type === 'output') {
      // `stream`: a character may be cut by the border of two chunks.
      const text = decoders[event.stream].decode(event.data, { stream: true })
      yield { type: 'text', stream: event.stream, text }
    } else if (event.type === 'gap') {
      yield { type: 'gap', bytes: event.toOffset - event.fromOffset }
    } else {
      yield event
    }
  }
}
