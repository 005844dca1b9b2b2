/** One of several processes that sshd runs for a connection, by the order in which they were started. */
export interface ProcessChoice {
  /** How many commands Krown runs on this connection. */
  readonly expected: number
  /** Which of them, from 1, in the order in which they were started. */
  readonly position: number
  readonly signal: 'TERM' | 'KILL'
}

// Every command of a connection is a child of the same sshd process and leads its own process group; so is this
// script, hence $PPID. Where the count differs from what Krown runs, picking one would be a guess.
const SCRIPT = `
self=$$ parent=$PPID
list() {
  if [ -r /proc/self/stat ]; then
    for dir in /proc/[0-9]*; do
      { read -r line <"$dir/stat"; } 2>/dev/null || continue
      pid=\${dir#/proc/}
      set -- \${line##*) }
      [ "$2" = "$parent" ] && [ "$3" = "$pid" ] && [ "$pid" != "$self" ] && echo "\${20} $pid"
    done
  else
    ps -A -o pid= -o ppid= -o pgid= | while read -r pid ppid pgid; do
      [ "$ppid" = "$parent" ] && [ "$pgid" = "$pid" ] && [ "$pid" != "$self" ] && echo "0 $pid"
    done
  fi
}
found=$(list | sort -n -k1,1 -k2,2)
set -- $found
[ $# -eq $((2 * expected)) ] || exit 3
shift $((2 * position - 1))
kill -s "$signal" -- "-$1"
`

/**
 * A command line, for any login shell, that signals the process group of one command. Exit code 0: signalled;
 * 3: the processes do not match what Krown runs, so none was signalled.
 */
export function killScript({ expected, position, signal }: ProcessChoice): string {
  return `exec /bin/sh -c ${quote(`expected=${expected} position=${position} signal=${signal}${SCRIPT}`)}`
}

/** Quotes for a POSIX shell: everything inside single quotes is literal. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
