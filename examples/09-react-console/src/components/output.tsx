import { useLayoutEffect, useRef } from 'react'
import type { Screen } from '../screen.js'

/** Output as it arrives. It stays at the end, unless somebody scrolled up to read. */
export function Output({ screen: { pieces, dropped, missing } }: { screen: Screen }) {
  const box = useRef<HTMLPreElement>(null)
  const isAtEnd = useRef(true)
  const watchEnd = () => {
    const { scrollTop = 0, clientHeight = 0, scrollHeight = 0 } = box.current ?? {}
    isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 8
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is new text that moves the end
  useLayoutEffect(() => {
    if (box.current && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight
  }, [pieces])
  if (pieces.length === 0 && missing === 0) return null
  return (
    <>
      {dropped > 0 && <p className="hint">{dropped.toLocaleString()} earlier characters are not shown.</p>}
      {missing > 0 && <p className="hint">{missing.toLocaleString()} bytes of output were lost.</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <pre ref={box} onScroll={watchEnd} tabIndex={0} role="log" aria-label="Output">
        {pieces.map(({ stream, text }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces are only added at the end
          <span key={index} className={stream}>
            {text}
          </span>
        ))}
      </pre>
    </>
  )
}
