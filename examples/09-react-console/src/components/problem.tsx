import { explain } from '../advice.js'

/** An error as somebody can use it: what happened, its code, what to do. */
export function Problem({ error }: { error: unknown }) {
  const { code, message, advice } = explain(error)
  return (
    <div className="problem" role="alert">
      <p>
        <code>{code}</code> {message}
      </p>
      <p>{advice}</p>
    </div>
  )
}
