import type { CompiledQuery } from 'kysely'

/**
 * A statement that is put together once and then only filled in: kysely takes longer to compile one than SQLite to
 * run it.
 *
 * @param names Every value that the statement takes; what else it holds is the same each time.
 * @param build Called once, with stand-ins for the values.
 */
export function prepareStatement<Values extends object>(
  names: Record<keyof Values & string, true>,
  build: (values: Values) => { compile(): CompiledQuery },
): (values: Values) => CompiledQuery {
  const standIns = new Map(Object.keys(names).map((name) => [{ standsFor: name }, name as keyof Values]))
  const given = Object.fromEntries([...standIns].map(([standIn, name]) => [name, standIn]))
  const { sql, query, queryId, parameters } = build(given as Values).compile()
  const slots = parameters.map((fixed) => ({ fixed, name: standIns.get(fixed as { standsFor: string }) }))
  if (![...standIns.values()].every((name) => slots.some((slot) => slot.name === name))) {
    throw new TypeError('a value of a prepared statement is not among its parameters')
  }
  return (values) => ({
    sql,
    query,
    queryId,
    parameters: slots.map(({ fixed, name }) => (name === undefined ? fixed : values[name])),
  })
}
