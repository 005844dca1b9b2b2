import ssh2, { type Client, type ClientChannel } from 'ssh2'
import { KrownError } from '../errors/krown-error.js'
import type { SshTerminal } from './connector.js'

/**
 * The parts of ssh2 1.17 that its documented interface does not reach, all of them here: what it does by itself on
 * behalf of the target (open channels, answer global requests, buffer past the flow window), splitting «open a
 * channel» from «run a command», and a signal after end of input.
 */
export interface Ssh2Internals {
  readonly _protocol: Ssh2Protocol
  readonly _chanMgr: ChannelManager
}

export interface Ssh2Protocol {
  /** Called per message with the protocol itself first. Replacing one changes this connection only. */
  readonly _handlers: MessageHandlers
  /** Takes what the socket received. */
  parse: (chunk: Buffer, from: number, to: number) => void
  /** Our algorithm lists, ready to be sent; only ever read. */
  _offer: unknown
  /** The last key exchange; of it, later ones need the session id only. */
  readonly _kex: { _keys?: unknown; _dh?: unknown } | undefined
  ping(): void
  session(id: number, flowWindowBytes: number, packetBytes: number): void
  directTcpip(id: number, flowWindowBytes: number, packetBytes: number, addresses: ForwardAddresses): void
  exec(peerId: number, command: string, wantReply: boolean): void
  shell(peerId: number, wantReply: boolean): void
  env(peerId: number, name: string, value: string, wantReply: boolean): void
  pty(
    peerId: number,
    rows: number,
    columns: number,
    heightPixels: number,
    widthPixels: number,
    term: string,
    modes: null,
    wantReply: boolean,
  ): void
  windowChange(peerId: number, rows: number, columns: number, heightPixels: number, widthPixels: number): void
  signal(peerId: number, name: string): void
  channelOpenFail(peerId: number, reason: number, description: string): void
  requestFailure(): void
}

export interface ForwardAddresses {
  readonly srcIP: string
  readonly srcPort: number
  readonly dstIP: string
  readonly dstPort: number
}

export interface MessageHandlers {
  CHANNEL_DATA(protocol: Ssh2Protocol, id: number, data: Buffer): void
  CHANNEL_EXTENDED_DATA(protocol: Ssh2Protocol, id: number, data: Buffer, type: number): void
  CHANNEL_OPEN(protocol: Ssh2Protocol, request: { sender: number }): void
  GLOBAL_REQUEST(protocol: Ssh2Protocol, name: string, wantReply: boolean): void
  DEBUG: ((protocol: Ssh2Protocol) => void) | undefined
}

export interface ChannelManager {
  /** Reserves an id; −1 when there is none. */
  add(opening: OpeningChannel): number
  get(id: number): OpeningChannel | Ssh2Channel | undefined
}

/** A channel that the target has not confirmed yet. ssh2 reads `type` when it does. */
export interface OpeningChannel {
  (error: Error | undefined, channel: Ssh2Channel): void
  type?: 'session' | 'direct-tcpip'
}

/** A channel of ssh2 with its two flow windows. */
export interface Ssh2Channel extends ClientChannel {
  readonly incoming: { window: number; readonly state: ChannelState }
  readonly outgoing: { readonly id: number; readonly packetSize: number; readonly state: ChannelState }
  /** Handlers of the answers to our channel requests, in order; true: refused, or the channel ended instead. */
  readonly _callbacks: Array<(failed: boolean) => void>
}

type ChannelState = 'open' | 'eof' | 'closing' | 'closed'

// What ssh2 itself announces (its Channel.js); its windows are adjusted against these very numbers.
const FLOW_WINDOW_BYTES = 2 * 1024 * 1024
const PACKET_BYTES = 32 * 1024
// With 0, ssh2 would loop for ever at the first write; with little more, each write costs thousands of packets.
const MIN_PACKET_BYTES = 1024

/** The one value import of ssh2: a CommonJS package, so its names come as properties. */
export const { Client: Ssh2Client, utils: ssh2Utils } = ssh2

/**
 * @param client After `connect()` was called on it.
 * @throws KrownError INTERNAL when this is not the ssh2 we know: better no connection than an unguarded one.
 */
export function internalsOf(client: Client): Ssh2Internals {
  const internals = client as unknown as Partial<Ssh2Internals>
  const known = internals._chanMgr && typeof internals._protocol?._handlers?.CHANNEL_DATA === 'function'
  if (!known) throw new KrownError('INTERNAL', 'unsupported version of ssh2')
  return internals as Ssh2Internals
}

