import type { EntryAggregator } from './entry-aggregator.js'
import type { Refusal, RefusalSink } from './gate.js'

const PER_MINUTE = 20

/** Journals every refusal of a signed-in caller; of a caller who insists, the rest of the minute as one entry. */
export class RefusalLog implements RefusalSink {
  readonly #entries: EntryAggregator

  constructor(deps: { entries: EntryAggregator }) {
    this.#entries = deps.entries
  }

  async refused(refusal: Refusal, code: string): Promise<void> {
    const { actor, action, outcome } = refusal
    const caller = `${actor.userId} ${code}`
    await this.#entries.record(actor.orgId, refusal, {
      budget: caller,
      perMinute: PER_MINUTE,
      key: caller,
      summary: { action, outcome, actor, facts: { code } },
    })
  }
}
