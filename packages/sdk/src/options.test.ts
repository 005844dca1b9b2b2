import { expect, test } from 'vitest'
import { toSettings } from './options.js'

const url = 'http://127.0.0.1:1'

test.each(['requestTimeoutMs', 'reconnectForMs'] as const)('%s is a number from 0 to Infinity', (name) => {
  for (const value of [0, 1.5, Number.POSITIVE_INFINITY])
    expect(toSettings({ url, [name]: value })[name]).toBe(value)
  for (const value of [Number.NaN, -1, Number.NEGATIVE_INFINITY, '5']) {
    const make = () => toSettings({ url, [name]: value })
    expect(make).toThrow(
      expect.objectContaining({
        code: 'VALIDATION_FAILED',
        details: { fields: [{ path: name, message: expect.any(String) }] },
      }),
    )
  }
})