/** Makes all connections of a kind share one copy of their algorithm lists, 3 KB each. */
export class SharedOffers {
  readonly #offers = new Map<string, unknown>()

  share({ _protocol: protocol }: Ssh2Internals, kind: string): void {
    protocol._offer = this.#offers.get(kind) ?? protocol._offer
    this.#offers.set(kind, protocol._offer)
  }
}

/** Drops the ephemeral private key of the key exchange: ssh2 keeps it as long as the connection lives. */
export function forgetEphemeralKey({ _protocol: { _kex: exchange } }: Ssh2Internals): void {
  if (!exchange) return
  exchange._keys = null
  exchange._dh = null
}

/**
 * Puts `read` in front of ssh2's parser until it returns something, which is the first that ssh2 sees.
 *
 * @param read Null for «not yet».
 */
export function readFirst(client: Ssh2Internals, read: (chunk: Buffer) => Buffer | null): void {
  const protocol = client._protocol
  protocol.parse = (chunk) => {
    const begun = read(chunk)
    if (!begun) return
    // Not `delete`: that makes a slow object of one that every packet passes through.
    protocol.parse = Object.getPrototypeOf(protocol).parse
    protocol.parse(begun, 0, begun.length)
  }
}

/** Asks for a session channel and nothing more; `opened` is called once. */
export function openSessionChannel(client: Ssh2Internals, opened: OpeningChannel): void {
  opened.type = 'session'
  const id = client._chanMgr.add(opened)
  client._protocol.session(id, FLOW_WINDOW_BYTES, PACKET_BYTES)
}

/** Asks for a channel to where only the peer can connect (RFC 4254 §7.2); `opened` is called once. */
export function openForwardChannel(
  client: Ssh2Internals,
  destination: { readonly host: string; readonly port: number },
  opened: OpeningChannel,
): void {
  opened.type = 'direct-tcpip'
  const id = client._chanMgr.add(opened)
  // Who asked for it is ours to know, so the originator says nothing.
  const addresses = { srcIP: '127.0.0.1', srcPort: 0, dstIP: destination.host, dstPort: destination.port }
  client._protocol.directTcpip(id, FLOW_WINDOW_BYTES, PACKET_BYTES, addresses)
}

/** False for a channel that must not be written to. */
export function takesPackets({ outgoing }: Ssh2Channel): boolean {
  return outgoing.packetSize >= MIN_PACKET_BYTES
}

/** What becomes of a request in a channel; called once, with true if it was refused, or the channel ended instead. */
export type RequestAnswer = (failed: boolean) => void

/** Asks to run the command, or without one the login shell, in an open channel. */
export function requestProgram(
  client: Ssh2Internals,
  channel: Ssh2Channel,
  { command, answered }: { command: string | null; answered: RequestAnswer },
): void {
  channel._callbacks.push(answered)
  const { id } = channel.outgoing
  if (command === null) client._protocol.shell(id, true)
  else client._protocol.exec(id, command, true)
}

/** Asks for a terminal, before a program is asked for. */
export function requestTerminal(
  client: Ssh2Internals,
  channel: Ssh2Channel,
  { terminal, answered }: { terminal: SshTerminal; answered: RequestAnswer },
): void {
  channel._callbacks.push(answered)
  const { term, columns, rows } = terminal
  client._protocol.pty(channel.outgoing.id, rows, columns, 0, 0, term, null, true)
}

/** No answer is asked for: a target need not tell what it takes. */
export function sendEnvironment(
  client: Ssh2Internals,
  channel: Ssh2Channel,
  env: Readonly<Record<string, string>>,
): void {
  for (const [name, value] of Object.entries(env)) {
    client._protocol.env(channel.outgoing.id, name, value, false)
  }
}

export function sendTerminalSize(
  client: Ssh2Internals,
  channel: Ssh2Channel,
  { columns, rows }: { columns: number; rows: number },
): void {
  const { id, state } = channel.outgoing
  if (state === 'open' || state === 'eof') client._protocol.windowChange(id, rows, columns, 0, 0)
}

/** ssh2's own `signal()` does nothing once the input was ended, although RFC 4254 §6.9 allows it then. */
export function sendSignal(client: Ssh2Internals, channel: Ssh2Channel, name: string): void {
  const { id, state } = channel.outgoing
  if (state === 'open' || state === 'eof') client._protocol.signal(id, name)
}

/** Asks for a sign of life (`keepalive@openssh.com`). Whatever comes back is one, so no handler waits for it. */
export function sendKeepalive(client: Ssh2Internals): void {
  client._protocol.ping()
}
