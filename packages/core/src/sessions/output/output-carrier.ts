/**
 * The way that output takes to a driver over something that may break, such as a WebSocket. What is not known to have
 * arrived is held for him, so that he misses nothing when it broke and he comes back.
 */
export interface OutputCarrier {
  /** @param listener To be told, now and then, up to which offset everything has arrived. */
  onArrived(listener: (offset: number) => void): void
  /** It broke, and the reader did not want it; asked when the reading ends. */
  readonly broke: boolean
  /**
   * How many bytes it takes now; asked again after the listener of {@link onArrived} was told something. Default: any
   * number. Without room output is not handed out, and whoever drives counts as not reading.
   */
  room?(): number
}
