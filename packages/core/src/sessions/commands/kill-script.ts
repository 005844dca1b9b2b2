/** Begins the line in which the script lists process ids, oldest first. */
const LIST_MARK = 'krown-running:'

// Every command of a connection is a child of the same sshd process and leads its own process group; so is this
// script, hence $PPID. What started after the script is left out: Krown may not know of it yet.
const SCRIPT = `
self=$$ parent=$PPID
older() {
  [ "$1" -lt "$born" ] || { [ "$1" -eq "$born" ] && [ "$2" -lt "$self" ]; }
}
list() {
  if { read -r line </proc/$$/stat; } 2>/dev/null; then
    set -- \${line##*) }
    born=\${20}
    if [ -r "/proc/$parent/task/$parent/children" ]; then
      read -r candidates <"/proc/$parent/task/$parent/children"
    else
      candidates=$(cd /proc && echo [0-9]*)
    fi
    for pid in $candidates; do
      { read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
      set -- \${line##*) }
      [ "$2" = "$parent" ] && [ "$3" = "$pid" ] && older "\${20}" "$pid" && echo "\${20} $pid"
    done
  else
    born=0
    ps -A -o pid= -o ppid= -o pgid= | while read -r pid ppid pgid; do
      [ "$ppid" = "$parent" ] && [ "$pgid" = "$pid" ] && older 0 "$pid" && echo "0 $pid"
    done
  fi
}
while :; do
  echo "${LIST_MARK}" $(list | sort -n -k1,1 -k2,2 | while read -r started pid; do echo "$pid"; done)
  read -r signal pid || exit 0
  [ "$signal" = again ] || kill -s "$signal" -- "-$pid"
done
`

/**
 * A command line, for any login shell, that lists the process groups of the connection, again and again. After
 * each list it reads one line of standard input: `again`, or the name of a signal and the group that is to get it.
 */
export const KILL_SCRIPT = `exec /bin/sh -c '${SCRIPT.replaceAll("'", `'\\''`)}'`

/**
 * The process ids of the last whole list in what the script printed, and undefined when there is none. Whatever
 * else a login shell prints is passed over.
 */
export function readProcessList(printed: string): number[] | undefined {
  const lists = printed.matchAll(/^krown-running:((?: \d{1,10})*)\n/gm)
  const last = [...lists].at(-1)?.[1]
  return last?.split(' ').filter(Boolean).map(Number)
}
