import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

interface Place {
  readonly host: string
  readonly port: number
}

/** One address behind which another machine can be put, as somebody in the middle would. */
export interface Doorway extends AsyncDisposable, Place {
  leadTo(place: Place): void
}

export async function openDoorway(first: Place): Promise<Doorway> {
  let place = first
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    return socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  }
  const server = createServer((caller) => {
    const onward = keep(connect(place.port, place.host))
    keep(caller).pipe(onward).pipe(caller)
    caller.on('close', () => onward.destroy())
    onward.on('close', () => caller.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    leadTo: (next) => {
      place = next
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
